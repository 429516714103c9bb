"""At the command line: staff come into their groups from a file, and back in after they lost their second factor."""

from io import StringIO
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command

from accounts.models import User
from orgs.models import AuditEvent
from tests.factories import make_user
from tests.staff import SEED

pytestmark = pytest.mark.django_db
STAFF = "users: [{email: sam@example.com, username: sam, is_staff: true, groups: [Support]}]"


def bootstrap(folder: Path, text: str) -> None:
    file = folder / "staff.yaml"
    file.write_text(text)
    call_command("bootstrap", str(file), stdout=StringIO())


def test_file_puts_staff_into_a_group(tmp_path: Path) -> None:
    call_command("sync_groups", verbosity=0)

    bootstrap(tmp_path, STAFF)

    sam = User.objects.get(username="sam")
    assert sam.is_staff
    assert not sam.is_superuser
    assert [one.name for one in sam.groups.all()] == ["Support"]


def test_file_with_an_unknown_group_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Support is no group here"):
        bootstrap(tmp_path, STAFF)

    assert not User.objects.filter(username="sam").exists()


def test_sync_groups_says_how_many_permissions_each_has() -> None:
    out = StringIO()

    call_command("sync_groups", stdout=out)

    assert [line.split(":")[0] for line in out.getvalue().splitlines()] == ["Support", "Operators"]


def test_lost_second_factor_is_removed_on_record() -> None:
    user, out = make_user("sam"), StringIO()
    TOTP.activate(user, SEED)

    call_command("remove_factors", user.email.upper(), stdout=out)
    call_command("remove_factors", user.email, stdout=out)

    assert not Authenticator.objects.filter(user=user).exists()
    assert "Removed 1 second factors" in out.getvalue()
    [event] = AuditEvent.objects.filter(action="mfa.remove")
    assert (event.owner_id, event.actor_kind, event.details) == (user.text_id, "system", {"factor": "totp"})


def test_nobody_with_that_address_is_said() -> None:
    with pytest.raises(CommandError, match="Nobody signs in with nobody@example"):
        call_command("remove_factors", "nobody@example.com")
