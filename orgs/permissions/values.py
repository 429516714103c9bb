"""The values that every rule is written over: owners and actors. No queries, no models."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from accounts.ids import PREFIXES as ID_PREFIXES
from accounts.ids import to_text
from orgs.permissions.powers import Power
from orgs.permissions.roles import Role, Scope


class OwnerKind(StrEnum):
    """The three kinds of ID container. Nothing ever falls back from one to another."""

    USER = "user"
    ORGANIZATION = "organization"
    END_USER = "end_user"  # of an application that an organization has registered


PREFIXES = {OwnerKind.USER: "user", OwnerKind.ORGANIZATION: "org", OwnerKind.END_USER: "eu"}


@dataclass(frozen=True)
class OwnerRef:
    """A user, an organization or an end user as the owner of things. `label` is for people, no part of equality.

    An end user belongs to one application of one organization. `external` is what the application calls it.
    """

    kind: OwnerKind
    id: UUID
    label: str = field(default="", compare=False)
    slug: str = field(default="", compare=False)
    external: str = field(default="", compare=False)
    application_id: UUID | None = field(default=None, compare=False)
    organization_id: UUID | None = field(default=None, compare=False)  # of the application

    @property
    def text_id(self) -> str:
        return to_text(PREFIXES[self.kind], self.id)

    @property
    def passed_id(self) -> str:
        """What a program passes as `user_id`: an end user's is the application's own string."""
        return self.external or self.text_id

    @property
    def is_organization(self) -> bool:
        return self.kind is OwnerKind.ORGANIZATION


class IdProblem(StrEnum):
    """Why a text cannot be an owner's ID. The values are the outcome codes."""

    MISSING = "user_id_required"
    DEFAULT = "user_id_default_refused"
    EMAIL = "user_id_email_refused"
    INVALID = "user_id_invalid"


@dataclass(frozen=True)
class RequestedId:
    """An ID as somebody asked for it: read once, at the door. Exactly one of the parts is set."""

    problem: IdProblem | None = None
    kind: OwnerKind | None = None
    uuid: UUID | None = None  # with a kind: user_… or org_…; without: a bare UUID
    name: str = ""  # perhaps somebody's username
    external: str = ""  # what an application calls one of its end users


_TEXT_ID = re.compile(r"(user|org|eu)_([0-9a-f]{32})\Z")
_OUR_FORM = re.compile(f"(?:{'|'.join(ID_PREFIXES)})_[0-9a-f]{{32}}\\Z")
_EXTERNAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:|/+=~-]{0,127}\Z")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\Z")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,38}[a-z0-9]\Z")
_OTHER_ID = re.compile(f"({'|'.join(ID_PREFIXES)})_")
_KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}
_INVISIBLE = frozenset({"Cf", "Cc", "Zs", "Zl", "Zp"})


def read_owner_id(text: object) -> RequestedId:
    """Read the ID that a program or page passed.

    `default`, e-mail addresses and malformed IDs are told apart before any look-up, so that the
    answer is the same whether or not such a user exists (checks H3, H4).
    """
    if text is None or text == "":
        return RequestedId(problem=IdProblem.MISSING)
    if not isinstance(text, str):
        return RequestedId(problem=IdProblem.INVALID)
    plain = _plain(text)
    if plain == "default":
        return RequestedId(problem=IdProblem.DEFAULT)
    if "@" in plain:
        return RequestedId(problem=IdProblem.EMAIL)
    if not plain:
        return RequestedId(problem=IdProblem.MISSING)
    return _read_plain(text.casefold())


