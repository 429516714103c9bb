"""`manage.py bootstrap FILE`: people, organizations, auth configs and API keys from a YAML file."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from integrations.services.bootstrap import BootstrapError, provision, read_document


class Command(BaseCommand):
    help = "Makes what the file asks for and prints as JSON what was made, new secrets once. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="YAML; ${NAME} in a value stands for an environment variable")

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        try:
            document = read_document(file.read_text(encoding="utf-8"), os.environ)
            report = provision(actor=None, document=document, now=timezone.now())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise CommandError(f"{file} cannot be read: it is not UTF-8 text.") from None
        except BootstrapError as error:
            raise CommandError(f"Nothing was changed, because {file.name} has faults:\n{error}") from None
        self.stdout.write(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
