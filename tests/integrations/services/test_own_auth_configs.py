"""An organization's own auth configs: who may, what fits, where the secret is, what hangs on them."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from integrations import oauth
from integrations.credentials import client_of, seal_pending
from integrations.models import AuthConfig, ConnectionRequest, Toolkit
from integrations.queries.ways import get_ways
from integrations.services import own_auth_configs as service
from integrations.services.connections import ConnectionPlan, connect_with_fields, held
from integrations.services.connections.store import NewAccount, store_account
from integrations.services.own_auth_configs import AuthConfigChange, AuthConfigPlan
from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, OutOfReachError
from orgs.models import AuditEvent
from tests.factories import (
    NOW,
    actor_of,
    make_application,
    make_auth_config,
    make_connected_account,
    make_connection_request,
    make_end_user,
    make_tool,
    make_toolkit,
)
from tests.world import World

pytestmark = pytest.mark.django_db
SECRET = "a-secret-that-nobody-reads"
PLAN = AuthConfigPlan("github", "oauth2", client_id="Iv1.acme", client_secret=SECRET, scopes=["repo", "repo"])


@pytest.fixture
def toolkit(db: None) -> Toolkit:
    toolkit = make_toolkit("github", name="GitHub")
    make_tool(toolkit, "GITHUB_READ")
    return toolkit


@pytest.fixture
def at(world: World, toolkit: Toolkit) -> dict[str, Any]:
    return {"actor": actor_of(world.admin), "owner": world.acme.ref, "now": NOW}


def reread(row: AuthConfig) -> AuthConfig:
    found: AuthConfig = AuthConfig.objects.unscoped("a test looks").select_related("toolkit").get(pk=row.pk)
    return found


def test_admin_makes_one_and_it_wins_over_the_installations(world: World, toolkit: Toolkit, at: dict[str, Any]) -> None:
    everybodys = make_auth_config(toolkit)

    row = service.create_auth_config(**at, plan=PLAN)

    stored = reread(row)
    assert (stored.name, stored.scheme, stored.scopes, stored.is_enabled) == ("GitHub", "oauth2", ["repo"], True)
    assert (client_of(stored).client_id, client_of(stored).client_secret) == ("Iv1.acme", SECRET)
    ways = get_ways(actor=at["actor"], owner=at["owner"], toolkit="github").ways
    assert [way.auth_config for way in ways] == [stored, everybodys]
    mine = get_ways(actor=at["actor"], owner=actor_of(world.admin).as_owner, toolkit="github").ways  # type: ignore[arg-type]
    assert [way.auth_config for way in mine] == [everybodys]
    [event] = AuditEvent.objects.filter(action="auth_config.create")
    assert (event.target_id, event.details) == (row.text_id, {"toolkit": "github", "scheme": "oauth2"})


def test_secret_lies_sealed_and_stands_in_no_record(at: dict[str, Any]) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    service.change_auth_config(**at, auth_config_id=row.id, change=AuthConfigChange(client_secret="another-secret"))

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM integrations_authconfig")
        stored = str(cursor.fetchall())
    records = str([event.facts for event in AuditEvent.objects.all()])
    assert "Iv1.acme" in stored
    for secret in (SECRET, "another-secret"):
        assert secret not in stored
        assert secret not in records
        assert secret not in repr(PLAN)
    assert client_of(reread(row)).client_secret == "another-secret"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scheme": "basic"}, "invalid_scheme"),
        ({"scheme": "none"}, "invalid_scheme"),
        ({"scheme": "bearer_token", "scopes": []}, "client_not_needed"),
        ({"scheme": "bearer_token", "client_id": "", "client_secret": ""}, "scopes_not_needed"),
        ({"client_id": " "}, "client_id_missing"),
        ({"client_id": "x" * 256}, "client_id_missing"),
        ({"client_secret": "x" * 4001}, "client_secret_too_long"),
        ({"name": "x" * 81}, "name_invalid"),
        ({"name": " "}, "name_invalid"),
        ({"scopes": ["read user"]}, "invalid_scopes"),
        ({"scopes": [""]}, "invalid_scopes"),
        ({"scopes": ["é"]}, "invalid_scopes"),
        ({"scopes": [f"s{n}" for n in range(101)]}, "invalid_scopes"),
    ],
)
def test_what_does_not_fit_is_named(at: dict[str, Any], change: dict[str, Any], code: str) -> None:
    values = {**PLAN.__dict__, **change}

    with pytest.raises(DomainError) as refused:
        service.create_auth_config(**at, plan=AuthConfigPlan(**values))

    assert refused.value.code == code
    assert SECRET not in refused.value.message
    assert not AuthConfig.objects.owned_by(at["owner"]).exists()


def test_keys_need_no_client_and_unknown_toolkits_are_not_there(at: dict[str, Any]) -> None:
    row = service.create_auth_config(**at, plan=AuthConfigPlan("github", "bearer_token"))

    assert (row.scheme, row.client_id, row.client_secret) == ("bearer_token", "", None)
    with pytest.raises(NotFoundError):
        service.create_auth_config(**at, plan=AuthConfigPlan("nonsense", "bearer_token"))


def test_names_are_numbered_where_none_is_given_and_refused_where_they_are_taken(at: dict[str, Any]) -> None:
    rows = [service.create_auth_config(**at, plan=PLAN) for _ in range(3)]

    assert [row.name for row in rows] == ["GitHub", "GitHub 2", "GitHub 3"]
    with pytest.raises(DomainError, match="Give another name"):
        service.change_auth_config(**at, auth_config_id=rows[0].id, change=AuthConfigChange(name="GitHub 2"))
    service.change_auth_config(**at, auth_config_id=rows[0].id, change=AuthConfigChange(name="GitHub"))
    assert reread(rows[0]).name == "GitHub"


def test_there_is_an_end_to_how_many(at: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 1)
    first = service.create_auth_config(**at, plan=PLAN)

    with pytest.raises(ConflictError, match="has 1 auth configs already"):
        service.create_auth_config(**at, plan=PLAN)

    service.delete_auth_config(**at, auth_config_id=first.id)
    assert service.create_auth_config(**at, plan=PLAN).name == "GitHub"


def test_what_is_left_out_of_a_change_stays(at: dict[str, Any]) -> None:
    row = service.create_auth_config(**at, plan=PLAN)

    service.change_auth_config(**at, auth_config_id=row.id, change=AuthConfigChange(scopes=[], client_id="Iv1.two"))

    stored = reread(row)
    assert (stored.name, stored.scopes, stored.client_id) == ("GitHub", [], "Iv1.two")
    assert client_of(stored).client_secret == SECRET
    [event] = AuditEvent.objects.filter(action="auth_config.change")
    assert event.details["fields"] == ["client_id", "scopes"]


def test_another_client_is_refused_while_accounts_hold_tokens_of_this_one(
    world: World, toolkit: Toolkit, at: dict[str, Any]
) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    account = make_connected_account(toolkit, owner=world.acme, auth_config=row)
    which = {**at, "auth_config_id": row.id}

    with pytest.raises(ConflictError, match="1 account is connected with GitHub"):
        service.change_auth_config(**which, change=AuthConfigChange(client_id="Iv1.two"))
    service.change_auth_config(**which, change=AuthConfigChange(client_id="Iv1.acme", client_secret="new"))
    assert client_of(reread(row)).client_secret == "new"

    account.status, account.credentials = "revoked", None
    account.save()
    service.change_auth_config(**which, change=AuthConfigChange(client_id="Iv1.two"))
    assert reread(row).client_id == "Iv1.two"


def test_deleting_waits_for_the_accounts_also_those_of_end_users(
    world: World, toolkit: Toolkit, at: dict[str, Any]
) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    theirs = make_connected_account(toolkit, owner=make_end_user(make_application(world.acme)), auth_config=row)
    mine = make_connected_account(toolkit, owner=world.acme, auth_config=row)
    which = {**at, "auth_config_id": row.id}

    with pytest.raises(ConflictError, match="2 accounts are connected"):
        service.delete_auth_config(**which)
    assert client_of(reread(row)).client_secret == SECRET

    for account in (theirs, mine):
        account.status, account.credentials = "revoked", None
        account.save()
    service.delete_auth_config(**which)

    stored = reread(row)
    assert (stored.deleted_at, stored.is_enabled, stored.client_secret) == (NOW, False, None)
    assert get_ways(actor=at["actor"], owner=at["owner"], toolkit="github").ways == []
    assert AuditEvent.objects.filter(action="auth_config.delete").count() == 1
    for act in (service.delete_auth_config, lambda **k: service.switch_auth_config(**k, is_enabled=True)):
        with pytest.raises(NotFoundError):
            act(**which)


@pytest.fixture
def given_back(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which token is withdrawn with the secret of which client."""
    found: list[tuple[str, str]] = []

    def take_back(tokens: Any, config: AuthConfig, **_: Any) -> oauth.Revocation:
        assert not connection.in_atomic_block or len(connection.savepoint_ids) == 0, "no transaction but the test's"
        found.append((tokens.access_token, client_of(config).client_secret))
        return oauth.Revocation(confirmed=True, detail="")

    monkeypatch.setattr(held, "take_back", take_back)
    return found


