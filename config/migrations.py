"""Does the database have all the tables that this code wants?"""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def waiting_migrations() -> int:
    """How many migrations are still to be applied."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
