"""`manage.py sync_catalog`: bring the catalogue's rows in step with the toolkits' files."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.catalog import CatalogError, SyncReport, load_definitions, sync


class Command(BaseCommand):
    help = "Reads the toolkits' files and creates, updates or deprecates toolkits and tools. Safe to repeat."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            definitions = load_definitions()
        except CatalogError as error:
            raise CommandError(f"The catalogue was not changed, because its files have faults:\n{error}") from None
        report = sync(definitions, now=timezone.now())
        tools = sum(len(definition.tools) for definition in definitions)
        self.stdout.write(f"Catalogue: {len(definitions)} toolkits, {tools} tools. {_summary(report)}")


def _summary(report: SyncReport) -> str:
    """What changed, in one line; long lists as a number."""
    changes = [_change(name.replace("_", " "), slugs) for name, slugs in vars(report).items() if slugs]
    return f"{'; '.join(changes).capitalize()}." if changes else "Nothing changed."


def _change(what: str, slugs: list[str]) -> str:
    few = 5
    return f"{what}: {', '.join(slugs) if len(slugs) <= few else len(slugs)}"
