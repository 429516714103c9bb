"""Members ask, admins decide: merging, withdrawing, deciding, and who may approve what."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from integrations.jobs.requests import look_after_requests
from integrations.models import ConsentRequest, Toolkit
from integrations.queries.consent_requests import approval_of, get_consent_request, standings
from integrations.queries.to_answer import to_answer
from integrations.services import consent
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, OutOfReachError, TooManyError
from orgs.models import AuditEvent, Membership, Notice, Organization
from orgs.permissions import Actor, ActorKind, Role
from tests.factories import (
    NOW,
    actor_of,
    make_connected_account,
    make_consent_request,
    make_membership,
    make_organization,
    make_tool,
    make_toolkit,
    make_user,
)
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    toolkit = make_toolkit("github", name="GitHub")
    make_tool(toolkit, "GITHUB_READ")
    make_tool(toolkit, "GITHUB_WRITE", effect="write", name="Write a thing")
    return toolkit


def ask(user: User, organization: Organization, **values: Any) -> consent.Asked:
    wish = consent.Ask(**{"toolkit": "github", "reason": "For the release notes", **values})
    return consent.ask_for(actor=actor_of(user), owner=organization.ref, wish=wish, now=NOW)


def at(user: User, organization: Organization, row: ConsentRequest) -> dict[str, Any]:
    return {"actor": actor_of(user), "owner": organization.ref, "consent_id": row.id, "now": NOW}


def reread(row: ConsentRequest) -> ConsentRequest:
    found: ConsentRequest = ConsentRequest.objects.unscoped("a test looks at what it made").get(id=row.id)
    return found


def logged(organization: Organization) -> list[str]:
    return list(
        AuditEvent.objects.filter(owner_id=organization.ref.text_id).order_by("id").values_list("action", flat=True)
    )


def told(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("id").values_list("title", flat=True))


# --- Asking


def test_who_asks_first_makes_the_request_and_the_admins_are_told(world: World, toolkit: Toolkit) -> None:
    asked = ask(world.member, world.acme, tools=["GITHUB_WRITE", "SLACK_NOT_OURS"])

    [part] = asked.request.requesters.all()
    assert (asked.is_new, asked.request.status, part.user, part.tools) == (True, "open", world.member, ["GITHUB_WRITE"])
    assert asked.request.expires_at == NOW + 14 * DAY
    assert told(world.admin) == told(world.owner) == ["mia asks: Connect GitHub"]
    assert told(world.member) == told(world.viewer) == []
    assert logged(world.acme) == ["request.make"]


def test_equal_requests_are_one_and_nobody_is_told_twice(world: World, toolkit: Toolkit) -> None:
    first = ask(world.member, world.acme)
    second = ask(world.owner, world.acme, reason="Me too")

    assert (second.request.id, second.is_new, second.was_mine) == (first.request.id, False, False)
    assert first.request.requesters.count() == 2
    assert told(world.admin) == ["mia asks: Connect GitHub"]
    assert logged(world.acme) == ["request.make", "request.join"]


def test_asking_once_more_replaces_what_was_written(world: World, toolkit: Toolkit) -> None:
    ask(world.member, world.acme)
    again = ask(world.member, world.acme, reason="For something else", tools=["GITHUB_READ"])

    [part] = again.request.requesters.all()
    assert (again.was_mine, part.reason, part.tools) == (True, "For something else", ["GITHUB_READ"])


def test_access_to_an_account_is_another_question_than_a_new_connection(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(toolkit, owner=world.acme)

    new, access = ask(world.member, world.acme), ask(world.member, world.acme, account_id=account.id)

    assert new.request.id != access.request.id
    assert access.request.what == "Access to github-identity"
    assert {key[1] for key in standings(actor=actor_of(world.member), owner=world.acme.ref)} == {None, account.id}


def test_another_toolkits_account_is_no_target(world: World, toolkit: Toolkit) -> None:
    account = make_connected_account(make_toolkit("slack"), owner=world.acme)

    with pytest.raises(NotFoundError):
        ask(world.member, world.acme, account_id=account.id)


def test_what_needs_no_account_is_not_asked_for(world: World) -> None:
    make_toolkit("news", needs_account=False)

    with pytest.raises(DomainError, match="needs no account"):
        ask(world.member, world.acme, toolkit="news")


def test_a_reason_is_needed(world: World, toolkit: Toolkit) -> None:
    with pytest.raises(DomainError, match="Say why"):
        ask(world.member, world.acme, reason="  ")


@pytest.mark.parametrize(("persona", "error"), [("viewer", ForbiddenError), ("outsider", OutOfReachError)])
def test_viewers_and_strangers_cannot_ask(
    world: World, toolkit: Toolkit, persona: str, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        ask(world.people[persona], world.acme)


def test_a_key_of_the_organization_asks_for_nothing(world: World, toolkit: Toolkit) -> None:
    key = Actor(ActorKind.ORGANIZATION_KEY, organization_id=world.acme.id, is_bound=True)
    wish = consent.Ask(toolkit="github", reason="A program wants it")

    with pytest.raises(ForbiddenError, match="Only a person"):
        consent.ask_for(actor=key, owner=world.acme.ref, wish=wish, now=NOW)


def test_nobody_fills_the_desk_alone(world: World, toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.services.consent.asking.MOST_OPEN", 1)
    ask(world.member, world.acme)
    make_toolkit("slack")

    with pytest.raises(TooManyError):
        ask(world.member, world.acme, toolkit="slack")
    assert to_answer(actor=actor_of(world.admin), owner=world.acme.ref).open_requests == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_are_one_request_with_two_requesters() -> None:
    toolkit = make_toolkit("github")
    acme = make_organization("acme", owner=make_user("ada"))
    people = [make_user(f"person-at-once-{number}") for number in range(4)]
    for one in people:
        make_membership(acme, one)
    problems: list[Exception] = []

    def work(user: User) -> None:
        try:
            ask(user, acme, toolkit=toolkit.slug)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test must see it
            problems.append(error)
        finally:
            connection.close()

    threads = [Thread(target=work, args=(one,)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    [row] = ConsentRequest.objects.owned_by(acme.ref)
    assert row.requesters.count() == 4
    assert sorted(logged(acme)) == ["request.join"] * 3 + ["request.make"]


def test_who_is_slower_by_a_moment_joins(world: World, toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other request comes in between the look and the write: the constraint stops the second row."""
    from integrations.services.consent import asking  # noqa: PLC0415  # patched below

    look, looks = asking._found, []

    def found(*args: Any) -> ConsentRequest | None:
        looks.append(1)
        if len(looks) == 1:
            make_consent_request(toolkit, owner=world.acme, users=[world.owner])
            return None
        return look(*args)

    monkeypatch.setattr(asking, "_found", found)

    asked = ask(world.member, world.acme)

    assert (asked.is_new, asked.request.requesters.count()) == (False, 2)


