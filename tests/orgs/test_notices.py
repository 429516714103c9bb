"""Notices: who is told, who may read it, the page behind the bell, and the letters (checks I14, T21)."""

import re
from datetime import timedelta
from smtplib import SMTPConnectError, SMTPRecipientsRefused
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations.jobs import sweep
from orgs.errors import ForbiddenError, NotFoundError
from orgs.models import Membership, Notice
from orgs.models.organizations import MemberStatus
from orgs.notices import NOTICE_WORDS, NoticeKind
from orgs.permissions import Permission
from orgs.queries.notices import count_unread, list_notices
from orgs.queries.people import holders
from orgs.services.notices import (
    BATCH,
    FIRST_WAIT,
    GIVE_UP_AFTER,
    KEEP,
    KEEP_READ,
    LONGEST_WAIT,
    mark_all_read,
    notify,
    open_notice,
    purge_notices,
    send_due_notices,
    settle,
)
from tests.factories import NOW, actor_of, make_notice, owner_ref
from tests.world import World

pytestmark = pytest.mark.django_db
PATH = "/orgs/acme/connections/"
SENDING = "django.core.mail.backends.locmem.EmailBackend.send_messages"


def tell(world: World, *names: str, **values: object) -> None:
    wanted: dict[str, Any] = {
        "title": "GitHub must be reconnected",
        "text": "The provider no longer accepts it.",
        "path": PATH,
    }
    wanted |= {"kind": NoticeKind.CONNECTION, "owner": world.acme.ref, "now": NOW, "actor": None}
    notify(users=[world.people[name] for name in names], **{**wanted, **values})


def titles(world: World, persona: str) -> list[str]:
    page = list_notices(actor=actor_of(world.people[persona]), only_unread=False)
    return [one.title for one in page.rows]


# --- Who is told


def test_each_of_the_users_is_told_once(world: World) -> None:
    tell(world, "admin", "owner", "admin")

    assert (titles(world, "admin"), titles(world, "owner"), titles(world, "member")) == (
        ["GitHub must be reconnected"],
        ["GitHub must be reconnected"],
        [],
    )


def test_somebody_whose_user_is_closed_is_not_told(world: World) -> None:
    world.admin.is_active = False
    world.admin.save()

    tell(world, "admin")

    assert not Notice.objects.exists()


@pytest.mark.parametrize("path", ["", "//evil.test", "https://evil.test/", "/\\evil.test", "/a\nb", "connections/"])
def test_a_notice_leads_to_a_page_of_ours_and_nowhere_else(world: World, path: str) -> None:
    with pytest.raises(ValueError, match="page of this site"):
        tell(world, "admin", path=path)


