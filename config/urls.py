"""The URL map of the product. `/me/…` and `/orgs/<org>/…` include the same patterns: the URL names the owner."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.admin_door import to_password_page
from config.health import healthz, readyz
from config.styleguide import styleguide
from integrations.api.pages import api_docs
from integrations.api.urls import api_patterns
from integrations.mcp.urls import oauth_patterns
from integrations.urls import organization_patterns as shared_patterns
from integrations.urls import owner_patterns, personal_patterns, root_patterns
from orgs.addresses import ORGANIZATION_PAGES, USER_PAGES
from orgs.urls import audit_patterns, organization_patterns

# Staff sign in and change their password where everybody does; accounts/admin_door.py asks for more (check A4).
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's documented way
admin.site.password_change = to_password_page  # type: ignore[method-assign, assignment]  # its own skips the audit log

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/", include(api_patterns)),
    path("docs/api/", api_docs, name="api_docs"),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("orgs.urls")),
    path("", include(root_patterns)),
    path("", include(oauth_patterns)),
    path("me/", include(([*owner_patterns, *audit_patterns, *personal_patterns], USER_PAGES))),
    path(
        "orgs/<slug:org>/", include(([*owner_patterns, *shared_patterns, *organization_patterns], ORGANIZATION_PAGES))
    ),
]
if settings.SANDBOX_ENABLED:
    urlpatterns.append(path("sandbox/", include("integrations.sandbox.urls")))
if settings.ENVIRONMENT != "production":
    urlpatterns.append(path("styleguide", styleguide, name="styleguide"))
