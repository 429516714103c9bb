"""`manage.py audit_tenancy`: whether anything points across owners."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations.queries.tenancy import crossings


class Command(BaseCommand):
    help = "Looks for rows that point to things of another owner; fails when there is one."

    def handle(self, *_args: Any, **_options: Any) -> None:
        looked, found = crossings(actor=None)
        if found:
            lines = "\n".join(f"{one.table}.{one.field}: {one.count} ({', '.join(one.ids)})" for one in found)
            raise CommandError(f"These rows point across owners:\n{lines}")
        self.stdout.write(f"Nothing points across owners: {looked} kinds of reference were looked at.")
