"""Bulkheads: each dependency has places of its own, so that a slow one cannot take those of the others.

A call takes a place while it is under way. Where none is free, it waits for one, within bounds; then it is
refused, and its caller learns at once what waiting in line would have told him much later.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from threading import Semaphore
from typing import TYPE_CHECKING

from shared.clients.counts import REFUSED, UNDER_WAY
from shared.errors import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PLACES = 32
WAIT = 2.0  # seconds


class NoRoom(DependencyUnavailable):
    """Every place stayed taken; `retry_after` (seconds) says when to come back."""


class Bulkhead:
    """The places of one dependency, for threads; nobody waits longer than `wait` seconds for one."""

    def __init__(self, name: str, places: int = PLACES, *, wait: float = WAIT) -> None:
        self.name = name
        self._wait = wait
        self._free = Semaphore(places)
        self._taken = UNDER_WAY.labels(name)

    @contextmanager
    def place(self, patience: float) -> Iterator[None]:
        """Hold a place inside the block; NoRoom when none is free within `patience` seconds, or the wait."""
        if not self._free.acquire(timeout=max(0.0, min(self._wait, patience))):
            raise _no_room(self.name, self._wait)
        try:
            with self._taken.track_inprogress():
                yield
        finally:
            self._free.release()


class AsyncBulkhead:
    """The same for the tasks of one event loop."""

    def __init__(self, name: str, places: int = PLACES, *, wait: float = WAIT) -> None:
        self.name = name
        self._wait = wait
        self._free = asyncio.Semaphore(places)
        self._taken = UNDER_WAY.labels(name)

    @asynccontextmanager
    async def place(self, patience: float) -> AsyncIterator[None]:
        """Hold a place inside the block; NoRoom when none is free within `patience` seconds, or the wait."""
        if self._free.locked():
            try:
                await asyncio.wait_for(self._free.acquire(), max(0.0, min(self._wait, patience)))
            except TimeoutError:
                raise _no_room(self.name, self._wait) from None
        else:
            await self._free.acquire()
        try:
            with self._taken.track_inprogress():
                yield
        finally:
            self._free.release()


def _no_room(name: str, wait: float) -> NoRoom:
    REFUSED.labels(name, "no-room").inc()
    return NoRoom(f"too many calls to {name} are under way", target=name, retry_after=wait)