def test_what_was_made_and_ended_within_a_moment_is_asked_again(
    world: World, toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.owner])
    monkeypatch.setattr("integrations.services.consent.asking._found", lambda *_args: None)

    with pytest.raises(ConflictError, match="Ask again"):
        ask(world.member, world.acme)


# --- Taking back


def test_each_takes_back_their_own_and_the_last_one_ends_it(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member, world.owner])

    consent.withdraw_request(**at(world.member, world.acme, row))
    assert (reread(row).status, row.requesters.asking().count()) == ("open", 1)

    consent.withdraw_request(**at(world.owner, world.acme, row))
    assert reread(row).status == "withdrawn"
    assert logged(world.acme) == ["request.withdraw"] * 2


def test_the_admins_need_not_look_at_what_was_taken_back(world: World, toolkit: Toolkit) -> None:
    row = ask(world.member, world.acme).request

    consent.withdraw_request(**at(world.member, world.acme, row))

    assert Notice.objects.get(user=world.admin).read_at == NOW


def test_nobody_takes_back_what_others_asked_for(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])

    with pytest.raises(NotFoundError):
        consent.withdraw_request(**at(world.admin, world.acme, row))
    with pytest.raises(OutOfReachError):
        consent.withdraw_request(**at(world.outsider, world.acme, row))
    assert reread(row).status == "open"


