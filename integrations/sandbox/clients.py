"""The one client that the sandbox knows: this installation, as its settings say."""

import hmac
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin
from django.conf import settings

from integrations.sandbox.identities import SCOPES

AUTH_METHODS = ("client_secret_post", "client_secret_basic")
GRANT_TYPES = ("authorization_code", "refresh_token")


class InstallationClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """Read from the settings at each request; there is nothing to register and nothing to keep in step."""

    def get_client_id(self) -> str:
        return str(settings.SANDBOX_CLIENT_ID)

    def get_default_redirect_uri(self) -> str:
        return ""  # a client must always name it: RFC 9700 section 2.1

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Callbacks differ per auth config, so any page of this installation will do, and no other."""
        return origin_of(redirect_uri) == origin_of(settings.BASE_URL)

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(str(settings.SANDBOX_CLIENT_SECRET).encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002  # Authlib's signature
        return method in AUTH_METHODS

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in GRANT_TYPES

    def get_allowed_scope(self, scope: str | None) -> str:
        """What is asked and known, in our order; RFC 6749 section 3.3 lets a server grant less than asked."""
        asked = set((scope or "").split())
        return " ".join(name for name in SCOPES if name in asked)


def find_client(client_id: str) -> InstallationClient | None:
    client = InstallationClient()
    is_known = bool(client.get_client_id()) and client.get_client_id() == client_id
    return client if is_known else None


def origin_of(url: str) -> tuple[str, str] | None:
    """Scheme and host with port; None for anything that a browser could read in two ways."""
    if "\\" in url or any(character.isspace() for character in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc or parts.fragment:
        return None
    return parts.scheme, parts.netloc
