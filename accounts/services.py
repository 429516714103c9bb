"""What people change about themselves."""

from django.db import IntegrityError, transaction

from accounts.models import User


class UsernameTakenError(Exception):
    """Somebody else has this username, in whatever case."""

    message = "This username is taken. Choose another one."


def update_profile(*, actor: User, name: str, username: str, theme: str) -> User:
    """Save name, username and theme of the acting user; UsernameTakenError when the name is somebody else's.

    The user ID never changes. A given-up username stops working as an alias at once, and whoever takes
    it next gains nothing by it: an alias only ever means its own holder (check H5).
    """
    actor.name, actor.username, actor.theme = name, username, theme
    try:
        with transaction.atomic():
            actor.save(update_fields=["name", "username", "theme"])
    except IntegrityError as error:
        actor.refresh_from_db(fields=["name", "username", "theme"])
        raise UsernameTakenError from error
    return actor


def show_first_steps(*, actor: User, shown: bool) -> None:
    """Whether the acting user's home page begins with the newcomer's steps, as long as some are left."""
    actor.hides_first_steps = not shown
    actor.save(update_fields=["hides_first_steps"])


def choose_theme(*, actor: User, theme: str) -> None:
    actor.theme = theme
    actor.save(update_fields=["theme"])