def test_what_is_decided_is_not_taken_back(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], status="denied")

    with pytest.raises(ConflictError):
        consent.withdraw_request(**at(world.member, world.acme, row))


def test_after_taking_it_back_one_can_ask_anew(world: World, toolkit: Toolkit) -> None:
    row = ask(world.member, world.acme).request
    consent.withdraw_request(**at(world.member, world.acme, row))

    again = ask(world.member, world.acme)

    assert (again.is_new, again.request.id != row.id) == (True, True)


def test_joining_again_after_taking_ones_part_back(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member, world.owner])
    consent.withdraw_request(**at(world.member, world.acme, row))

    again = ask(world.member, world.acme)

    assert (again.was_mine, again.request.id, row.requesters.asking().count()) == (False, row.id, 2)


def test_everything_of_somebody_who_leaves_is_taken_back(world: World, toolkit: Toolkit) -> None:
    mine = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    shared = make_consent_request(make_toolkit("slack"), owner=world.acme, users=[world.member, world.owner])

    count = consent.withdraw_all(actor=actor_of(world.admin), owner=world.acme.ref, user=world.member, now=NOW)

    assert (count, reread(mine).status, reread(shared).status) == (2, "withdrawn", "open")
    assert mine.events.get(step="withdrew").user == world.member


# --- Deciding

Decide = Callable[..., ConsentRequest]


@pytest.mark.parametrize(
    ("decide", "status", "action"),
    [(consent.deny_request, "denied", "request.deny"), (consent.block_request, "blocked", "request.block")],
)
def test_an_admin_says_no_with_a_reason(
    world: World, toolkit: Toolkit, decide: Decide, status: str, action: str
) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])

    decide(**at(world.admin, world.acme, row), reason="We use GitLab")

    after = reread(row)
    assert (after.status, after.decided_by, after.decision_reason) == (status, world.admin, "We use GitLab")
    assert told(world.member) == [f"{status.title()}: Connect GitHub"]
    assert "We use GitLab" in Notice.objects.get(user=world.member).text
    assert logged(world.acme) == [action]
    assert "GitLab" not in str(AuditEvent.objects.get(action=action).facts)


@pytest.mark.parametrize("decide", [consent.deny_request, consent.block_request])
def test_no_is_said_by_admins_with_a_reason_and_once(world: World, toolkit: Toolkit, decide: Decide) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])

    with pytest.raises(ForbiddenError):
        decide(**at(world.member, world.acme, row), reason="No")
    with pytest.raises(DomainError, match="Say why"):
        decide(**at(world.admin, world.acme, row), reason=" ")
    decide(**at(world.admin, world.acme, row), reason="No")
    with pytest.raises(ConflictError, match="by now"):
        decide(**at(world.owner, world.acme, row), reason="No")


def test_another_organizations_admin_finds_nothing(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])

    with pytest.raises(NotFoundError):
        consent.deny_request(**at(world.outsider, world.globex, row), reason="No")


def test_what_is_blocked_cannot_be_asked_for_until_the_block_is_lifted(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    consent.block_request(**at(world.admin, world.acme, row), reason="Never")

    with pytest.raises(ConflictError, match="They wrote: Never"):
        ask(world.member, world.acme)
    consent.lift_block(**at(world.owner, world.acme, row))

    assert reread(row).status == "denied"
    assert ask(world.member, world.acme).is_new
    assert told(world.member)[-1] == "No longer blocked: Connect GitHub"


def test_a_block_without_a_word_is_told_without_one(world: World, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.owner], status="blocked")

    with pytest.raises(ConflictError, match=r"has blocked this\.$"):
        ask(world.member, world.acme)


