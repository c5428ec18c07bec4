"""One call for identical reads that are under way at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, NamedTuple, Self, TypeVar

from shared.observability.metrics import counter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.security import Identity

T = TypeVar("T")

_joined = counter("gateway_reads_joined", "Reads that were answered by an equal one under way")


class ReadKey(NamedTuple):
    """What makes two reads the same: who asks, with which rights, for what and in which form."""

    identity: Identity
    target: str
    accept: str

    @classmethod
    def of(cls, identity: Identity, target: str, accept: str = "") -> Self:
        """The key of a read that this caller makes."""
        return cls(identity, target, accept)


class Coalescer(Generic[T]):
    """Callers that ask for a key while its answer is being fetched share that one answer.

    Nothing is kept once the answer is there. A caller that gives up does not stop the others.
    """

    def __init__(self) -> None:
        self._flights: dict[ReadKey, asyncio.Task[T]] = {}

    async def fetch(self, key: ReadKey, call: Callable[[], Awaitable[T]]) -> T:
        """The answer of `call`, or that of an equal call under way; its exception likewise."""
        flight = self._flights.get(key)
        if flight is not None:
            _joined.inc()
        else:
            flight = asyncio.ensure_future(call())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def forget(self, identity: Identity) -> None:
        """Lets reads that start from now on see what this caller has just written."""
        for key in [key for key in self._flights if key.identity.subject == identity.subject]:
            del self._flights[key]

    def _land(self, key: ReadKey, flight: asyncio.Task[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # marks it as seen when every caller has gone
