"""Constraints that no CHECK can state: triggers, made and removed together with the table by migrations."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table


class TriggerConstraint(models.BaseConstraint):
    """A constraint made of triggers, on PostgreSQL and on SQLite: what they say is up to the subclass."""

    def create(self, model: type[models.Model], vendor: str) -> list[str]:
        """The statements that make it; `%(table)s` stands for the quoted table."""
        raise NotImplementedError

    def remove(self, vendor: str) -> list[str]:
        raise NotImplementedError

    def constraint_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        """Nothing inside CREATE TABLE: the triggers follow it."""
        self.create_sql(model, schema_editor)

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        if model is None or schema_editor is None:
            return
        table = Table(model._meta.db_table, schema_editor.quote_name)  # noqa: SLF001  # Django's documented way to the name
        texts = self.create(model, schema_editor.connection.vendor)
        schema_editor.deferred_sql += [Statement(text, table=table) for text in texts]

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        del model
        if schema_editor is not None:
            for sql in self.remove(schema_editor.connection.vendor):
                schema_editor.execute(sql)

    def validate(self, *_args: Any, **_kwargs: Any) -> None:
        """The database judges: what is asked about is not among the values of one row."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.deconstruct() == self.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)