def _plain(text: str) -> str:
    """Fold case and width and drop what cannot be seen: full-width ` DEFAULT` with a zero-width space is `default`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if unicodedata.category(char) not in _INVISIBLE)


def read_end_user_id(text: object) -> RequestedId:
    """Read the ID that an application's key passed: its organization's, or its own string for an end user.

    The string is taken as it is, capital letters and all: two that differ are two people. What looks like an ID of
    ours never names an end user, so that nobody can be called like somebody else's ID.
    """
    read = read_owner_id(text)
    if read.problem not in {None, IdProblem.INVALID} or not isinstance(text, str):
        return read
    if _OUR_FORM.match(text.casefold()):
        return read
    return RequestedId(external=text) if _EXTERNAL.match(text) else RequestedId(problem=IdProblem.INVALID)


def _read_plain(text: str) -> RequestedId:
    if match := _TEXT_ID.match(text):
        return RequestedId(kind=_KINDS[match[1]], uuid=UUID(match[2]))
    if _UUID.match(text):
        return RequestedId(uuid=UUID(text))
    if _NAME.match(text) and not _OTHER_ID.match(text) and not text.isdigit():
        return RequestedId(name=text)
    return RequestedId(problem=IdProblem.INVALID)


class ActorKind(StrEnum):
    """How somebody is acting."""

    ANONYMOUS = "anonymous"
    USER = "user"  # signed in, in a browser
    USER_KEY = "user_key"  # a personal API key
    ORGANIZATION_KEY = "organization_key"
    APPLICATION_KEY = "application_key"  # of an application of an organization
    SUPPORT = "support"  # staff of the team that hosts the installation, without membership


class Standing(StrEnum):
    """Whether the actor may still act at all."""

    GOOD = "good"
    REVOKED = "revoked"  # the key was revoked or has expired
    SUSPENDED = "suspended"  # the user was suspended


@dataclass(frozen=True)
class Actor:
    """Who is acting now, with everything that a rule may ask about them."""

    kind: ActorKind
    user_id: UUID | None = None
    username: str = ""
    label: str = ""
    roles: Mapping[UUID, Role] = field(default_factory=dict)
    organizations: Mapping[UUID, OwnerRef] = field(default_factory=dict)
    organization_id: UUID | None = None  # whose name the request or the key came in
    is_bound: bool = False  # a key or token that cannot leave that organization
    scopes: frozenset[Scope] | None = None  # None: all of them
    standing: Standing = Standing.GOOD
    key_id: UUID | None = None
    stands_for: UUID | None = None  # the member whom an admin asks about; what is theirs alone stays out of reach
    powers: frozenset[Power] = frozenset()  # of support staff: what they may do in the admin site
    granted: frozenset[UUID] = frozenset()  # of support staff: organizations whose owner lets them look
    lacks_factor: frozenset[UUID] = frozenset()  # organizations that require a second factor, which the user has not
    invites_in: frozenset[UUID] = frozenset()  # organizations whose members may invite people too
    application_id: UUID | None = None  # of an application's key: whose end users it speaks for
    end_users: tuple[OwnerRef, ...] = ()  # those of them that this request names

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", MappingProxyType(dict(self.roles)))
        object.__setattr__(self, "organizations", MappingProxyType(dict(self.organizations)))

    @property
    def as_owner(self) -> OwnerRef | None:
        """The actor's own user ID. An organization's keys have none, and support acts as nobody's owner."""
        if self.user_id is None or self.is_organizations_key or self.kind is ActorKind.SUPPORT:
            return None
        return OwnerRef(OwnerKind.USER, self.user_id, self.label)

    @property
    def is_organizations_key(self) -> bool:
        """A key of the organization itself, or of an application of it: nobody in particular."""
        return self.kind in {ActorKind.ORGANIZATION_KEY, ActorKind.APPLICATION_KEY}

    @property
    def person_id(self) -> UUID | None:
        """The person whom a policy about a person means."""
        return self.user_id or self.stands_for

    def role_in(self, owner: OwnerRef) -> Role | None:
        """The actor's role in an organization that it may act in; None for anything else."""
        if not owner.is_organization or (self.is_bound and owner.id != self.organization_id):
            return None
        if self.is_organizations_key:
            return Role.MEMBER if owner.id == self.organization_id else None
        return self.roles.get(owner.id)

    def reach(self) -> list[OwnerRef]:
        """Every owner the actor may act under: their own user ID first, then their organizations.

        Of support staff it is the organizations that let them look. Of an application's end users, who may be
        many, it is those that the request names; `speaks_for` knows them all.
        """
        if self.kind is ActorKind.SUPPORT:
            return [
                self.organizations.get(one) or OwnerRef(OwnerKind.ORGANIZATION, one) for one in sorted(self.granted)
            ]
        own = [self.as_owner] if self.as_owner else []
        return own + [owner for owner in self._known_organizations() if self.role_in(owner)] + list(self.end_users)

    def speaks_for(self, owner: OwnerRef) -> bool:
        """Whether it is an end user of the very application whose key this is."""
        return self.application_id is not None and owner.application_id == self.application_id

    def reaches(self, owner: OwnerRef) -> bool:
        """Whether the actor may act under this ID."""
        return self.speaks_for(owner) or owner in self.reach()

    def admitted(self) -> list[OwnerRef]:
        """The owners within reach whose things the actor may see: not where a second factor is required and missing."""
        return [owner for owner in self.reach() if owner.id not in self.lacks_factor]

    def _known_organizations(self) -> list[OwnerRef]:
        ids = list(self.roles)
        if self.is_organizations_key and self.organization_id is not None:
            ids = [self.organization_id]
        return [self.organizations.get(one) or OwnerRef(OwnerKind.ORGANIZATION, one) for one in ids]


ANONYMOUS = Actor(ActorKind.ANONYMOUS)
