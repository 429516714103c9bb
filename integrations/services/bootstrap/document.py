"""A bootstrap file as values. Reading it asks neither the database nor the network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.usernames import validate_username
from integrations.engine.types import AuthScheme
from integrations.services.bootstrap.faults import BootstrapError, Fault
from integrations.services.bootstrap.fields import days, entry_of, filled_text, flag, list_of, one_of, read_by, text
from orgs.permissions import Role, Scope

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
OVERRIDES: Final = ("authorize_url", "token_url", "revoke_url", "issuer", "identity_url", "base_url")

ROLE, SCHEME = one_of(Role), one_of(AuthScheme)


def email_address(value: Any, path: str) -> str:
    return _validated(validate_email, filled_text(value, path).lower(), path)


def username(value: Any, path: str) -> str:
    return _validated(validate_username, filled_text(value, path).lower(), path)


def _validated(validate: Any, value: str, path: str) -> str:
    try:
        validate(value)
    except ValidationError as error:
        raise BootstrapError.at(path, " ".join(error.messages)) from None
    return value


def urls(value: Any, path: str) -> dict[str, str]:
    """URL overrides. Whether they may be called is checked where the installation's settings are known."""
    if not isinstance(value, Mapping):
        raise BootstrapError.at(path, f"must be a mapping. Known here: {', '.join(OVERRIDES)}.")
    known = f"is not known. Known here: {', '.join(OVERRIDES)}."
    unknown = [Fault(f"{path}.{name}", known) for name in value if name not in OVERRIDES]
    if unknown:
        raise BootstrapError(unknown)
    return {name: filled_text(url, f"{path}.{name}") for name, url in value.items()}


@dataclass(frozen=True)
class UserEntry:
    """A person. Without a password they set one by e-mail."""

    path: str
    email: str = read_by(email_address)
    username: str = read_by(username)
    name: str = read_by(text, default="")
    password: str = read_by(text, default="", secret=True)
    verified: bool = read_by(flag, default=True)
    is_staff: bool = read_by(flag, default=False)
    is_superuser: bool = read_by(flag, default=False)
    groups: tuple[str, ...] = read_by(list_of(filled_text), default=())  # Support, Operators


@dataclass(frozen=True)
class MemberEntry:
    """A membership: `user` is an e-mail address or a username."""

    path: str
    user: str = read_by(filled_text)
    role: Role = read_by(ROLE)  # noqa: RUF009  # describes the field; it is no default


@dataclass(frozen=True)
class OrganizationEntry:
    """An organization and who belongs to it. At least one of them is an owner."""

    path: str
    name: str = read_by(filled_text)
    slug: str = read_by(filled_text)
    members: tuple[MemberEntry, ...] = read_by(list_of(entry_of(MemberEntry)), default=())


@dataclass(frozen=True)
class AuthConfigEntry:
    """How everybody's accounts of a toolkit authenticate, unless their organization has an app of its own."""

    path: str
    toolkit: str = read_by(filled_text)
    scheme: AuthScheme = read_by(SCHEME)  # noqa: RUF009  # see MemberEntry
    name: str = read_by(filled_text)
    client_id: str = read_by(text, default="")
    client_secret: str = read_by(text, default="", secret=True)
    scopes: tuple[str, ...] = read_by(list_of(filled_text), default=())
    overrides: Mapping[str, str] = read_by(urls, default=None)


@dataclass(frozen=True)
class ApiKeyEntry:
    """An API key: `owner` is a user's e-mail address or an organization's slug."""

    path: str
    owner: str = read_by(filled_text)
    name: str = read_by(filled_text)
    scopes: tuple[Scope, ...] = read_by(list_of(one_of(Scope)))
    expires_in_days: int | None = read_by(days, default=None)


@dataclass(frozen=True)
class Document:
    """The whole file."""

    path: str
    users: tuple[UserEntry, ...] = read_by(list_of(entry_of(UserEntry)), default=())
    organizations: tuple[OrganizationEntry, ...] = read_by(list_of(entry_of(OrganizationEntry)), default=())
    auth_configs: tuple[AuthConfigEntry, ...] = read_by(list_of(entry_of(AuthConfigEntry)), default=())
    api_keys: tuple[ApiKeyEntry, ...] = read_by(list_of(entry_of(ApiKeyEntry)), default=())


def read_document(content: str, environment: Mapping[str, str]) -> Document:
    """Read and check a file; BootstrapError lists every fault in it. `${NAME}` stands for an environment variable."""
    try:
        loaded = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise BootstrapError.at("", f"This is not YAML{_line(error)}.") from None
    faults: list[Fault] = []
    expanded = _expand({} if loaded is None else loaded, "", environment, faults)
    if faults:
        raise BootstrapError(faults)
    document: Document = entry_of(Document)(expanded, "")
    return document


def _expand(value: Any, path: str, environment: Mapping[str, str], faults: list[Fault]) -> Any:
    if isinstance(value, Mapping):
        return {key: _expand(item, f"{path}.{key}".lstrip("."), environment, faults) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, f"{path}[{place}]", environment, faults) for place, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    missing = [name for name in VARIABLE.findall(value) if name not in environment]
    faults += [Fault(path, f"the environment variable {name} is not set.") for name in missing]
    return value if missing else VARIABLE.sub(lambda match: environment[match[1]], value)


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f": look at line {mark.line + 1}" if mark else ""
