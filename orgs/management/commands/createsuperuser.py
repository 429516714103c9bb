"""`manage.py createsuperuser`, with the ID container that every person has."""

from typing import Any

from django.contrib.auth.management.commands.createsuperuser import Command as DjangoCommand
from django.db import transaction

from accounts.models import User
from orgs.services.organizations import create_user_owner


class Command(DjangoCommand):
    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        for user in User.objects.filter(owner__isnull=True):
            create_user_owner(actor=None, user=user)