def begin(row: AuthConfig, owner: Any, user: Any, token: str) -> ConnectionRequest:
    """Somebody came back from the provider and has not said that the identity is theirs."""
    request = make_connection_request(row, owner=owner, user=user)
    tokens = {"access_token": token, "refresh_token": ""}
    sealed = seal_pending(request.id, {"tokens": tokens}, field_name="pending")
    ConnectionRequest.objects.unscoped("a test").filter(id=request.id).update(status="confirming", pending=sealed)
    return request


@pytest.mark.parametrize(
    "act",
    [
        service.delete_auth_config,
        lambda **which: service.change_auth_config(**which, change=AuthConfigChange(client_id="Iv1.two")),
    ],
)
def test_what_was_begun_with_it_ends_and_is_given_back_by_the_client_that_got_it(
    world: World, toolkit: Toolkit, at: dict[str, Any], given_back: list[tuple[str, str]], act: Any
) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    shop = make_end_user(make_application(world.acme))
    ours, theirs = begin(row, world.acme, world.admin, "ours"), begin(row, shop, None, "theirs")
    other = begin(make_auth_config(toolkit), world.acme, world.admin, "another")

    act(**at, auth_config_id=row.id)

    states = dict(ConnectionRequest.objects.unscoped("a test looks").values_list("id", "status"))
    assert states == {ours.id: "failed", theirs.id: "failed", other.id: "confirming"}
    assert sorted(given_back) == [("ours", SECRET), ("theirs", SECRET)]
    assert AuditEvent.objects.filter(action="connection.discard").count() == 2
    assert AuditEvent.objects.filter(action="connection.revoke").count() == 2


