"""A person who signs in."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.ids import new_id, to_text
from accounts.usernames import USERNAME_VALIDATORS


class Theme(models.TextChoices):
    """How the pages look to this person."""

    SYSTEM = "system", "Like my device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class PeopleManager(UserManager["User"]):
    """An e-mail address is one person's however it is typed: it is stored in lower case."""

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))


class User(AbstractUser):
    """A person. Signs in by e-mail; is known to programs by ID, or by username as an alias of their own ID."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField("e-mail address", unique=True, error_messages={"unique": "This e-mail address is taken."})
    username = models.CharField(max_length=40, validators=USERNAME_VALIDATORS)
    name = models.CharField(max_length=120, blank=True)
    theme = models.CharField(max_length=6, default=Theme.SYSTEM, choices=Theme.choices)
    hides_first_steps = models.BooleanField(default=False)
    first_name = None  # type: ignore[assignment]  # names do not come in two parts everywhere
    last_name = None  # type: ignore[assignment]  # see above

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["username"]

    objects: ClassVar[PeopleManager] = PeopleManager()

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
            models.UniqueConstraint(
                Lower("username"), name="user_username_unique", violation_error_message="This username is taken."
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    def clean(self) -> None:
        self.email = type(self).objects.normalize_email(self.email)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or self.username

    @property
    def text_id(self) -> str:
        """The user ID that programs pass: `user_` and 32 hex digits."""
        return to_text("user", self.id)
