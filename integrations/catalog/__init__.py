"""The catalogue as data: reads and checks the toolkits' files, keeps the Toolkit and Tool rows in step with them."""

from integrations.catalog.definitions import CatalogError, Problem, ToolDefinition, ToolkitDefinition
from integrations.catalog.identity import Identity, read_identity
from integrations.catalog.lookup import find_tool, find_toolkit
from integrations.catalog.reading import TOOLKITS_DIR, load_definitions, read_definitions
from integrations.catalog.scopes import default_scopes, missing_scopes, scope_words
from integrations.catalog.specs import (
    VariableError,
    auth_entry,
    base_url_for,
    credential_placement,
    error_rules,
    identity_rules,
    tool_spec,
)
from integrations.catalog.sync import SyncReport, sync

__all__ = [
    "TOOLKITS_DIR",
    "CatalogError",
    "Identity",
    "Problem",
    "SyncReport",
    "ToolDefinition",
    "ToolkitDefinition",
    "VariableError",
    "auth_entry",
    "base_url_for",
    "credential_placement",
    "default_scopes",
    "error_rules",
    "find_tool",
    "find_toolkit",
    "identity_rules",
    "load_definitions",
    "missing_scopes",
    "read_definitions",
    "read_identity",
    "scope_words",
    "sync",
    "tool_spec",
]
