"""The picture of an organization. In a table of its own: nobody loads it who only wants the name."""

from typing import ClassVar

from django.db import models

from orgs.models.organizations import Organization


class Logo(models.Model):
    """A small PNG, JPEG or WebP, checked when it came. `digest` changes with it, for the address."""

    organization = models.OneToOneField(Organization, models.CASCADE, primary_key=True, related_name="logo")
    content = models.BinaryField()
    content_type = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)
    updated_at = models.DateTimeField()

    objects: ClassVar[models.Manager["Logo"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.content_type} of {self.organization_id}"
