"""Counting what is asked of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.connection import Connection, ConnectionPool


class RoundTrips:
    """How often something was sent to the server and an answer waited for."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, work: Any) -> int:
        """The round trips that calling `work` takes."""
        before = self.count
        work()
        return self.count - before


@contextmanager
def counted_redis(url: str) -> Iterator[tuple[Redis, RoundTrips]]:
    """A client whose round trips are counted; connected, so that greetings are not."""
    trips = RoundTrips()

    class Counting(Connection):
        def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
            trips.count += 1
            super().send_packed_command(*args, **kwargs)

    pool = ConnectionPool.from_url(url, connection_class=Counting)
    with Redis(connection_pool=pool) as client:
        client.ping()
        yield client, trips
    pool.disconnect()
