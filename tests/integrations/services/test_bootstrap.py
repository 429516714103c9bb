"""`manage.py bootstrap`: makes what a file asks for, twice the same; refuses a bad file whole, by field."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import User
from integrations.credentials import client_of
from integrations.models import AuthConfig
from integrations.services.bootstrap import BootstrapError, read_document
from orgs.models import ApiKey, Membership, Organization, Owner
from orgs.permissions import Scope
from orgs.queries.api_keys import actor_from_key
from tests.factories import NOW, make_toolkit, make_user

pytestmark = pytest.mark.django_db

FILE = """
users:
  - {email: Ada@example.com, username: ada, name: Ada, password: "${ADA_PASSWORD}", is_staff: true}
  - {email: grace@example.com, username: grace, verified: false}
organizations:
  - name: Acme
    slug: acme
    members:
      - {user: grace, role: member}
      - {user: ada@example.com, role: owner}
auth_configs:
  - toolkit: github
    scheme: oauth2
    name: GitHub
    client_id: client-7
    client_secret: ${GITHUB_SECRET}
    scopes: [repo]
    overrides: {base_url: "https://github.example.com/api/v3"}
api_keys:
  - {owner: acme, name: CI, scopes: ["tools:read"], expires_in_days: 30}
  - {owner: grace@example.com, name: Laptop, scopes: ["tools:read", "executions:write"]}
