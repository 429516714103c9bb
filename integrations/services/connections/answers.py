"""The provider's answer, kept while somebody signs in first: sealed, because it holds the code and the state."""

from collections.abc import Mapping
from uuid import UUID

from integrations.models.encrypted import Sealed, SecretUnreadableError, seal, unseal
from orgs.permissions import Actor


def keep_answer(*, actor: Actor, auth_config_id: UUID, params: Mapping[str, str]) -> str:
    """Text for the browser session of somebody who is not signed in (check O17)."""
    del actor  # nobody yet: the answer decides nothing, the flow's own user does
    return seal(dict(params), table="session", row=auth_config_id, field="oauth_answer").text


def kept_answer(*, actor: Actor, auth_config_id: UUID, text: str) -> dict[str, str]:
    """The answer again; empty when it was kept for another auth config, or cannot be read."""
    del actor  # see above
    try:
        return dict(unseal(Sealed(text), table="session", row=auth_config_id, field="oauth_answer"))
    except SecretUnreadableError:
        return {}