@pytest.mark.parametrize("path", ["//evil.test", "https://evil.test/"])
def test_the_database_takes_no_other_path_either(world: World, path: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_notice(world.admin, path=path)


def test_texts_are_cut_and_lose_what_cannot_be_printed(world: World) -> None:
    tell(world, "admin", title=f"One\r\nBcc: x@evil.test {'x' * 300}", text="a\x00b\nc")

    notice = Notice.objects.get()

    assert notice.title.startswith("One Bcc: x@evil.test")
    assert len(notice.title) == 160
    assert notice.text == "a b c"


def test_every_kind_has_its_words() -> None:
    assert set(NOTICE_WORDS) == set(NoticeKind)


def test_holders_are_the_active_members_whose_role_has_the_permission(world: World) -> None:
    found = holders(actor=actor_of(world.member), owner=world.acme.ref, permission=Permission.CONNECTED_ACCOUNTS_MANAGE)

    assert set(found) == {world.owner, world.admin}


def test_holders_leave_out_who_is_suspended_or_closed(world: World) -> None:
    Membership.objects.filter(user=world.owner).update(status=MemberStatus.SUSPENDED)
    world.admin.is_active = False
    world.admin.save()

    assert holders(actor=None, owner=world.acme.ref, permission=Permission.CONNECTED_ACCOUNTS_MANAGE) == []


def test_the_holder_of_a_persons_things_is_that_person(world: World) -> None:
    own = owner_ref(world.member)
    wanted = Permission.CONNECTED_ACCOUNTS_MANAGE

    assert holders(actor=None, owner=own, permission=wanted) == [world.member]
    assert holders(actor=actor_of(world.member), owner=own, permission=wanted) == [world.member]


def test_a_stranger_learns_of_nobody(world: World) -> None:
    with pytest.raises(NotFoundError):
        holders(actor=actor_of(world.outsider), owner=world.acme.ref, permission=Permission.MEMBERS_MANAGE)


# --- Who may read


def test_who_left_does_not_see_the_organizations_notices_any_more(world: World) -> None:
    tell(world, "admin")
    tell(world, "admin", owner=None, title="You were removed from Acme")
    Membership.objects.filter(user=world.admin).update(status=MemberStatus.LEFT)

    assert titles(world, "admin") == ["You were removed from Acme"]
    assert count_unread(actor=actor_of(world.admin)) == 1
    send_due_notices(actor=None, now=NOW)
    assert [one.subject for one in mail.outbox] == ["Switchboard: You were removed from Acme"]


def test_somebody_elses_notice_cannot_be_opened_or_marked(world: World) -> None:
    notice = make_notice(world.admin)
    member = actor_of(world.member)

    with pytest.raises(NotFoundError):
        open_notice(actor=member, notice_id=notice.id, now=NOW)
    assert mark_all_read(actor=member, until=None, now=NOW) == 0
    assert Notice.objects.get().read_at is None
    assert open_notice(actor=actor_of(world.admin), notice_id=notice.id, now=NOW) == notice.path


def test_opening_twice_keeps_the_first_time(world: World) -> None:
    notice = make_notice(world.member)
    actor = actor_of(world.member)
    open_notice(actor=actor, notice_id=notice.id, now=NOW)

    open_notice(actor=actor, notice_id=notice.id, now=NOW + timedelta(hours=1))

    assert Notice.objects.get().read_at == NOW


def test_a_notice_follows_the_organization_to_its_new_address(world: World) -> None:
    notice = make_notice(world.admin, organization=world.acme, path="/orgs/acme/connections/?a=1")
    elsewhere = make_notice(world.admin, organization=world.acme, path="/profile/")
    world.acme.slug = "acme-two"
    world.acme.save()

    actor = actor_of(world.admin)

    assert open_notice(actor=actor, notice_id=notice.id, now=NOW) == "/orgs/acme-two/connections/?a=1"
    assert open_notice(actor=actor, notice_id=elsewhere.id, now=NOW) == "/profile/"


def test_all_are_marked_but_those_that_nobody_has_seen(world: World) -> None:
    seen = make_notice(world.member)
    new = make_notice(world.member)

    assert mark_all_read(actor=actor_of(world.member), until=seen.id, now=NOW) == 1

    assert list(Notice.objects.unread()) == [new]
    assert mark_all_read(actor=actor_of(world.member), until=None, now=NOW) == 1


def test_what_is_settled_needs_nobody_any_more(world: World) -> None:
    tell(world, "admin", "owner")
    tell(world, "admin", path="/orgs/acme/members/")

    assert settle(actor=None, kind=NoticeKind.CONNECTION, path=PATH, now=NOW) == 2

    send_due_notices(actor=None, now=NOW)
    assert len(mail.outbox) == 1
    assert [one.path for one in Notice.objects.unread()] == ["/orgs/acme/members/"]


# --- The page


def page(world: World, persona: str, query: str = "") -> str:
    return world.client(persona).get(f"/notices/{query}").content.decode()


def test_the_list_shows_ones_own_newest_first(world: World) -> None:
    make_notice(world.member, title="The first")
    make_notice(world.member, title="The second", organization=world.acme)
    make_notice(world.admin, title="Somebody else's")

    text = page(world, "member")

    assert text.index("The second") < text.index("The first")
    assert "Somebody else" not in text
    assert "Acme" in text


def test_names_that_people_chose_are_text(world: World) -> None:
    make_notice(world.member, title="<script>alert(1)</script>", text="<b>x</b>")

    text = page(world, "member")

    assert "<script>alert(1)" not in text
    assert "&lt;b&gt;x" in text


def test_both_kinds_of_emptiness_have_their_words(world: World) -> None:
    assert "Nothing to tell you yet" in page(world, "member")
    make_notice(world.member, read_at=NOW)

    assert "Nothing unread" in page(world, "member", "?show=unread")


def test_unread_ones_alone(world: World) -> None:
    make_notice(world.member, title="Seen", read_at=NOW)
    make_notice(world.member, title="Fresh")

    text = page(world, "member", "?show=unread")

    assert "Fresh" in text
    assert "Seen" not in text


def test_opening_marks_and_leads_on(world: World) -> None:
    notice = make_notice(world.member, path="/me/connections/")

    response = world.client("member").post(f"/notices/{notice.text_id}/open/")

    assert response.headers["Location"] == "/me/connections/"
    assert Notice.objects.get().read_at is not None


@pytest.mark.parametrize("notice_id", ["nt_1", "nt_" + "0" * 32, "ca_" + "0" * 32])
def test_a_notice_that_is_not_there_is_not_found(world: World, notice_id: str) -> None:
    assert world.client("member").post(f"/notices/{notice_id}/open/").status_code == 404


def test_all_are_marked_from_the_page(world: World) -> None:
    notice = make_notice(world.member)
    client = world.client("member")

    response = client.post("/notices/read/", {"until": notice.text_id}, follow=True)

    assert "1 notice is marked as read." in response.content.decode()
    assert "marked" not in client.post("/notices/read/", follow=True).content.decode()


@pytest.mark.parametrize(("count", "shown"), [(0, None), (3, "3"), (120, "99+")])
def test_the_bell_has_the_number_of_unread_ones(world: World, count: int, shown: str | None) -> None:
    Notice.objects.bulk_create(
        Notice(user=world.member, kind="connection", title="x", path="/me/", created_at=NOW) for _ in range(count)
    )

    found = re.search(r'class="bell-count"[^>]*>([^<]*)<', page(world, "member"))

    assert (found[1] if found else None) == shown


def test_pages_of_the_list_lead_back_and_forth(world: World) -> None:
    for number in range(5):
        make_notice(world.member, title=f"N{number}")
    actor = actor_of(world.member)
    first = list_notices(actor=actor, only_unread=True, limit=2)
    second = list_notices(actor=actor, only_unread=True, before=first.older, limit=2)
    third = list_notices(actor=actor, only_unread=True, before=second.older, limit=2)

    back = list_notices(actor=actor, only_unread=True, after=third.newer, limit=2)
    start = list_notices(actor=actor, only_unread=True, after=back.newer, limit=2)

    assert [[one.title for one in part.rows] for part in (first, second, third)] == [["N4", "N3"], ["N2", "N1"], ["N0"]]
    assert (first.newer, third.older) == ("", "")
    assert (back.rows, start.rows, start.newer) == (second.rows, first.rows, "")
    assert list_notices(actor=actor, only_unread=True, after=first.rows[0].text_id).rows == []


def test_the_page_leads_to_older_ones_and_keeps_the_filter(world: World) -> None:
    rows = [make_notice(world.member, title=f"N{number}") for number in range(61)]

    text = page(world, "member", "?show=unread")
    assert f"?show=unread&amp;before={rows[31].text_id}" in text
    text = page(world, "member", f"?show=unread&before={rows[31].text_id}")

    assert f"?show=unread&amp;after={rows[30].text_id}" in text
    assert "Mark all as read" not in text
    assert f"?after={rows[0].text_id}" in page(world, "member", f"?before={rows[1].text_id}")


@pytest.mark.parametrize("rows", [1, 20])
def test_the_page_costs_the_same_however_many(
    world: World, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        make_notice(world.member, organization=world.acme)
    client = world.client("member")
    client.get("/notices/")

    with django_assert_num_queries(5):  # session, user, places, the rows, how many are unread
        client.get("/notices/")


# --- The letters


@pytest.fixture
def outbox() -> list[mail.EmailMessage]:
    return mail.outbox


def test_a_letter_goes_out_once(world: World, outbox: list[mail.EmailMessage]) -> None:
    tell(world, "admin")

    assert send_due_notices(actor=None, now=NOW) == 1
    assert send_due_notices(actor=None, now=NOW + timedelta(days=1)) == 0

    [letter] = outbox
    assert letter.to == [world.admin.email]
    assert letter.subject == "Switchboard: GitHub must be reconnected"
    assert "http://127.0.0.1:8000/orgs/acme/connections/" in str(letter.body)
    assert Notice.objects.get().mailed_at == NOW


def test_no_letter_where_none_is_wanted_or_it_was_read(world: World, outbox: list[mail.EmailMessage]) -> None:
    tell(world, "admin", mail=False)
    tell(world, "owner")
    mark_all_read(actor=actor_of(world.owner), until=None, now=NOW)

    assert send_due_notices(actor=None, now=NOW) == 0
    assert outbox == []


def test_names_cannot_add_headers_or_lines_to_a_letter(world: World, outbox: list[mail.EmailMessage]) -> None:
    world.admin.name = "Ann\r\nBcc: x@evil.test"
    world.admin.save()
    make_notice(world.admin, title="A\r\nBcc: x@evil.test", text="\r\n\r\nhttp://evil.test", mail_due_at=NOW)

    send_due_notices(actor=None, now=NOW)

    [letter] = outbox
    raw = letter.message().as_string()
    assert not re.search(r"^Bcc:", raw, re.MULTILINE)
    assert letter.recipients() == [world.admin.email]
    assert letter.content_subtype == "plain"


def test_two_sweeps_send_a_letter_once(world: World, outbox: list[mail.EmailMessage]) -> None:
    tell(world, "admin")
    honest = EmailBackend.send_messages

    def meanwhile(self: EmailBackend, messages: list[mail.EmailMessage]) -> int:
        assert send_due_notices(actor=None, now=NOW) == 0
        return int(honest(self, messages))

    with patch(SENDING, meanwhile):
        assert send_due_notices(actor=None, now=NOW) == 1

    assert len(outbox) == 1


def test_a_row_that_another_sweep_has_claimed_is_left_to_it(world: World, outbox: list[mail.EmailMessage]) -> None:
    tell(world, "admin", "owner")

    def claims_the_other(self: EmailBackend, messages: list[mail.EmailMessage]) -> int:
        Notice.objects.exclude(user__email=messages[0].to[0]).update(mail_due_at=NOW + timedelta(minutes=1))
        outbox.extend(messages)
        return 1

    with patch(SENDING, claims_the_other):
        assert send_due_notices(actor=None, now=NOW) == 1

    assert len(outbox) == 1


def test_while_the_mail_server_is_away_the_letters_wait(world: World, outbox: list[mail.EmailMessage]) -> None:
    tell(world, "admin", "owner")

    with patch.object(EmailBackend, "open", side_effect=SMTPConnectError(421, b"later")):
        assert send_due_notices(actor=None, now=NOW) == 0

    assert send_due_notices(actor=None, now=NOW + FIRST_WAIT / 2) == 0
    assert send_due_notices(actor=None, now=NOW + FIRST_WAIT) == 2
    assert len(outbox) == 2


def test_a_letter_that_is_refused_holds_up_no_other(world: World, outbox: list[mail.EmailMessage]) -> None:
    tell(world, "admin", "owner")
    honest = EmailBackend.send_messages

    def picky(self: EmailBackend, messages: list[mail.EmailMessage]) -> int:
        if messages[0].to == [world.admin.email]:
            raise SMTPRecipientsRefused({})
        return int(honest(self, messages))

    with patch(SENDING, picky):
        assert send_due_notices(actor=None, now=NOW) == 1
        assert send_due_notices(actor=None, now=NOW + FIRST_WAIT) == 0

    refused = Notice.objects.get(user=world.admin)
    assert (refused.mail_tries, refused.mail_due_at) == (2, NOW + 3 * FIRST_WAIT)
    assert [one.to for one in outbox] == [[world.owner.email]]


def test_the_wait_grows_up_to_a_bound(world: World) -> None:
    notice = make_notice(world.admin, mail_due_at=NOW, mail_tries=60)

    with patch(SENDING, side_effect=SMTPRecipientsRefused({})):
        send_due_notices(actor=None, now=NOW)

    notice.refresh_from_db()
    assert notice.mail_due_at == NOW + LONGEST_WAIT


def test_a_letter_is_given_up_after_some_days_and_the_notice_stays(
    world: World, outbox: list[mail.EmailMessage]
) -> None:
    tell(world, "admin")

    assert send_due_notices(actor=None, now=NOW + GIVE_UP_AFTER + timedelta(seconds=1)) == 0

    notice = Notice.objects.get()
    assert (notice.mail_due_at, notice.mailed_at, notice.read_at) == (None, None, None)
    assert outbox == []


def test_one_sweep_spends_little_time_on_letters(world: World, outbox: list[mail.EmailMessage]) -> None:
    tell(world, "admin", "owner")

    with patch("orgs.services.notices.time.monotonic", side_effect=[0.0, 1.0, 9.0]):
        assert send_due_notices(actor=None, now=NOW) == 1

    assert send_due_notices(actor=None, now=NOW) == 1
    assert BATCH >= 20


def test_the_sweep_sends_and_forgets(world: World, outbox: list[mail.EmailMessage]) -> None:
    now = timezone.now()
    tell(world, "admin", now=now)
    make_notice(world.member, created_at=now - KEEP - timedelta(days=1))

    sweep(force=True)

    assert len(outbox) == 1
    assert Notice.objects.count() == 1


def test_read_ones_are_forgotten_sooner(world: World) -> None:
    make_notice(world.member, title="read long ago", read_at=NOW - KEEP_READ - timedelta(days=1))
    make_notice(world.member, title="unread, as old", created_at=NOW - KEEP_READ - timedelta(days=1))
    make_notice(world.member, title="ancient", created_at=NOW - KEEP - timedelta(days=1))
    make_notice(world.member, title="just read", read_at=NOW)

    purge_notices(actor=None, now=NOW)

    assert set(titles(world, "member")) == {"unread, as old", "just read"}


def test_the_right_to_ask_is_checked(world: World) -> None:
    """A support user without membership is turned away with the words for support."""
    with pytest.raises((NotFoundError, ForbiddenError)):
        holders(actor=actor_of(world.staff), owner=world.acme.ref, permission=Permission.MEMBERS_MANAGE)
