"""Tables that only grow: in Python, and by a trigger in the database, whoever writes to it."""

from typing import Any, ClassVar, Final, NoReturn

from django.db import models

from orgs.models.triggers import TriggerConstraint

REFUSED: Final = "This table only grows: its rows are neither changed nor deleted."
SQLITE: Final = (
    """CREATE TRIGGER "{name}_{verb}" BEFORE {verb} ON %(table)s BEGIN SELECT RAISE(ABORT, '{refused}'); END"""
)
POSTGRESQL: Final = """
CREATE OR REPLACE FUNCTION "{name}_refuse"() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN RAISE EXCEPTION '{refused}' USING ERRCODE = 'restrict_violation'; END $body$;
CREATE TRIGGER "{name}_change" BEFORE UPDATE OR DELETE ON %(table)s FOR EACH ROW EXECUTE FUNCTION "{name}_refuse"();
CREATE TRIGGER "{name}_empty" BEFORE TRUNCATE ON %(table)s FOR EACH STATEMENT EXECUTE FUNCTION "{name}_refuse"()
"""
REMOVE: Final = {
    "sqlite": ('DROP TRIGGER IF EXISTS "{name}_UPDATE"', 'DROP TRIGGER IF EXISTS "{name}_DELETE"'),
    "postgresql": ('DROP FUNCTION IF EXISTS "{name}_refuse"() CASCADE',),
}


class AppendOnly(TriggerConstraint):
    """A constraint of a table: triggers refuse UPDATE and DELETE."""

    def create(self, model: type[models.Model], vendor: str) -> list[str]:
        del model
        texts = [POSTGRESQL]
        if vendor == "sqlite":
            texts = [SQLITE.replace("{verb}", verb) for verb in ("UPDATE", "DELETE")]
        return [text.format(name=self.name, refused=REFUSED) for text in texts]

    def remove(self, vendor: str) -> list[str]:
        return [sql.format(name=self.name) for sql in REMOVE[vendor]]


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Rows that are read and added, nothing else."""

    def update(self, **_kwargs: Any) -> NoReturn:
        raise TypeError(REFUSED)

    def delete(self) -> NoReturn:
        raise TypeError(REFUSED)

    def bulk_update(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(REFUSED)


class AppendOnlyModel(models.Model):
    """A row that is saved once."""

    objects: ClassVar[Any] = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *_args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(REFUSED)
        super().save(**{**kwargs, "force_insert": True, "force_update": False, "update_fields": None})

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(REFUSED)
