"""API keys: their text, who may make which, and whom they act as."""

import re
from datetime import timedelta
from unittest.mock import patch
from zlib import crc32

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db import DatabaseError

from orgs.errors import ConflictError, DomainError, ForbiddenError, NotFoundError, UnauthenticatedError
from orgs.key_text import digest_of, make_key_text, public_id_of
from orgs.models import ApiKey, AuditEvent, Membership
from orgs.permissions import Actor, ActorKind, Permission, Scope, Standing, can
from orgs.queries.api_keys import actor_from_key, list_keys
from orgs.services.api_keys import create_api_key, keep_api_key, note_key_use, revoke_api_key, rotate_api_key
from tests.factories import NOW, actor_of, make_api_key, make_membership, owner_ref
from tests.world import World


def test_key_text_has_kind_public_id_secret_and_checksum() -> None:
    key = make_key_text("org")

    match = re.fullmatch(r"sb_org_([0-9a-f]{16})_([0-9a-f]{48})([0-9a-f]{8})", key.text)
    assert match is not None
    assert match[1] == key.public_id == public_id_of(key.text)
    assert int(match[3], 16) == crc32(key.text[:-8].encode())
    assert key.text.endswith(key.last_four)
    assert key.text not in repr(key)


def test_key_texts_differ() -> None:
    assert len({make_key_text("user").text for _ in range(100)}) == 100


@pytest.mark.parametrize("damage", [lambda t: t[:-1], lambda t: t[:-1] + "x", lambda t: t.upper(), lambda t: f"{t} "])
def test_damaged_key_text_has_no_public_id(damage: object) -> None:
    assert callable(damage)

    assert public_id_of(damage(make_key_text("user").text)) is None


def test_key_text_with_a_changed_secret_fails_its_checksum() -> None:
    text = make_key_text("user").text
    place = len("sb_user_") + 20
    other = "0" if text[place] != "0" else "1"

    assert public_id_of(text[:place] + other + text[place + 1 :]) is None


def test_user_makes_a_personal_key_that_is_stored_as_a_digest(world: World) -> None:
    key, secret = create_api_key(
        actor=actor_of(world.member),
        owner=owner_ref(world.member),
        name=" CI ",
        scopes=[Scope.TOOLS_READ, Scope.EXECUTIONS_WRITE],
        expires_at=NOW + timedelta(days=30),
        now=NOW,
    )

    stored = ApiKey.objects.values().get(id=key.id)
    assert secret.startswith("sb_user_")
    assert secret not in str(stored)
    assert (key.name, key.digest, key.created_by) == ("CI", digest_of(secret), world.member)
    assert key.scopes == ["executions:write", "tools:read"]
    assert str(key) == f"CI (…{secret[-4:]})"


@pytest.mark.parametrize("persona", ["owner", "admin"])
def test_admin_makes_a_key_of_the_organization(world: World, persona: str) -> None:
    _key, secret = make_api_key(world.acme, actor=actor_of(world.people[persona]))

    assert secret.startswith("sb_org_")


@pytest.mark.parametrize("persona", ["member", "viewer"])
def test_member_cannot_make_a_key_of_the_organization(world: World, persona: str) -> None:
    with pytest.raises(ForbiddenError, match="owner or admin"):
        make_api_key(world.acme, actor=actor_of(world.people[persona]))

    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("persona", ["outsider", "ex_member", "staff"])
def test_stranger_cannot_make_a_key_of_the_organization(world: World, persona: str) -> None:
    with pytest.raises(NotFoundError):
        make_api_key(world.acme, actor=actor_of(world.people[persona]))


def test_owner_of_the_organization_cannot_make_a_key_of_a_member(world: World) -> None:
    with pytest.raises(NotFoundError):
        make_api_key(world.member, actor=actor_of(world.owner))


def test_key_cannot_make_a_wider_key(world: World) -> None:
    _key, secret = make_api_key(world.member, Scope.ADMIN, Scope.TOOLS_READ)
    actor = actor_from_key(secret=secret, now=NOW)

    narrower, _ = make_api_key(world.member, Scope.TOOLS_READ, actor=actor)
    with pytest.raises(ForbiddenError, match="lacks executions:write") as refused:
        make_api_key(world.member, Scope.TOOLS_READ, Scope.EXECUTIONS_WRITE, actor=actor)

    assert narrower.scopes == ["tools:read"]
    assert refused.value.code == "insufficient_scope"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"expires_at": NOW}, "expires_at"),
    ],
)
def test_key_with_bad_values_is_refused_by_field(world: World, values: dict[str, object], field: str) -> None:
    with pytest.raises(DomainError) as refused:
        make_api_key(world.member, **values)

    assert refused.value.field == field