def test_another_secret_of_the_same_client_ends_nothing(
    world: World, at: dict[str, Any], given_back: list[tuple[str, str]]
) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    request = begin(row, world.acme, world.admin, "ours")

    service.change_auth_config(**at, auth_config_id=row.id, change=AuthConfigChange(client_secret="new"))

    assert ConnectionRequest.objects.unscoped("a test looks").get(id=request.id).status == "confirming"
    assert given_back == []


def test_database_keeps_a_deleted_one_empty(at: dict[str, Any]) -> None:
    row = service.create_auth_config(**at, plan=PLAN)

    with pytest.raises(IntegrityError), transaction.atomic():
        AuthConfig.objects.owned_by(at["owner"]).filter(id=row.id).update(deleted_at=NOW)

    service.delete_auth_config(**at, auth_config_id=row.id)
    assert reread(row).deleted_at == NOW


def test_disabled_one_connects_nothing_more_and_what_is_connected_stays(
    world: World, toolkit: Toolkit, at: dict[str, Any]
) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    account = make_connected_account(toolkit, owner=world.acme, auth_config=row)
    which = {**at, "auth_config_id": row.id}

    service.switch_auth_config(**which, is_enabled=False)
    service.switch_auth_config(**which, is_enabled=False)

    account.refresh_from_db()
    assert account.status == "active"
    assert get_ways(actor=at["actor"], owner=at["owner"], toolkit="github").ways == []
    assert AuditEvent.objects.filter(action="auth_config.change").count() == 1
    service.switch_auth_config(**which, is_enabled=True)
    assert [one.auth_config.id for one in get_ways(actor=at["actor"], owner=at["owner"], toolkit="github").ways] == [
        row.id
    ]


