"""Seal everything anew with the newest of FIELD_ENCRYPTION_KEYS, while the product runs.

Put a new key in front, restart, run this, and drop the old key when it says that nothing is left.
"""

from typing import Any

from django.core.management.base import BaseCommand

from integrations.services.secrets import rotate_all


class Command(BaseCommand):
    help = "Re-encrypt all stored secrets with the newest of FIELD_ENCRYPTION_KEYS. Safe to stop and to run again."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for place, report in rotate_all(actor=None).items():
            self.stdout.write(f"{place}: {report.rotated} sealed anew, {report.unreadable} unreadable")