def test_key_without_a_scope_is_refused(world: World) -> None:
    with pytest.raises(DomainError, match="at least one scope"):
        create_api_key(actor=None, owner=world.acme.ref, name="x", scopes=[], expires_at=None, now=NOW)


def test_personal_key_acts_as_its_user_within_its_scopes(world: World) -> None:
    _key, secret = make_api_key(world.member, Scope.TOOLS_READ)

    actor = actor_from_key(secret=secret, now=NOW)

    assert (actor.kind, actor.user_id, actor.standing) == (ActorKind.USER_KEY, world.member.id, Standing.GOOD)
    assert can(actor, Permission.TOOLS_READ, world.acme.ref)
    assert not can(actor, Permission.TOOLS_EXECUTE, world.acme.ref)


def test_organization_key_acts_as_the_organization_alone(world: World) -> None:
    _key, secret = make_api_key(world.acme)

    actor = actor_from_key(secret=secret, now=NOW)

    assert (actor.kind, actor.user_id) == (ActorKind.ORGANIZATION_KEY, None)
    assert actor.reach() == [world.acme.ref]
    assert actor.reach()[0].label == "Acme"


def standing_after(world: World, **values: object) -> Standing:
    key, secret = make_api_key(world.member)
    ApiKey.objects.filter(id=key.id).update(**values)
    return actor_from_key(secret=secret, now=NOW).standing


def test_key_lives_until_it_expires(world: World) -> None:
    assert standing_after(world, expires_at=NOW + timedelta(seconds=1)) is Standing.GOOD
    assert standing_after(world, expires_at=NOW) is Standing.REVOKED


def test_revoked_key_acts_as_nobody(world: World) -> None:
    assert standing_after(world, revoked_at=NOW) is Standing.REVOKED


def test_key_of_a_suspended_user_is_suspended(world: World) -> None:
    _key, secret = make_api_key(world.member)
    type(world.member).objects.filter(id=world.member.id).update(is_active=False)

    assert actor_from_key(secret=secret, now=NOW).standing is Standing.SUSPENDED


def test_wrong_secret_and_unknown_key_get_the_same_answer(world: World) -> None:
    key, _secret = make_api_key(world.member)
    wrong = f"sb_user_{key.public_id}_{'0' * 48}"
    unknown = f"sb_user_{'0' * 16}_{'0' * 48}"
    answers: list[tuple[str, str]] = []
    for body in (wrong, unknown):
        with pytest.raises(UnauthenticatedError) as refused:
            actor_from_key(secret=f"{body}{crc32(body.encode()):08x}", now=NOW)
        answers.append((refused.value.code, refused.value.message))

    assert answers[0] == answers[1]


@pytest.mark.parametrize("text", ["", "sb_user_", "Bearer x", "\x00", "sb_org_ü"])
def test_text_that_is_no_key_is_refused(world: World, text: str) -> None:
    make_api_key(world.member)

    with pytest.raises(UnauthenticatedError, match="not valid"):
        actor_from_key(secret=text, now=NOW)


# --- How long one lives


def test_a_key_that_somebody_makes_must_expire_within_what_the_installation_allows(
    world: World, settings: LazySettings
) -> None:
    actor = actor_of(world.member)
    for expires_at in (None, NOW + timedelta(days=366)):
        with pytest.raises(DomainError) as refused:
            make_api_key(world.member, actor=actor, expires_at=expires_at)
        assert (refused.value.code, refused.value.field) == ("lifetime_too_long", "expires_at")

    settings.API_KEY_MAX_DAYS = 0
    assert make_api_key(world.member, actor=actor, expires_at=None)[0].expires_at is None


def short_lived(world: World) -> Actor:
    _key, secret = make_api_key(world.member, expires_at=NOW + timedelta(days=2))
    return actor_from_key(secret=secret, now=NOW)


