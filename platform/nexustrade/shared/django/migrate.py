"""Brings a service's own tables up to date when it starts."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING
from zlib import crc32

import psycopg
from django.apps import apps
from django.db import ProgrammingError, connections
from django.db.migrations.executor import MigrationExecutor

from shared.django.databases import connection_scope
from shared.django.router import app_databases
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable

log = get_logger("migrate")

# One process at a time changes the schema of a database: two of them would both create django_migrations.
LOCK_KEY = crc32(b"nexustrade migrations")


def migrate_apps() -> None:
    """Apply the migrations of all installed apps to the databases in which they have tables."""
    wanted: dict[str, list[str]] = {}
    for config in apps.get_app_configs():
        if _migration_names(config.name):
            for alias in app_databases(config.label):
                wanted.setdefault(alias, []).append(config.label)
    with connection_scope():
        for alias, labels in wanted.items():
            if not _up_to_date(alias, labels):
                _migrate(alias, labels)


def _up_to_date(alias: str, labels: Iterable[str]) -> bool:
    """Compare names alone: nothing of Django's migration machinery is loaded when there is nothing to do."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations WHERE app = ANY(%s)", [list(labels)])
            applied = set(cursor.fetchall())
    except ProgrammingError:  # there is no such table yet
        return False
    return all(
        (label, name) in applied
        for label in labels
        for name in _migration_names(apps.get_app_config(label).name)
    )


def _migrate(alias: str, labels: Iterable[str]) -> None:
    connection = connections[alias]
    # The lock is held on a connection of its own, whose wait has no statement timeout.
    parameters = {
        key: value
        for key, value in connection.get_connection_params().items()
        if key in {"dbname", "user", "password", "host", "port", "connect_timeout"}
    }
    with psycopg.connect(**parameters, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        executor = MigrationExecutor(connection)
        targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] in labels]
        executor.migrate(targets)
        log.info("migrated", database=alias, apps=list(labels))


def _migration_names(package: str) -> list[str]:
    try:
        migrations = import_module(f"{package}.migrations")
    except ModuleNotFoundError as error:
        if error.name != f"{package}.migrations":
            raise
        return []
    return [module.name for module in iter_modules(migrations.__path__) if module.name[0] not in "_~"]
