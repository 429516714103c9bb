"""Bad input is refused in the API's one shape and breaks nothing (checks I4, I5, T14, W17)."""

from typing import Any

import pytest
from ninja import Schema

from integrations.models import Toolkit
from tests.factories import make_connected_account, make_tool, make_toolkit
from tests.integrations.api.door import ROOT, Door, door_of, id_of
from tests.world import World

EXECUTE = "/tools/execute/GITHUB_GET_THING"


@pytest.fixture
def door(world: World) -> Door:
    make_tool(make_toolkit())
    return door_of(world.member)


def assert_error(answer: tuple[int, Any], *statuses: int) -> None:
    status, body = answer
    assert status in (statuses or (400,)), body
    assert set(body) == {"error"}
    assert {"message", "code", "slug", "status", "request_id", "suggested_fix"} <= set(body["error"])
    assert body["error"]["status"] == status
    assert body["error"]["message"]
    assert body["error"]["suggested_fix"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"arguments":' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"arguments": {"n": ' + b"9" * 5000 + b"}}",
        b'{"arguments": {"n": 1e999}}',
        b'{"arguments": {"n": NaN}}',
        b'{"arguments": {"n": -Infinity}}',
        b'{"user_id": "a", "user_id": "b"}',
        b'{"arguments": {"a": 1, "a": 2}}',
        b'{"user_id": "\xff\xfe"}',
        b'{"user_id": "a\\u0000b"}',
        b'{"user_id": "\\ud800"}',
        b'{"user_id": ["x"]}',
        b'{"user_id": {"x": 1}}',
        b'{"user_id": 1}',
        b'{"user_id": true}',
        b'{"user_id": null}',
        b'{"user_id": "' + b"x" * 10_000 + b'"}',
        b'{"arguments": []}',
        b'{"arguments": "x"}',
        b'{"connected_account_id": 1}',
        b'{"version": {}}',
        b"\x1f\x8b\x08\x00gzip",
    ],
)
def test_bad_bodies_are_refused(door: Door, body: bytes) -> None:
    assert_error(door.post(EXECUTE, body))


@pytest.mark.parametrize("name", ["text", "custom_auth_params", "custom_connection_data"])
def test_what_is_not_supported_is_not_ignored(door: Door, world: World, name: str) -> None:
    value: Any = "x" if name == "text" else {"token": "x"}

    status, body = door.post(EXECUTE, {"user_id": id_of(world.member), name: value})

    assert (status, body["error"]["slug"]) == (400, "not_supported")


@pytest.mark.parametrize("body", [b"[null, null]", b"[]", b"null", b"1", b'{"alias": 1}', b'{"is_default": 1}'])
def test_a_change_is_one_object_with_values_of_the_right_type(door: Door, world: World, body: bytes) -> None:
    account = make_connected_account(Toolkit.objects.get(), owner=world.member)

    assert_error(door.patch(f"/connected_accounts/{account.text_id}", body))
    assert door.patch(f"/connected_accounts/{account.text_id}", {"alias": "Work"})[0] == 200


def test_no_two_shapes_share_a_name() -> None:
    """The document knows them by name: of two, one would describe both."""
    shapes = [shape for shape in _subclasses(Schema) if shape.__module__.startswith("integrations.api.")]

    assert len(shapes) > 40
    assert len({shape.__name__ for shape in shapes}) == len(shapes)


def _subclasses(shape: type) -> list[type]:
    return [found for child in shape.__subclasses__() for found in (child, *_subclasses(child))]


def test_too_large_a_body_is_413(door: Door) -> None:
    assert_error(door.post(EXECUTE, b'{"user_id": "' + b"x" * 1_100_000 + b'"}'), 413)


def test_other_media_types_are_415(door: Door) -> None:
    response = Door(door.key)
    answer = response.ask("POST", EXECUTE, b"a=1", CONTENT_TYPE="text/plain")

    assert answer.status_code in {400, 415}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-2146661337",
        "limit=x",
        "limit=" + "9" * 5000,
        "limit=1&limit=2",
        "limit=[]",
        "cursor=nonsense",
        "cursor=WyJh",
        "search=a%00b",
        "toolkit_versions[github]=20990101_00&toolkit_slug=github",
        "toolkit_versions=nonsense",
        "search=" + "x" * 9000,
        "important=perhaps",
        "toolkit_slug=" + "a," * 400,
    ],
)
def test_bad_queries_are_refused(door: Door, query: str) -> None:
    assert_error(door.get(f"/tools?{query}"), 400, 404)


@pytest.mark.parametrize(
    "path", ["", "/", "/nowhere", "/tools/", "/toolkits/x/y", "/%00", "/tools/%00", "/tools/" + "x" * 200]
)
def test_unknown_addresses_are_errors_in_the_same_shape(door: Door, path: str) -> None:
    assert_error(door.get(path), 400, 404)
    assert_error(Door(door.key, root="/api").get(path or "/"), 400, 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_wrong_methods_are_405_with_the_right_ones(door: Door, method: str) -> None:
    response = door.ask(method, "/tools")

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET"


def test_errors_say_nothing_about_the_machine(door: Door) -> None:
    response = door.ask("GET", "/tools?limit=x")

    assert b"pydantic" not in response.content
    assert b"ninja" not in response.content


def test_crash_is_an_error_in_the_same_shape(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(**_: Any) -> Any:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("integrations.api.catalogue.browse_tools", crash)
    status, body = door.get("/tools")

    assert (status, body["error"]["slug"]) == (500, "internal_error")
    assert "detail" not in str(body)


def test_root_is_the_one_of_the_tests() -> None:
    assert ROOT == "/api/v3.1"
