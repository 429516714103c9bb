"""The catalogue as rows. The YAML files are the source; `sync_catalog` writes these."""

from typing import Any, ClassVar

from django.db import models

from accounts.ids import new_id
from integrations.engine.types import Effect


class Toolkit(models.Model):
    """An outside service."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    website = models.CharField(max_length=200, blank=True)
    categories = models.JSONField(default=list)
    version = models.CharField(max_length=20)
    sandbox = models.BooleanField(default=False)
    definition: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    logo = models.TextField(blank=True)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager["Toolkit"]] = models.Manager()

    def __str__(self) -> str:
        return self.name

    @property
    def schemes(self) -> list[str]:
        return [entry["scheme"] for entry in self.definition.get("auth_schemes", [])]

    @property
    def needs_account(self) -> bool:
        return "none" not in self.schemes


class Tool(models.Model):
    """One operation of a toolkit."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    toolkit = models.ForeignKey(Toolkit, models.PROTECT, related_name="tools")
    slug = models.CharField(max_length=100, unique=True)
    aliases = models.JSONField(default=list)
    name = models.CharField(max_length=160)
    description = models.TextField(blank=True)
    effect = models.CharField(max_length=12, choices=[(effect.value, effect.value) for effect in Effect])
    input_schema: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    definition: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    scopes = models.JSONField(default=list)
    important = models.BooleanField(default=False)
    is_deprecated = models.BooleanField(default=False)
    search_text = models.TextField(blank=True)

    objects: ClassVar[models.Manager["Tool"]] = models.Manager()

    def __str__(self) -> str:
        return self.slug

    @property
    def is_read(self) -> bool:
        return self.effect == Effect.READ.value