"""


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADA_PASSWORD", "correct-horse-battery")
    monkeypatch.setenv("GITHUB_SECRET", "canary-3c1e")
    make_toolkit("github")


def bootstrap(tmp_path: Path, content: str = FILE) -> dict[str, Any]:
    file = tmp_path / "people.yaml"
    file.write_text(content)
    out = StringIO()
    call_command("bootstrap", str(file), stdout=out)
    return dict(json.loads(out.getvalue()))


def refusal(tmp_path: Path, content: str) -> str:
    before = [model.objects.count() for model in (User, Organization, Membership, ApiKey, Owner)]
    with pytest.raises(CommandError) as refused:
        bootstrap(tmp_path, content)
    assert [model.objects.count() for model in (User, Organization, Membership, ApiKey, Owner)] == before
    assert not AuthConfig.objects.unscoped("a test").exists()
    return str(refused.value)


def statuses(report: dict[str, Any]) -> set[str]:
    return {line["status"] for lines in report.values() for line in lines}


def test_bootstrap_makes_people_who_can_sign_in(tmp_path: Path) -> None:
    bootstrap(tmp_path)

    ada, grace = User.objects.order_by("username")
    assert ada.check_password("correct-horse-battery")
    assert (ada.email, ada.name, ada.is_staff, ada.is_superuser) == ("ada@example.com", "Ada", True, False)
    assert not grace.has_usable_password()
    assert EmailAddress.objects.get(user=ada, primary=True).verified
    assert not EmailAddress.objects.get(user=grace).verified
    assert ada.owner.ref.text_id == ada.text_id


def test_bootstrap_makes_organizations_with_their_members(tmp_path: Path) -> None:
    bootstrap(tmp_path)

    roles = dict(Membership.objects.values_list("user__username", "role"))
    assert roles == {"ada": "owner", "grace": "member"}
    assert Organization.objects.get().owner.ref.slug == "acme"


def test_bootstrap_makes_auth_configs_of_the_installation_with_a_sealed_secret(tmp_path: Path) -> None:
    report = bootstrap(tmp_path)

    row = AuthConfig.objects.unscoped("a test").get()
    assert (row.owner, row.client_id, row.scopes) == (None, "client-7", ["repo"])
    assert row.overrides == {"base_url": "https://github.example.com/api/v3"}
    assert client_of(row).client_secret == "canary-3c1e"
    assert "canary-3c1e" not in row.client_secret.text
    assert "canary-3c1e" not in json.dumps(report)
    assert report["auth_configs"][0]["callback_url"] == f"{settings.BASE_URL}/oauth/callback/{row.id}/"


def test_bootstrap_prints_the_secrets_of_new_keys_once(tmp_path: Path) -> None:
    first = bootstrap(tmp_path)
    second = bootstrap(tmp_path)

    organizations, personal = (actor_from_key(secret=line["secret"], now=NOW) for line in first["api_keys"])
    assert organizations.organization_id == Organization.objects.get().id
    assert personal.scopes == {Scope.TOOLS_READ, Scope.EXECUTIONS_WRITE}
    assert all("secret" not in line for line in second["api_keys"])
    assert ApiKey.objects.get(name="Laptop").expires_at is None


def test_bootstrap_twice_changes_nothing(tmp_path: Path) -> None:
    first = bootstrap(tmp_path)
    sealed = AuthConfig.objects.unscoped("a test").get().client_secret

    second = bootstrap(tmp_path)

    assert statuses(first) == {"created"}
    assert statuses(second) == {"already there"}
    assert AuthConfig.objects.unscoped("a test").get().client_secret == sealed
    assert (User.objects.count(), Membership.objects.count(), ApiKey.objects.count()) == (2, 2, 2)


def test_bootstrap_leaves_alone_what_people_changed_themselves(tmp_path: Path) -> None:
    bootstrap(tmp_path)
    ada = User.objects.get(username="ada")
    ada.set_password("my-own-secret-now")
    ada.username = "lovelace"
    ada.save()
    Membership.objects.filter(user__username="grace").update(role="admin")

    report = bootstrap(tmp_path)

    ada.refresh_from_db()
    assert ada.check_password("my-own-secret-now")
    assert ada.username == "lovelace"
    assert [line["role"] for line in report["memberships"]] == ["admin", "owner"]


def test_bootstrap_keeps_auth_configs_in_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap(tmp_path)
    monkeypatch.setenv("GITHUB_SECRET", "canary-new")

    report = bootstrap(tmp_path)

    row = AuthConfig.objects.unscoped("a test").get()
    assert [line["status"] for line in report["auth_configs"]] == ["updated"]
    assert client_of(row).client_secret == "canary-new"


def test_bootstrap_replaces_a_secret_that_lost_keys_sealed(tmp_path: Path, settings: Any) -> None:
    bootstrap(tmp_path)
    settings.FIELD_ENCRYPTION_KEYS = ["YW5vdGhlci1maWVsZC1lbmNyeXB0aW9uLWtleSEhISE="]

    report = bootstrap(tmp_path)

    assert [line["status"] for line in report["auth_configs"]] == ["updated"]
    assert client_of(AuthConfig.objects.unscoped("a test").get()).client_secret == "canary-3c1e"


def test_bootstrap_makes_a_key_anew_after_it_was_revoked(tmp_path: Path) -> None:
    bootstrap(tmp_path)
    ApiKey.objects.filter(name="CI").update(revoked_at=NOW)

    report = bootstrap(tmp_path)

    assert [line["status"] for line in report["api_keys"]] == ["created", "already there"]


def test_bootstrap_adds_to_an_organization_that_exists(tmp_path: Path) -> None:
    bootstrap(tmp_path)
    make_user("eve")

    report = bootstrap(
        tmp_path, "organizations: [{name: Another name, slug: acme, members: [{user: EVE, role: viewer}]}]"
    )

    assert report["organizations"][0]["name"] == "Acme"
    assert report["memberships"] == [
        {"status": "created", "organization": "acme", "user": "eve@example.com", "role": "viewer"}
    ]


@pytest.mark.parametrize("content", ["", "{}", "users: []"])
def test_bootstrap_of_nothing_makes_nothing(tmp_path: Path, content: str) -> None:
    assert statuses(bootstrap(tmp_path, content)) == set()


ORGANIZATION = "organizations: [{name: A, slug: %s, members: [%s]}]"
AUTH_CONFIG = "auth_configs: [{toolkit: github, scheme: oauth2, name: G, client_id: c, %s}]"
USER = "users: [{email: a@example.com, username: ada, %s}]"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- users", "must be a mapping"),
        ("users: [", "This is not YAML: look at line 1"),
        ("people: []", "people: is not known. Known here: users, organizations, auth_configs, api_keys."),
        ("users: {}", "users: must be a list."),
        ("users: [ada]", "users[0]: must be a mapping"),
        ("users: [{username: ada}]", "users[0].email: is required."),
        ("users: [{email: ada, username: ada}]", "users[0].email: Enter a valid email address."),
        (USER % "username: 12", "users[0].username: must be text. Put it in quotes"),
        ("users: [{email: a@example.com, username: default}]", "users[0].username: This username is reserved."),
        (USER % "admin: true", "users[0].admin: is not known."),
        (USER % "is_staff: 1", "users[0].is_staff: must be true or false."),
        (USER % "password: short", "users[0].password: This password is too short."),
        (USER % "password: '${NOT_SET}'", "users[0].password: the environment variable NOT_SET is not set."),
        (ORGANIZATION % ("acme", ""), "organizations[0].members: must name at least one member with the role owner."),
        (
            ORGANIZATION % ("acme", "{user: taken, role: boss}"),
            "organizations[0].members[0].role: must be one of",
        ),
        (ORGANIZATION % ("acme", "{user: nobody, role: owner}"), "organizations[0].members[0].user: is nobody"),
        (ORGANIZATION % ("acme", "{user: n@example.com, role: owner}"), "organizations[0].members[0].user: is nobody"),
        (ORGANIZATION % ("new", "{user: taken, role: owner}"), "organizations[0].slug: The address new is reserved."),
        (ORGANIZATION % ("A-B", "{user: taken, role: owner}"), "organizations[0].slug: Use 1 to 48 lower-case letters"),
        (
            "auth_configs: [{toolkit: nope, scheme: oauth2, name: G}]",
            "auth_configs[0].toolkit: is not in the",
        ),
        (
            "auth_configs: [{toolkit: github, scheme: oauth2, name: G}]",
            "auth_configs[0].client_id: is required for",
        ),
        ("auth_configs: [{toolkit: github, scheme: basic, name: G}]", "auth_configs[0].scheme: is not offered by this"),
        (
            "auth_configs: [{toolkit: github, scheme: oauth3, name: G}]",
            "auth_configs[0].scheme: must be one of",
        ),
        (AUTH_CONFIG % "scopes: repo", "auth_configs[0].scopes: must be a list."),
        (AUTH_CONFIG % "scopes: ['']", "auth_configs[0].scopes[0]: must not be empty."),
        (AUTH_CONFIG % "overrides: x", "auth_configs[0].overrides: must be a mapping."),
        (AUTH_CONFIG % "overrides: {url: x}", "auth_configs[0].overrides.url: is not known."),
        (AUTH_CONFIG % "overrides: {token_url: 'http://10.0.0.1/x'}", "auth_configs[0].overrides.token_url: "),
        ("api_keys: [{owner: nobody, name: K, scopes: ['admin']}]", "api_keys[0].owner: must be the e-mail address"),
        ("api_keys: [{owner: n@example.com, name: K, scopes: ['admin']}]", "api_keys[0].owner: must be the e-mail"),
        (
            "api_keys: [{owner: taken@example.com, name: K, scopes: []}]",
            "api_keys[0].scopes: Choose at least one",
        ),
        ("api_keys: [{owner: x, name: K, scopes: ['all']}]", "api_keys[0].scopes[0]: must be one of tools:read,"),
        ("api_keys: [{owner: x, name: K, scopes: [], expires_in_days: 0}]", "api_keys[0].expires_in_days: must be a"),
    ],
)
def test_bootstrap_refuses_a_bad_file_by_field_and_writes_nothing(tmp_path: Path, content: str, expected: str) -> None:
    make_user("taken")

    assert expected in refusal(tmp_path, content)


def test_bootstrap_refuses_a_client_for_a_scheme_without_one(tmp_path: Path) -> None:
    content = "auth_configs: [{toolkit: github, scheme: bearer_token, name: T, client_secret: canary-9}]"

    assert "belongs to oauth2 alone" in refusal(tmp_path, content)


def test_bootstrap_refuses_a_username_that_somebody_else_has(tmp_path: Path) -> None:
    make_user("ada", email="other@example.com")

    message = refusal(tmp_path, FILE)

    assert "users[0].username: is taken by somebody with another e-mail address." in message


def test_bootstrap_lists_every_fault_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, "users: [{email: x, username: me}, {email: y@example.com}]\nteams: []")

    assert {line.split(":")[0] for line in message.splitlines()[1:]} == {
        "users[0].email",
        "users[0].username",
        "users[1].username",
        "teams",
    }


def test_bootstrap_never_repeats_a_value(tmp_path: Path) -> None:
    content = AUTH_CONFIG % "client_secret: [canary-1], overrides: {token_url: 'ftp://canary-2'}"

    message = refusal(tmp_path, f"{content}\napi_keys: canary-3")

    assert "canary" not in message


def test_bootstrap_makes_nothing_when_a_later_part_fails(tmp_path: Path) -> None:
    content = FILE.replace("owner: acme, name", "owner: nobody, name")

    assert "api_keys[0].owner" in refusal(tmp_path, content)


def test_bootstrap_says_when_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("bootstrap", str(tmp_path / "nothing.yaml"))


def test_bootstrap_says_when_a_file_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(CommandError, match="not UTF-8"):
        call_command("bootstrap", str(file))


def test_secrets_of_a_document_are_not_in_its_repr() -> None:
    document = read_document(FILE, {"ADA_PASSWORD": "canary-1", "GITHUB_SECRET": "canary-2"})

    assert document.auth_configs[0].client_secret == "canary-2"
    assert "canary" not in repr(document)


def test_faults_have_their_path() -> None:
    with pytest.raises(BootstrapError) as refused:
        read_document("users: 1", {})

    assert [(fault.path, fault.message) for fault in refused.value.faults] == [("users", "must be a list.")]