def test_a_key_makes_no_key_that_outlives_it(world: World, settings: LazySettings) -> None:
    settings.API_KEY_MAX_DAYS = 0
    actor, end = short_lived(world), NOW + timedelta(days=2)

    for later in (None, end + timedelta(seconds=1)):
        with pytest.raises(
            DomainError, match="ends on 04 March 2026, 10:00 UTC, and makes no key that outl"
        ) as refused:
            make_api_key(world.member, actor=actor, expires_at=later)
        assert (refused.value.code, refused.value.field) == ("outlives_key", "expires_at")

    assert make_api_key(world.member, actor=actor, expires_at=end)[0].expires_at == end


def test_a_key_rotates_none_so_that_it_outlives_it(world: World) -> None:
    actor, owner, old = short_lived(world), owner_ref(world.member), make_api_key(world.member)[0]

    def rotate(days: int) -> ApiKey:
        until = NOW + timedelta(days=days)
        return rotate_api_key(actor=actor, owner=owner, key_id=old.id, expires_at=until, now=NOW)[0]

    with pytest.raises(DomainError) as refused:
        rotate(3)

    assert refused.value.code == "outlives_key"
    assert rotate(2).replaces == old
    own = ApiKey.objects.get(id=actor.key_id)
    with pytest.raises(DomainError):
        rotate_api_key(actor=actor, owner=owner, key_id=own.id, expires_at=NOW + timedelta(days=3), now=NOW)


def test_a_key_without_an_end_makes_keys_as_long_as_the_installation_allows(world: World) -> None:
    _key, secret = make_api_key(world.member)

    made, _ = make_api_key(
        world.member, actor=actor_from_key(secret=secret, now=NOW), expires_at=NOW + timedelta(days=300)
    )

    assert made.expires_at == NOW + timedelta(days=300)


# --- Bound to one organization (check K3)


def test_a_bound_key_reaches_its_user_and_that_organization_alone(world: World) -> None:
    make_membership(world.globex, world.member)
    actor = actor_of(world.member)
    _key, bound = make_api_key(world.member, actor=actor, organization=world.acme.ref)
    _key, free = make_api_key(world.member, actor=actor)

    assert actor_from_key(secret=bound, now=NOW).reach() == [owner_ref(world.member), world.acme.ref]
    assert len(actor_from_key(secret=free, now=NOW).reach()) == 3


def test_a_key_cannot_be_bound_to_an_organization_of_others(world: World) -> None:
    with pytest.raises(DomainError) as refused:
        make_api_key(world.member, actor=actor_of(world.member), organization=world.globex.ref)

    assert refused.value.field == "organization"


def test_a_bound_key_makes_no_key_that_reaches_further(world: World) -> None:
    _key, secret = make_api_key(world.member, actor=actor_of(world.member), organization=world.acme.ref)
    actor = actor_from_key(secret=secret, now=NOW)

    with pytest.raises(ForbiddenError):
        make_api_key(world.member, actor=actor)
    assert make_api_key(world.member, actor=actor, organization=world.acme.ref)[0].organization == world.acme


# --- Rotating and revoking


def test_both_keys_work_until_the_first_is_revoked(world: World) -> None:
    actor, owner = actor_of(world.member), owner_ref(world.member)
    old, first = make_api_key(world.member, Scope.TOOLS_READ)

    new, second = rotate_api_key(actor=actor, owner=owner, key_id=old.id, expires_at=NOW + timedelta(days=7), now=NOW)
    standings = [actor_from_key(secret=one, now=NOW).standing for one in (first, second)]
    revoke_api_key(actor=actor, owner=owner, key_id=old.id, now=NOW)

    assert standings == [Standing.GOOD, Standing.GOOD]
    assert (new.replaces, new.scopes, new.name) == (old, ["tools:read"], old.name)
    assert actor_from_key(secret=first, now=NOW).standing is Standing.REVOKED
    assert actor_from_key(secret=second, now=NOW).standing is Standing.GOOD
    kept = AuditEvent.objects.filter(action__startswith="api_key.").order_by("id").values_list("action", flat=True)
    assert list(kept) == ["api_key.create", "api_key.rotate", "api_key.revoke"]


def test_a_key_that_is_over_is_neither_rotated_nor_revoked_again(world: World) -> None:
    wanted = {"actor": actor_of(world.member), "owner": owner_ref(world.member), "now": NOW}
    revoked, _ = make_api_key(world.member)
    revoke_api_key(**wanted, key_id=revoked.id)

    with pytest.raises(ConflictError, match="revoked already"):
        revoke_api_key(**wanted, key_id=revoked.id)
    with pytest.raises(ConflictError):
        rotate_api_key(**wanted, key_id=revoked.id, expires_at=NOW + timedelta(days=1))


