"""`manage.py sync_groups`: the groups Support and Operators, with the permissions that the admin site knows."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.management.base import BaseCommand

from accounts.admin_base import ShownAdmin
from orgs.services.support_groups import sync_groups


class Command(BaseCommand):
    help = "Makes the groups Support and Operators and gives them exactly their permissions. Safe to repeat."

    def handle(self, *_args: Any, **options: Any) -> None:
        sites = {model: admin.site.get_model_admin(model) for model in apps.get_models() if _is_shown(model)}
        shown = [model for model, site in sites.items() if isinstance(site, ShownAdmin) and site.for_support]
        for name, count in sync_groups(actor=None, shown=shown).items():
            if options["verbosity"]:
                self.stdout.write(f"{name}: {count} permissions.")


def _is_shown(model: Any) -> bool:
    return admin.site.is_registered(model)
