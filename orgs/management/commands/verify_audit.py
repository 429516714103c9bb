"""`manage.py verify_audit`: whether the audit log is as it was written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orgs.queries.audit import Finding, verify_chains


class Command(BaseCommand):
    help = "Checks the hash chain of every audit log; fails when a record was changed, removed or re-ordered."

    def handle(self, *_args: Any, **_options: Any) -> None:
        sound, findings = verify_chains(actor=None, now=timezone.now())
        if findings:
            lines = "\n".join(_line(finding) for finding in findings)
            raise CommandError(f"The audit log was tampered with. {sound} records are sound; these are not:\n{lines}")
        self.stdout.write(f"The audit log is sound: {sound} records in unbroken chains.")


def _line(finding: Finding) -> str:
    owner = finding.owner_id or "installation"
    return f"{owner} number {finding.number} {finding.event}: {finding.message}".replace(" : ", ": ")