@pytest.mark.parametrize("status", ["denied", "blocked", "expired"])
def test_an_admin_opens_it_again(world: World, toolkit: Toolkit, status: str) -> None:
    row = make_consent_request(
        toolkit, owner=world.acme, users=[world.member], status=status, reminded_at=NOW, decided_by=world.owner
    )

    consent.reopen_request(**at(world.admin, world.acme, row))

    after = reread(row)
    assert (after.status, after.decided_by, after.reminded_at) == ("open", None, None)
    assert after.expires_at == NOW + 14 * DAY


def test_it_is_not_opened_again_beside_an_equal_one(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], status="denied")
    ask(world.member, world.acme)

    with pytest.raises(ConflictError, match="asked for again since"):
        consent.reopen_request(**at(world.admin, world.acme, row))


def test_what_is_approved_is_not_opened_again(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], status="approved")

    with pytest.raises(ConflictError):
        consent.reopen_request(**at(world.admin, world.acme, row))
    with pytest.raises(ConflictError):
        consent.lift_block(**at(world.admin, world.acme, row))


# --- Approving


def approve(user: User, world: World, row: ConsentRequest, **account: Any) -> ConsentRequest:
    made = account.get("account") or make_connected_account(row.toolkit, owner=world.acme)
    return consent.approve_request(**at(user, world.acme, row), account=made)


def test_approving_links_the_connection_and_tells_everybody_who_asked(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member, world.viewer])

    approve(world.admin, world, row)

    after = reread(row)
    assert (after.status, after.decided_by, after.was_own) == ("approved", world.admin, False)
    assert after.answered_with is not None
    assert told(world.member) == told(world.viewer) == ["Approved: Connect GitHub"]
    assert AuditEvent.objects.get(action="request.approve").details["is_own"] is False


def test_an_account_without_the_needed_scopes_approves_nothing(world: World, toolkit: Toolkit) -> None:
    make_tool(toolkit, "GITHUB_PUSH", scopes=[["repo"]])
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    row.requesters.update(tools=["GITHUB_PUSH"])
    less, enough = (make_connected_account(toolkit, owner=world.acme, scopes=scopes) for scopes in ([], ["repo"]))

    assert approve(world.admin, world, row, account=less).status == "open"
    assert approve(world.admin, world, row, account=enough).status == "approved"


def test_nobody_approves_what_they_asked_for(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.admin, world.member])

    with pytest.raises(ForbiddenError, match="Ask owner_of_acme"):
        approve(world.admin, world, row)
    assert reread(row).status == "open"
    assert approve(world.owner, world, row).status == "approved"


def test_taking_ones_part_back_does_not_make_it_somebody_elses(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.admin, world.member])
    consent.withdraw_request(**at(world.admin, world.acme, row))

    with pytest.raises(ForbiddenError, match="somebody else decides"):
        approve(world.admin, world, row)


def test_the_only_one_who_may_decide_approves_their_own_on_record(world: World, toolkit: Toolkit) -> None:
    Membership.objects.filter(user=world.admin).update(role=Role.MEMBER.value)
    row = make_consent_request(toolkit, owner=world.acme, users=[world.owner])

    after = approve(world.owner, world, row)

    assert (after.status, after.was_own) == ("approved", True)
    assert AuditEvent.objects.get(action="request.approve").details["is_own"] is True


def test_a_demoted_admin_does_not_approve(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    stale = at(world.admin, world.acme, row)
    Membership.objects.filter(user=world.admin).update(role=Role.MEMBER.value)

    with pytest.raises(ForbiddenError):
        consent.approve_request(**stale, account=make_connected_account(toolkit, owner=world.acme))
    assert reread(row).status == "open"


def test_members_learn_who_decides(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])

    found = approval_of(actor=actor_of(world.member), owner=world.acme.ref, request=row)

    assert (found.may, found.reason) == (False, "Only an admin or owner of Acme can decide.")


