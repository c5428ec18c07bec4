"""Django's PostgreSQL backend, with a cheaper look at a pooled connection before it is handed out."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

if TYPE_CHECKING:
    from psycopg import Connection


class DatabaseWrapper(base.DatabaseWrapper):
    """Like its parent; an unused connection costs no round trip to the server."""

    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None:
            pool._check = check_connection  # noqa: SLF001 - Django's settings cannot replace the check
        return pool


def check_connection(connection: Connection[Any]) -> None:
    """Raise unless the connection can be used.

    The server sends nothing unasked on a healthy idle connection: only when there is something to read, most
    likely its end, is the server asked.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)
