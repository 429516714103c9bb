"""Toolkits and tools in the words of the protocol."""

from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from integrations.api.catalogue_shapes import (
    CategoryOut,
    FieldOut,
    FieldsOut,
    SchemeFieldsOut,
    SchemeOut,
    ToolkitChangesOut,
    ToolkitItemOut,
    ToolkitMetaOut,
    ToolOut,
    ToolToolkitOut,
    VersionChangesOut,
)
from integrations.session_limits import hints_of
from integrations.stamps import stamp

SCHEMES: Final = {"none": "NO_AUTH"}
"""Our word for a scheme, where the protocol's is not the same in capitals."""


def logo_url(toolkit: Any) -> str:
    return str(settings.BASE_URL) + reverse("toolkit_logo", args=[toolkit.slug])


def changes_out(toolkit: Any) -> ToolkitChangesOut:
    changes = VersionChangesOut(version=toolkit.version, changelog=toolkit.definition.get("changes", ""))
    return ToolkitChangesOut(slug=toolkit.slug, name=toolkit.name, display_name=toolkit.name, versions=[changes])


def scheme_word(scheme: str) -> str:
    """The protocol's word for an auth scheme."""
    return SCHEMES.get(scheme, scheme.upper())


def tool_out(row: Any) -> ToolOut:
    """A tool as the protocol shows it. Needs `toolkit`."""
    toolkit = row.toolkit
    return ToolOut(
        slug=row.slug,
        name=row.name,
        description=row.description,
        input_parameters=row.input_schema,
        output_parameters={"type": "object", "properties": {}},
        toolkit=ToolToolkitOut(slug=toolkit.slug, name=toolkit.name, logo=logo_url(toolkit)),
        version=toolkit.version,
        available_versions=[toolkit.version],
        tags=_tags(row),
        scopes=list(row.scopes[0]) if row.scopes else [],
        no_auth=not toolkit.needs_account,
        is_deprecated=row.is_deprecated,
        deprecated={
            "is_deprecated": row.is_deprecated,
            "displayName": row.name,
            "version": toolkit.version,
            "available_versions": [toolkit.version],
            "toolkit": {"logo": logo_url(toolkit)},
        },
    )


def _tags(row: Any) -> list[str]:
    """The hints of the protocol, made of the tool's effect."""
    return [*(["important"] if row.important else []), *hints_of(row.effect)]


def toolkit_item(row: Any) -> ToolkitItemOut:
    return ToolkitItemOut(**toolkit_fields(row), auth_schemes=[scheme_word(one) for one in row.schemes])


def toolkit_fields(row: Any) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "name": row.name,
        "type": "default",
        "is_local_toolkit": False,
        "enabled": row.is_enabled,
        "no_auth": not row.needs_account,
        "composio_managed_auth_schemes": [],
        "deprecated": {"toolkitId": row.slug},
        "meta": ToolkitMetaOut(
            logo=logo_url(row),
            description=row.description,
            categories=[CategoryOut(id=one, slug=one, name=one) for one in row.categories],
            tools_count=row.tools_count,
            triggers_count=0,
            version=row.version,
            available_versions=[row.version],
            created_at=stamp(row.created_at),
            updated_at=stamp(row.updated_at),
            app_url=row.website,
        ),
    }


def scheme_out(entry: dict[str, Any]) -> SchemeOut:
    fields = [_field(one) for one in entry.get("fields", [])]
    return SchemeOut(
        name=entry.get("name", scheme_word(entry["scheme"])),
        mode=scheme_word(entry["scheme"]),
        fields=SchemeFieldsOut(
            auth_config_creation=OAUTH_APP if entry["scheme"] == "oauth2" else FieldsOut(required=[], optional=[]),
            connected_account_initiation=FieldsOut(required=fields, optional=[]),
        ),
    )


def _app_field(name: str, label: str, text: str, *, required: bool = False, is_secret: bool = False) -> FieldOut:
    return FieldOut(
        name=name, displayName=label, type="string", description=text, required=required, is_secret=is_secret
    )


# What an organization's own auth config takes (POST /auth_configs, credentials).
OAUTH_APP: Final = FieldsOut(
    required=[_app_field("client_id", "Client ID", "Of the OAuth app that you registered there.", required=True)],
    optional=[
        _app_field("client_secret", "Client secret", "It is sealed and never shown again.", is_secret=True),
        _app_field("scopes", "Scopes", "With commas or spaces. Empty: what the toolkit's tools need."),
    ],
)


def _field(one: dict[str, Any]) -> FieldOut:
    return FieldOut(
        name=one["name"],
        displayName=one["label"],
        type="string",
        description=one.get("help", ""),
        required=True,
        is_secret=bool(one.get("secret")),
    )
