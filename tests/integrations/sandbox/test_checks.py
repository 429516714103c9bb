from __future__ import annotations

import pytest
from django.core.checks import Tags, run_checks

from integrations.sandbox.checks import sandbox_has_a_client, sandbox_stays_out_of_production


def found(*, deploy: bool) -> set[str]:
    messages = run_checks(tags=[Tags.security], include_deployment_checks=deploy)
    return {message.id or "" for message in messages}


@pytest.mark.parametrize("deploy", [False, True])
def test_the_sandbox_in_production_is_an_error(settings: object, *, deploy: bool) -> None:
    settings.ENVIRONMENT = "production"  # type: ignore[attr-defined]

    assert "sandbox.E001" in found(deploy=deploy)


@pytest.mark.parametrize("environment", ["demo", "test"])
def test_the_sandbox_elsewhere_is_none(settings: object, environment: str) -> None:
    settings.ENVIRONMENT = environment  # type: ignore[attr-defined]

    assert not {"sandbox.E001", "sandbox.E002"} & found(deploy=False)


def test_production_without_the_sandbox_is_no_error(settings: object) -> None:
    settings.ENVIRONMENT = "production"  # type: ignore[attr-defined]
    settings.SANDBOX_ENABLED = False  # type: ignore[attr-defined]

    assert sandbox_stays_out_of_production() == sandbox_has_a_client() == []


@pytest.mark.parametrize("name", ["SANDBOX_CLIENT_ID", "SANDBOX_CLIENT_SECRET"])
def test_a_sandbox_without_client_is_an_error(settings: object, name: str) -> None:
    setattr(settings, name, "")

    assert [message.id for message in sandbox_has_a_client()] == ["sandbox.E002"]
