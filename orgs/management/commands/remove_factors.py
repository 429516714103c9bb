"""`manage.py remove_factors EMAIL`: for somebody who lost their second factor and its recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from orgs.errors import NotFoundError
from orgs.services.support import remove_factors


class Command(BaseCommand):
    help = (
        "Removes all second factors of a user, who then signs in with the password alone. It stands in their audit log."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the address that they sign in with")

    def handle(self, *_args: Any, email: str, **_options: Any) -> None:
        try:
            count = remove_factors(actor=None, email=email, now=timezone.now())
        except NotFoundError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Removed {count} second factors of {email}.")
