"""Whether a provider knows the client of an auth config, asked without anybody signing in.

Its token endpoint is offered a code that it never gave. A server has to look at the client before it looks at the code:
what it says of the code then means that the client is good (RFC 6749, section 5.2: `invalid_client` and
`invalid_grant`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings

from integrations import oauth
from integrations.credentials import client_of, provider_of
from integrations.engine.types import AuthScheme
from integrations.models.encrypted import SecretUnreadableError
from integrations.outbound import outbound
from integrations.queries.own_auth_configs import get_own_auth_config
from integrations.queries.ways import callback_url
from orgs.errors import DomainError
from orgs.permissions import Actor, OwnerRef

NO_CODE: Final = "switchboard-asks-whether-it-knows-the-client"
NO_VERIFIER: Final = "0" * 43  # the shortest that there is, RFC 7636 section 4.1


class Verdict(StrEnum):
    KNOWN = "known"
    REFUSED = "refused"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class ClientCheck:
    """What came of it, in words."""

    verdict: Verdict
    message: str


def check_client(*, actor: Actor, owner: OwnerRef, auth_config_id: UUID) -> ClientCheck:
    """Ask the provider now. Nothing is stored; with no transaction open. DomainError where there is no client."""
    row = get_own_auth_config(actor=actor, owner=owner, auth_config_id=auth_config_id)
    if row.scheme != AuthScheme.OAUTH2:
        raise DomainError("Keys and tokens need no client, so there is nothing to check.", code="client_not_needed")
    name = row.toolkit.name
    try:
        oauth.exchange(
            provider_of(row),
            client_of(row),
            code=NO_CODE,
            code_verifier=NO_VERIFIER,
            redirect_uri=callback_url(actor=actor, auth_config=row),
            transport=outbound().transport,
            deadline=settings.TOKEN_CALL_DEADLINE,
        )
    except oauth.OAuthError as error:
        return _judged(error, name)
    except ValueError as error:
        raise DomainError(f"{row.name} cannot be used: {error}", code="auth_config_unusable") from None
    except SecretUnreadableError as error:
        raise DomainError(f"{error} Give the client secret again.", code="secrets_unreadable") from None
    return ClientCheck(Verdict.UNCLEAR, f"{name} gave tokens for a code that it never gave. They were thrown away.")


def _judged(error: oauth.OAuthError, name: str) -> ClientCheck:
    if error.kind is oauth.ErrorKind.GRANT:
        return ClientCheck(
            Verdict.KNOWN,
            f"{name} knows the client ID and accepts the secret. Whether the callback URL is registered "
            "shows when somebody connects.",
        )
    if error.kind is oauth.ErrorKind.CLIENT:
        return ClientCheck(Verdict.REFUSED, f"{name} does not accept the client ID and secret. Copy both again.")
    if error.kind is oauth.ErrorKind.CALLBACK:
        return ClientCheck(
            Verdict.REFUSED, f"{name} does not know the callback URL. Register it there, then check again."
        )
    return ClientCheck(Verdict.UNCLEAR, f"{name} did not say whether it knows the client. {error.message}")