def test_a_narrower_key_does_not_rotate_a_wider_one(world: World) -> None:
    wide, _ = make_api_key(world.member)
    _key, secret = make_api_key(world.member, Scope.ADMIN)

    with pytest.raises(ForbiddenError):
        rotate_api_key(
            actor=actor_from_key(secret=secret, now=NOW),
            owner=owner_ref(world.member),
            key_id=wide.id,
            expires_at=NOW + timedelta(days=1),
            now=NOW,
        )


@pytest.mark.parametrize(("persona", "error"), [("member", ForbiddenError), ("outsider", NotFoundError)])
def test_who_manages_no_keys_revokes_none(world: World, persona: str, error: type[DomainError]) -> None:
    key, secret = make_api_key(world.acme)
    actor = actor_of(world.people[persona])

    with pytest.raises(error):
        revoke_api_key(actor=actor, owner=world.acme.ref, key_id=key.id, now=NOW)
    assert actor_from_key(secret=secret, now=NOW).standing is Standing.GOOD


def test_an_admins_personal_key_is_out_of_reach_of_the_other_admins(world: World) -> None:
    key, _ = make_api_key(world.admin)

    for owner in (world.acme.ref, owner_ref(world.admin)):
        with pytest.raises(NotFoundError):
            revoke_api_key(actor=actor_of(world.owner), owner=owner, key_id=key.id, now=NOW)


# --- When whoever made it is gone (check K6)


def test_an_organizations_key_stays_and_is_flagged_when_its_maker_leaves(world: World) -> None:
    key, secret = make_api_key(world.acme, actor=actor_of(world.admin))
    reading = {"actor": actor_of(world.owner), "owner": world.acme.ref, "now": NOW}
    assert [row.needs_review for row in list_keys(**reading)] == [False]

    Membership.objects.filter(user=world.admin).update(role="member")
    assert [row.needs_review for row in list_keys(**reading)] == [True]
    assert actor_from_key(secret=secret, now=NOW).standing is Standing.GOOD

    keep_api_key(**reading, key_id=key.id)
    assert [row.needs_review for row in list_keys(**reading)] == [False]


# --- The list


def test_the_list_has_live_keys_first_and_forgets_old_ones(world: World) -> None:
    names = {
        "over": {"expires_at": NOW + timedelta(minutes=1)},
        "soon": {"expires_at": NOW + timedelta(days=6)},
        "fine": {"expires_at": NOW + timedelta(days=60)},
    }
    for name, values in names.items():
        make_api_key(world.member, name=name, **values)
    make_api_key(world.member, name="long over", expires_at=NOW + timedelta(seconds=1))
    ApiKey.objects.filter(name="long over").update(expires_at=NOW - timedelta(days=91))

    rows = list_keys(actor=actor_of(world.member), owner=owner_ref(world.member), now=NOW + timedelta(hours=1))

    assert [(row.key.name, row.word.label) for row in rows] == [
        ("fine", "Active"),
        ("soon", "Expires soon"),
        ("over", "Expired"),
    ]
    assert rows[0].key.prefix == f"sb_user_{rows[0].key.public_id}"
    assert ("admin", "Manage members, settings, API keys and webhooks, and read the audit log") in rows[0].scopes


def test_use_is_noted_at_most_once_a_minute(world: World) -> None:
    cache.clear()
    key, text = make_api_key(world.member)
    actor = actor_from_key(secret=text, now=NOW)

    for seconds in (0, 30):
        note_key_use(actor=actor, now=NOW + timedelta(seconds=seconds))
    note_key_use(actor=actor_of(world.member), now=NOW)  # a person has no key

    key.refresh_from_db()
    assert key.last_used_at == NOW


def test_a_request_goes_on_when_its_key_cannot_be_noted(world: World) -> None:
    cache.clear()
    key, text = make_api_key(world.member)

    with patch("orgs.services.api_keys.ApiKey.objects.filter", side_effect=DatabaseError):
        note_key_use(actor=actor_from_key(secret=text, now=NOW), now=NOW)

    key.refresh_from_db()
    assert key.last_used_at is None
