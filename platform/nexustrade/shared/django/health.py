"""The health of this Django process."""

from __future__ import annotations

from django.db import connections

from shared.django.databases import connection_scope, database_aliases
from shared.observability import HealthRegistry

# What the service reports; a service adds checks of its own in its bootstrap.
health = HealthRegistry()


def add_database_checks() -> None:
    """One check per database: "database" for the main one, "database:<alias>" for others."""
    main, *others = database_aliases()
    health.add("database", lambda: check_database(main))
    for alias in others:
        health.add(f"database:{alias}", lambda alias=alias: check_database(alias))  # type: ignore[misc]


def check_database(alias: str) -> None:
    """Raise unless the database answers a query."""
    with connection_scope(), connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
