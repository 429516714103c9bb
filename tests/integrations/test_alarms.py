"""A connected account that needs somebody: one notice to whoever can help, and it ends with the trouble."""

from uuid import UUID

import pytest
from django.utils import timezone

from integrations.alarms import NOT_RENEWED, be_at_ease, raise_alarm, worry
from integrations.credentials import mark_expired
from integrations.models import ConnectedAccount
from integrations.services.connections import disconnect, pause_account
from integrations.services.connections.store import NewAccount, store_account
from orgs.models import Notice, Organization
from tests.factories import NOW, actor_of, make_connected_account, make_toolkit
from tests.world import World

pytestmark = pytest.mark.django_db


def told() -> dict[str, list[str]]:
    """The titles of unread notices by username."""
    found: dict[str, list[str]] = {}
    for notice in Notice.objects.unread().select_related("user"):
        found.setdefault(notice.user.username, []).append(notice.title)
    return found


def reread(account_id: UUID) -> ConnectedAccount:
    found: ConnectedAccount = ConnectedAccount.objects.unscoped("a test looks").get(id=account_id)
    return found


@pytest.fixture
def shared(world: World) -> ConnectedAccount:
    return make_connected_account(make_toolkit(), owner=world.acme)


def test_the_admins_are_told_of_an_organizations_account_once_for_many_failed_runs(
    world: World, shared: ConnectedAccount
) -> None:
    for _run in range(5):
        mark_expired(shared.id, version=shared.token_version, reason="The provider said no.")

    title = "Github account github-identity must be reconnected"
    assert told() == {world.admin.username: [title], world.owner.username: [title]}
    notice = Notice.objects.first()
    assert notice is not None
    assert notice.text.startswith("The provider said no. Runs through it are refused")
    assert notice.path == f"/orgs/acme/connections/{shared.text_id}/"
    assert notice.mail_due_at is not None


def test_a_person_alone_is_told_of_their_own_account(world: World) -> None:
    account = make_connected_account(make_toolkit(), owner=world.member)

    mark_expired(account.id, version=account.token_version, reason="It ended.")

    assert list(told()) == [world.member.username]
    assert Notice.objects.get().path == f"/me/connections/{account.text_id}/"
    assert Notice.objects.get().organization is None


def test_nobody_is_told_when_it_was_reconnected_meanwhile(shared: ConnectedAccount) -> None:
    mark_expired(shared.id, version=shared.token_version + 1, reason="An old answer.")

    assert told() == {}


@pytest.mark.parametrize(
    ("status", "words"), [("needs_attention", "needs attention"), ("failed", "has failed"), ("expired", "reconnected")]
)
def test_each_state_has_its_words(world: World, status: str, words: str) -> None:
    account = make_connected_account(make_toolkit(), owner=world.member, status=status)

    raise_alarm(account.id, now=NOW)

    assert words in Notice.objects.get().title


def reconnect(world: World, account: ConnectedAccount) -> None:
    new = NewAccount(
        account.auth_config,
        account.scheme,  # type: ignore[arg-type]  # its value
        {"access_token": "new"},
        identity=None,
        base_url=account.base_url,
        reconnects=account.id,
    )
    store_account(new, actor=actor_of(world.admin), owner=world.acme.ref, now=NOW)


def pause(world: World, account: ConnectedAccount) -> None:
    ConnectedAccount.objects.unscoped("a test").filter(id=account.id).update(status="needs_attention")
    pause_account(actor=actor_of(world.admin), owner=world.acme.ref, account_id=account.id)


def take_away(world: World, account: ConnectedAccount) -> None:
    disconnect(actor=actor_of(world.admin), owner=world.acme.ref, account_id=account.id, now=NOW)


@pytest.mark.parametrize("answer", [reconnect, pause, take_away])
def test_whoever_sees_to_it_answers_the_notice_for_everybody(
    world: World, shared: ConnectedAccount, answer: object
) -> None:
    other = make_connected_account(shared.toolkit, owner=world.acme, identity_key="2")
    for account in (shared, other):
        mark_expired(account.id, version=account.token_version, reason="It ended.")
    Organization.objects.filter(id=world.acme.id).update(slug="acme-two")
    world.acme.slug = "acme-two"

    answer(world, shared)  # type: ignore[operator]  # one of the three above

    assert {one.path for one in Notice.objects.unread()} == {f"/orgs/acme/connections/{other.text_id}/"}


def test_what_cannot_be_renewed_for_long_needs_attention_and_comes_back_by_itself(
    world: World, shared: ConnectedAccount
) -> None:
    worry(shared, now=timezone.now())
    worry(shared, now=timezone.now())

    worried = reread(shared.id)
    assert (worried.status, worried.status_reason) == ("needs_attention", NOT_RENEWED)
    assert [len(titles) for titles in told().values()] == [1, 1]
    be_at_ease(worried, now=timezone.now())

    assert (reread(shared.id).status, reread(shared.id).status_reason, told()) == ("active", "", {})


def test_what_needs_attention_for_another_reason_keeps_needing_it(world: World) -> None:
    account = make_connected_account(make_toolkit(), owner=world.acme, status="needs_attention", status_reason="Other.")
    raise_alarm(account.id, now=NOW)

    be_at_ease(account, now=timezone.now())

    assert reread(account.id).status == "needs_attention"
    assert told() != {}
