"""Locks by name that PostgreSQL releases when their holder dies."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, connections

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "orders"


@contextmanager
def named_lock(name: str, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock `name` over all instances; yields False, at once, when it is taken and `wait` is off.

    A session lock, not a row lock: what is done under it spans many transactions of several databases.
    """
    function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    held = _call(function, name) is not False
    try:
        yield held
    finally:
        if held:
            # A connection that broke has given the lock back already.
            with suppress(OperationalError, InterfaceError):
                _call("pg_advisory_unlock", name)


def _call(function: str, name: str) -> object:
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [f"settlement:{name}"])
        return cursor.fetchone()[0]
