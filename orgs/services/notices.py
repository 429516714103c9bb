"""Tell people something: in the product at once, by e-mail from the sweep.

A notice is a row, written in the transaction of what it tells about: both are there, or neither. The row
is the outbox too. Before an e-mail is sent its row is claimed by a conditional UPDATE, so two sweeps never
send it twice. Only a process that dies between the mail server's "yes" and the mark leaves it to be sent again.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Any, Final
from uuid import UUID

import structlog
from django.core.mail import get_connection
from django.db.models import F, Q

from accounts.models import User
from orgs.addresses import local_path
from orgs.errors import NotFoundError
from orgs.mail_text import one_line
from orgs.models import Notice
from orgs.models.notices import NoticeQuerySet
from orgs.notice_mail import notice_message
from orgs.notices import TEXT_LENGTH, TITLE_LENGTH, NoticeKind
from orgs.permissions import Actor, OwnerRef

log = structlog.get_logger(__name__)
BATCH: Final = 50
MAIL_SECONDS: Final = 5.0  # of one sweep: it has other things to do
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=2)
MOST_DOUBLINGS: Final = 7
GIVE_UP_AFTER: Final = timedelta(days=3)
KEEP_READ: Final = timedelta(days=30)
KEEP: Final = timedelta(days=90)
PURGE_BATCH: Final = 500
REFUSED: Final = (SMTPRecipientsRefused, SMTPResponseException, ValueError)  # ValueError: no address of a mail


def notify(  # noqa: PLR0913  # each is a word of the notice, and all are given by name
    *,
    actor: Actor | None,
    users: Iterable[User],
    kind: NoticeKind,
    title: str,
    text: str,
    path: str,
    owner: OwnerRef | None,
    now: datetime,
    mail: bool = True,
) -> None:
    """Tell each of the users once. Call it inside the transaction of what it tells about.

    `owner` is the organization that it is about: whoever stops belonging to it does not see the notice any
    more. Leave it out for what a former member must still read. `path` is a page of ours, ValueError otherwise.
    """
    del actor  # whoever may do the thing may have it told; `users` says to whom
    if not local_path(path):
        raise ValueError("A notice leads to a page of this site, given as a path.")
    words = {"title": one_line(title, TITLE_LENGTH), "text": one_line(text, TEXT_LENGTH), "path": path}
    about = owner.id if owner is not None and owner.is_organization else None
    _insert(users, kind=kind.value, organization_id=about, created_at=now, mail_due_at=now if mail else None, **words)


def _insert(users: Iterable[User], **values: Any) -> None:
    told = {user.id: user for user in users if user.is_active}
    Notice.objects.bulk_create(Notice(user=user, **values) for user in told.values())


def open_notice(*, actor: Actor, notice_id: UUID, now: datetime) -> str:
    """Mark one's own notice as read, and say where it leads."""
    mine = Notice.objects.of_user(actor.user_id).filter(id=notice_id)
    notice = mine.select_related("organization").first()
    if notice is None:
        raise NotFoundError("This notice is not there any more.")
    _mark(mine.unread(), now)
    return notice.target


def mark_all_read(*, actor: Actor, until: UUID | None, now: datetime) -> int:
    """Mark one's own as read, those that came after `until` left out: nobody has seen them yet."""
    mine = Notice.objects.of_user(actor.user_id).unread()
    return _mark(mine.filter(id__lte=until) if until else mine, now)


def settle(*, actor: Actor | None, kind: NoticeKind, path: str, now: datetime, owner: OwnerRef | None = None) -> int:
    """What these notices asked for is done, by whomever: nobody needs to look, and no e-mail follows.

    `path` is where they lead, or the end of it: an organization's address may have changed since. `owner` is the
    organization that they are about, for a path that is no page of its own.
    """
    del actor  # whoever did the thing has settled it
    rows = Notice.objects.filter(kind=kind.value, path__endswith=path)
    return _mark((rows.filter(organization_id=owner.id) if owner else rows).unread(), now)


def _mark(rows: NoticeQuerySet, now: datetime) -> int:
    """Whoever has read it needs no e-mail any more."""
    return rows.update(read_at=now, mail_due_at=None)


# --- By e-mail


def send_due_notices(*, actor: None, now: datetime) -> int:
    """Send what is due, for a few seconds at most; how many went out. For the sweep: nobody acts."""
    del actor
    _give_up(now)
    due = list(Notice.objects.due(now).select_related("user", "organization").order_by("mail_due_at", "id")[:BATCH])
    if not due:
        return 0
    try:
        with get_connection() as connection:
            return _send(due, connection, now)
    except OSError as error:  # the mail server is away; SMTP errors are OSErrors
        late = Notice.objects.filter(id__in=[one.id for one in due], mail_due_at__lte=now)
        late.update(mail_due_at=now + FIRST_WAIT)
        log.warning("notice.mail_server_away", waiting=len(due), error=type(error).__name__)
        return 0


def _send(due: list[Notice], connection: Any, now: datetime) -> int:
    until, sent = time.monotonic() + MAIL_SECONDS, 0
    for notice in due:
        if time.monotonic() > until:
            break
        if _claim(notice, now):
            sent += _send_one(notice, connection, now)
    return sent


def _claim(notice: Notice, now: datetime) -> bool:
    """Ours, unless another sweep was faster. If sending fails, the next try is when the wait is over."""
    wait = min(FIRST_WAIT * 2 ** min(notice.mail_tries, MOST_DOUBLINGS), LONGEST_WAIT)
    row = Notice.objects.filter(id=notice.id, mail_due_at=notice.mail_due_at)
    return bool(row.update(mail_due_at=now + wait, mail_tries=F("mail_tries") + 1))


def _send_one(notice: Notice, connection: Any, now: datetime) -> int:
    try:
        connection.send_messages([notice_message(notice)])
    except REFUSED as error:  # this letter alone: the others may go out
        log.warning("notice.not_mailed", notice=notice.text_id, error=type(error).__name__)
        return 0
    return Notice.objects.filter(id=notice.id).update(mailed_at=now, mail_due_at=None)


def _give_up(now: datetime) -> None:
    """The notice itself stays where it can be read."""
    late = Notice.objects.filter(mail_due_at__isnull=False, created_at__lt=now - GIVE_UP_AFTER)
    if count := late.update(mail_due_at=None):
        log.warning("notice.mail_given_up", count=count)


def purge_notices(*, actor: None, now: datetime) -> int:
    """Forget the old ones: the read ones sooner."""
    del actor
    old = Notice.objects.filter(Q(read_at__lt=now - KEEP_READ) | Q(created_at__lt=now - KEEP))
    return Notice.objects.filter(id__in=list(old.values_list("id", flat=True)[:PURGE_BATCH])).delete()[0]