def test_sign_in_that_ends_after_the_deletion_stores_nothing(at: dict[str, Any], toolkit: Toolkit) -> None:
    row = service.create_auth_config(**at, plan=AuthConfigPlan("github", "bearer_token"))
    new = NewAccount(row, row.scheme, {"token": "k"}, None, "https://api.github.test")  # type: ignore[arg-type]
    service.delete_auth_config(**at, auth_config_id=row.id)

    with pytest.raises(ConflictError) as refused:
        store_account(new, **at)
    assert refused.value.code == "auth_config_deleted"
    plan = ConnectionPlan(toolkit="github", auth_config_id=row.id)
    with pytest.raises(NotFoundError):
        connect_with_fields(**at, plan=plan, values={"token": "k"})

    other = service.create_auth_config(**at, plan=AuthConfigPlan("github", "bearer_token"))
    live = NewAccount(other, other.scheme, {"token": "k"}, None, "https://api.github.test")  # type: ignore[arg-type]
    assert store_account(live, **at).account.auth_config_id == other.id


@pytest.mark.parametrize(
    ("persona", "error"),
    [
        ("member", ForbiddenError),
        ("viewer", ForbiddenError),
        ("outsider", OutOfReachError),
        ("ex_member", OutOfReachError),
        ("admin", None),
        ("owner", None),
    ],
)
def test_admins_and_owners_may_and_nobody_else(
    world: World, toolkit: Toolkit, at: dict[str, Any], persona: str, error: type[DomainError] | None
) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    doing: dict[str, Any] = {**at, "actor": actor_of(world.people[persona])}
    which = {**doing, "auth_config_id": row.id}
    acts = (
        lambda: service.create_auth_config(**doing, plan=PLAN),
        lambda: service.change_auth_config(**which, change=AuthConfigChange(name="Another")),
        lambda: service.switch_auth_config(**which, is_enabled=False),
        lambda: service.delete_auth_config(**which),
    )
    for act in acts:
        if error is None:
            act()
        else:
            with pytest.raises(error):
                act()
    assert (reread(row).deleted_at is None) is (error is not None)


def test_nobody_has_one_of_their_own_and_globex_has_none_of_acmes(world: World, at: dict[str, Any]) -> None:
    row = service.create_auth_config(**at, plan=PLAN)
    person = actor_of(world.admin)

    with pytest.raises(ForbiddenError):
        service.create_auth_config(actor=person, owner=person.as_owner, plan=PLAN, now=NOW)  # type: ignore[arg-type]
    theirs = {"actor": actor_of(world.outsider), "owner": world.globex.ref, "now": NOW}
    with pytest.raises(NotFoundError):
        service.delete_auth_config(**theirs, auth_config_id=row.id)  # type: ignore[arg-type]
    service.delete_auth_config(**at, auth_config_id=row.id)