def test_what_is_over_is_not_approved(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], status="withdrawn")

    with pytest.raises(ConflictError, match="withdrawn by now"):
        approve(world.admin, world, row)


def test_another_account_than_the_one_asked_for_answers_nothing(world: World, toolkit: Toolkit) -> None:
    wanted = make_connected_account(toolkit, owner=world.acme)
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], connected_account=wanted)

    assert approve(world.admin, world, row, account=make_connected_account(toolkit, owner=world.acme)).status == "open"
    assert approve(world.admin, world, row, account=wanted).status == "approved"


def test_another_toolkit_answers_nothing(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member])
    other = make_connected_account(make_toolkit("slack"), owner=world.acme)

    assert approve(world.admin, world, row, account=other).status == "open"


# --- Reading


def test_a_member_reads_their_own_words_and_how_many_others_ask(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member, world.owner])

    found = get_consent_request(actor=actor_of(world.member), owner=world.acme.ref, consent_id=row.id)

    assert [one.user for one in found.requesters] == [one.user for one in found.events] == [world.member]
    assert (found.count, found.others, found.may_decide) == (2, 1, False)


def test_an_admin_reads_everybodys_words(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(toolkit, owner=world.acme, users=[world.member, world.owner])

    found = get_consent_request(actor=actor_of(world.admin), owner=world.acme.ref, consent_id=row.id)

    assert (len(found.requesters), len(found.events), found.mine, found.others) == (2, 2, None, 2)


def test_the_count_is_for_who_decides(world: World, toolkit: Toolkit) -> None:
    make_consent_request(toolkit, owner=world.acme, users=[world.member])

    assert to_answer(actor=actor_of(world.admin), owner=world.acme.ref).open_requests == 1
    assert to_answer(actor=actor_of(world.member), owner=world.acme.ref).open_requests == 0


# --- Time


def test_admins_are_reminded_once(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(
        toolkit, owner=world.acme, users=[world.member], created_at=NOW, expires_at=NOW + 14 * DAY
    )

    assert look_after_requests(NOW + 2 * DAY) == (0, 0)
    assert [look_after_requests(NOW + 3 * DAY) for _turn in range(2)] == [(1, 0), (0, 0)]

    assert told(world.admin) == told(world.owner) == ["Still waiting: Connect GitHub"]
    assert told(world.member) == []
    assert logged(world.acme) == ["request.remind"]
    assert reread(row).status == "open"


def test_what_nobody_decides_expires_once(world: World, toolkit: Toolkit) -> None:
    row = make_consent_request(
        toolkit, owner=world.acme, users=[world.member], created_at=NOW, expires_at=NOW + 14 * DAY
    )

    assert [look_after_requests(NOW + 14 * DAY) for _turn in range(2)] == [(0, 1), (0, 0)]

    assert reread(row).status == "expired"
    assert told(world.member) == ["Expired: Connect GitHub"]
    assert logged(world.acme) == ["request.expire"]


def test_two_sweeps_at_once_do_it_once(world: World, toolkit: Toolkit) -> None:
    """Both have read the row before either has written it."""
    from integrations.jobs import requests  # noqa: PLC0415  # its insides are the point

    row = make_consent_request(
        toolkit, owner=world.acme, users=[world.member], created_at=NOW, expires_at=NOW + 14 * DAY
    )

    assert [requests._remind(row, NOW + 4 * DAY) for _turn in range(2)] == [True, False]
    assert [requests._expire(row, NOW + 14 * DAY) for _turn in range(2)] == [True, False]


def test_the_sweep_looks_after_requests(world: World, toolkit: Toolkit) -> None:
    from integrations.jobs import sweep  # noqa: PLC0415

    row = make_consent_request(toolkit, owner=world.acme, users=[world.member], expires_at=timezone.now() - DAY)

    sweep(force=True)

    assert reread(row).status == "expired"
