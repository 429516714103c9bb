"""The addresses of the authorization server. The MCP addresses themselves are answered before Django: app.py."""

from django.urls import URLPattern, path

from integrations.mcp import consent, endpoints

oauth_patterns: list[URLPattern] = [
    path(".well-known/oauth-authorization-server", endpoints.metadata, name="oauth_metadata"),
    path("oauth/authorize", consent.authorize, name="oauth_authorize"),
    path("oauth/token", endpoints.exchange, name="oauth_exchange"),
    path("oauth/revoke", endpoints.revoke, name="oauth_revoke"),
    path("oauth/register", endpoints.register, name="oauth_register"),
]
