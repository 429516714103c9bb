"""A row points only to things of its own owner, whoever writes it (check T27).

On PostgreSQL a trigger refuses anything else. On SQLite a trigger that reads another table would stand in the way of
every later migration of that table, so saving looks instead; `audit_tenancy` finds what was written past it.
"""

from typing import Any, Final

from django.db import IntegrityError, models

from orgs.models.triggers import TriggerConstraint

REFUSED: Final = "This row and what it points to belong to different owners."
POSTGRESQL: Final = """
CREATE OR REPLACE FUNCTION "{name}_check"() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW."{column}" IS NOT NULL{unless}
        AND (SELECT owner_id FROM "{other}" WHERE id = NEW."{column}") IS DISTINCT FROM NEW.owner_id
    THEN RAISE EXCEPTION '{refused}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER "{name}" BEFORE INSERT OR UPDATE OF "{column}", owner_id ON %(table)s
FOR EACH ROW EXECUTE FUNCTION "{name}_check"()
"""


class SameOwner(TriggerConstraint):
    """What `field` points to has the row's own owner. Rows with `unless_status` are left alone.

    A composite foreign key would say the same, and Django knows none.
    """

    def __init__(self, *, field: str, name: str, unless_status: str = "") -> None:
        super().__init__(name=name)
        self.field, self.unless_status = field, unless_status

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, tuple(args), {**kwargs, "field": self.field, "unless_status": self.unless_status}

    def create(self, model: type[models.Model], vendor: str) -> list[str]:
        if vendor != "postgresql":
            return []
        key: Any = model._meta.get_field(self.field)  # noqa: SLF001  # Django's documented way to a field
        other = key.related_model._meta.db_table  # noqa: SLF001
        unless = f" AND NEW.status <> '{self.unless_status}'" if self.unless_status else ""
        return [POSTGRESQL.format(name=self.name, column=key.column, refused=REFUSED, other=other, unless=unless)]

    def remove(self, vendor: str) -> list[str]:
        return [f'DROP FUNCTION IF EXISTS "{self.name}_check"() CASCADE'] if vendor == "postgresql" else []

    def look(self, row: Any) -> None:
        """Raise IntegrityError, as the trigger does."""
        if self.unless_status and row.status == self.unless_status:
            return
        other = getattr(row, self.field)
        if other is not None and other.owner_id != row.owner_id:
            raise IntegrityError(REFUSED)
