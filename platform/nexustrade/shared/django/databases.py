"""Connections: one per database and thread, given back to the pool when the work is done."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.utils import ConnectionHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper


def same_database(alias: str, other: str) -> bool:
    """Whether two aliases name one database."""
    return alias == other or connections.settings[alias] is connections.settings[other]


def database_aliases() -> list[str]:
    """One alias per database of this process, "default" first."""
    others = [alias for alias in connections if not same_database(alias, DEFAULT_DB_ALIAS)]
    return [DEFAULT_DB_ALIAS, *others]


@contextmanager
def connection_scope() -> Iterator[None]:
    """Give the thread's connections back to their pools when the block ends, however it ends.

    Requests do so by themselves; a background thread wraps each piece of its work in this.
    """
    try:
        yield
    finally:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:  # else an enclosing block still needs it
                connection.close()


class _SharedConnections(ConnectionHandler):
    """Lets "default" and the name of the main database stand for one connection.

    Otherwise a transaction on one of the two would not contain what is written through the other.
    """

    def create_connection(self, alias: str) -> BaseDatabaseWrapper:
        if alias != DEFAULT_DB_ALIAS and same_database(alias, DEFAULT_DB_ALIAS):
            return self[DEFAULT_DB_ALIAS]
        return super().create_connection(alias)


def share_default_connection() -> None:
    """Make Django's connection handler one that knows of shared aliases."""
    connections.__class__ = _SharedConnections
