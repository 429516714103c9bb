"""Every use case says who is acting: public functions of services and queries take `actor` by keyword."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from tests.architecture.code import modules_under

LAYERS = ("accounts.services", "orgs.services", "orgs.queries", "integrations.services", "integrations.queries")
# What makes an actor, or asks nothing of the database; each with the reason.
EXCEPTIONS = {
    "orgs.queries.actors.actor_for_user": "makes the actor",
    "orgs.queries.actors.actor_for_key": "makes the actor",
    "orgs.queries.actors.actor_for_support": "makes the actor",
    "orgs.queries.api_keys.actor_from_key": "makes the actor",
    "integrations.services.connections.guests.actor_of_link": "makes the actor",
    "orgs.queries.oauth.actor_from_access": "makes the actor",
    "integrations.queries.audience.reason_for": "words only",
    "integrations.queries.ways.way_label": "words only",
    "integrations.services.connections.identity.verify": "asks the provider, for use cases that have checked",
    "integrations.services.connections.store.same_identity": "compares two values",
}
# Packages in which modules beside the use cases help them; only what the package itself offers is a use case.
HELPERS = {
    "integrations.services.bootstrap.auth_configs": "one kind of entry",
    "integrations.services.bootstrap.document": "reads a text",
    "integrations.services.bootstrap.fields": "reads a value",
    "integrations.services.bootstrap.people": "one kind of entry",
}


def use_cases() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in modules_under(*LAYERS):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_")
            if is_own and module.__name__ not in HELPERS:
                yield f"{module.__name__}.{name}", function


def takes_actor_by_keyword(function: Callable[..., Any]) -> bool:
    parameter = inspect.signature(function).parameters.get("actor")
    return parameter is not None and parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_every_use_case_takes_its_actor_by_keyword() -> None:
    without = [name for name, function in use_cases() if not takes_actor_by_keyword(function)]

    assert sorted(set(without) - EXCEPTIONS.keys()) == []


def test_no_exception_is_left_over() -> None:
    names = dict(use_cases())

    assert [name for name in EXCEPTIONS if name not in names or takes_actor_by_keyword(names[name])] == []
    assert len(names) > 10
