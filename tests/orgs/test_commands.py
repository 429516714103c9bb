"""`createsuperuser` makes a whole person."""

import pytest
from django.core.management import call_command

from accounts.models import User


@pytest.mark.django_db
def test_createsuperuser_makes_the_id_container_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct-horse-battery")

    call_command("createsuperuser", interactive=False, email="Root@example.com", username="rootly", verbosity=0)

    user = User.objects.get()
    assert (user.email, user.is_superuser) == ("root@example.com", True)
    assert user.owner.ref.text_id == user.text_id
