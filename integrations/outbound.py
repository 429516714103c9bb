"""The process's one outbound HTTP client, set up from the settings."""

from functools import lru_cache

from django.conf import settings

from integrations.engine.http import OutboundClient


@lru_cache(maxsize=1)
def outbound() -> OutboundClient:
    """The guarded client. Made on first use, after the fork: its connections belong to one process."""
    return OutboundClient(settings.EGRESS_ALLOW, require_https=settings.EGRESS_REQUIRE_HTTPS)
