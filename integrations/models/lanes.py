"""What keeps the queue fair and swept."""

from typing import ClassVar

from django.db import models

from orgs.models import Owner


class Lane(models.Model):
    """An owner's place in the round: the least recently served goes first."""

    owner = models.OneToOneField(Owner, models.CASCADE, primary_key=True, related_name="lane")
    last_served_at = models.DateTimeField()

    objects: ClassVar[models.Manager["Lane"]] = models.Manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["last_served_at"], name="lane_by_last_served")]

    def __str__(self) -> str:
        return str(self.owner_id)


class Sweep(models.Model):
    """One row: when the last sweep was taken, so that several beats and pumps do no harm."""

    id = models.SmallAutoField(primary_key=True)
    taken_at = models.DateTimeField()

    objects: ClassVar[models.Manager["Sweep"]] = models.Manager()

    def __str__(self) -> str:
        return f"sweep of {self.taken_at:%c}"
