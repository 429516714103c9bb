"""Key rotation: everything sealed moves to the newest key, and what nobody can open is counted, not lost."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from pytest_django import Settings

from integrations.models import AuthConfig, ConnectedAccount, Execution
from integrations.models.encrypted import EncryptedJSONField, Sealed, SecretUnreadableError, seal, unseal
from integrations.services.secrets import rotate_all
from tests.factories import make_connected_account, make_execution, make_tool, make_toolkit, make_user

pytestmark = pytest.mark.django_db
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def account(settings: Settings) -> ConnectedAccount:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    made = make_connected_account(make_toolkit(), owner=make_user())
    made.credentials = seal({"token": "t"}, table="connected_account", row=made.id, field="credentials")
    made.save()
    return made


def opened(account: ConnectedAccount) -> object:
    account.refresh_from_db()
    return unseal(account.credentials, table="connected_account", row=account.id, field="credentials")


def test_rotation_moves_a_secret_to_the_newest_key(account: ConnectedAccount, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    report = rotate_all(actor=None)["integrations.ConnectedAccount.credentials"]

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert (report.rotated, report.unreadable) == (1, 0)
    assert opened(account) == {"token": "t"}


def test_without_rotation_the_old_key_cannot_be_dropped(account: ConnectedAccount, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    with pytest.raises(SecretUnreadableError):
        opened(account)


def test_rotation_leaves_alone_and_counts_what_no_key_opens(account: ConnectedAccount, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    report = rotate_all(actor=None)["integrations.ConnectedAccount.credentials"]

    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    assert (report.rotated, report.unreadable) == (0, 1)
    assert opened(account) == {"token": "t"}


def test_rotation_covers_arguments_and_results(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    user = make_user()
    row: Execution = make_execution(make_tool(make_toolkit()), owner=user, user=user)
    row.arguments = seal({"a": 1}, table="execution", row=row.id, field="arguments")
    row.save()
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    call_command("rotate_secrets")

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    row.refresh_from_db()
    assert unseal(row.arguments, table="execution", row=row.id, field="arguments") == {"a": 1}


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    columns = {
        str(field)
        for model in (AuthConfig, ConnectedAccount, Execution)
        for field in model._meta.get_fields()
        if isinstance(field, EncryptedJSONField)
    }

    assert columns <= rotate_all(actor=None).keys()
    assert {"integrations.AuthConfig.client_secret", "integrations.Execution.result"} <= columns


def test_a_sealed_value_does_not_open_in_another_row(account: ConnectedAccount) -> None:
    other = make_connected_account(account.toolkit, owner=make_user())
    other.credentials = Sealed(account.credentials.text)
    other.save()

    with pytest.raises(SecretUnreadableError):
        opened(other)
