"""Forcing an interleaving: a row that is held while requests pile up behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.wait import PATIENCE, until


class HeldRow:
    """A transaction that holds a lock on one row until it is released."""

    def __init__(self, platform: Any, connection: Any, database: str, table: str) -> None:
        self._platform = platform
        self._connection = connection
        self._database = database
        self._table = table

    def waiting(self) -> int:
        """How many database sessions wait for a lock in a statement on the row's table."""
        rows = self._platform.sql(
            self._database,
            "SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database() AND query ILIKE %s",
            (f"%{self._table}%",),
        )
        return int(rows[0]["waiting"])

    def release_when_waiting(self, sessions: int, *, timeout: float = PATIENCE) -> None:
        """Waits until `sessions` sessions wait, then lets them go on; AssertionError after `timeout` s."""
        self.wait_for(sessions, timeout=timeout)
        self.release()

    def wait_for(self, sessions: int, *, timeout: float = PATIENCE) -> None:
        """Waits until `sessions` sessions wait; AssertionError after `timeout` s."""
        until(
            lambda: self.waiting() >= sessions,
            timeout=timeout,
            message=f"{sessions} sessions wait for {self._table}",
        )

    def release_when_settled(self, sessions: int, *, timeout: float = 3.0) -> None:
        """Lets go as soon as `sessions` sessions wait, and after `timeout` seconds in any case."""
        deadline = time.monotonic() + timeout
        until(lambda: self.waiting() >= sessions or time.monotonic() > deadline, timeout=timeout + 10)
        self.release()

    def release(self) -> None:
        """Ends the transaction; harmless when it has ended."""
        self._connection.rollback()


@contextmanager
def held_row(
    platform: Any,
    key: str,
    *,
    table: str = "risk_exposurelimit",
    column: str = "account_id",
    database: str = "orders_db",
) -> Iterator[HeldRow]:
    """Locks the row of `table` whose `column` equals `key`, by default an account's exposure limit."""
    with platform.connect(database) as connection:
        found = connection.execute(f"SELECT 1 FROM {table} WHERE {column} = %s FOR UPDATE", (key,)).fetchone()
        assert found is not None, f"{table} has no row with {column} = {key}"
        row = HeldRow(platform, connection, database, table)
        try:
            yield row
        finally:
            row.release()


@contextmanager
def held_table(platform: Any, table: str, *, database: str) -> Iterator[HeldRow]:
    """Keeps a table from being written to; it can be read, and its rows can be locked."""
    with platform.connect(database) as connection:
        connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
        held = HeldRow(platform, connection, database, table)
        try:
            yield held
        finally:
            held.release()
