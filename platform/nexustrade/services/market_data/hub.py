"""Fan-out of updates to streaming clients, each behind a bounded queue.

All methods run in the event loop's thread. Nothing here waits: a client that does not keep up loses its
subscription instead of slowing down the others or filling memory.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# Messages that may wait for one client.
QUEUE_SIZE: Final = 256


class Subscriber:
    """One client: `next()` gives its messages in order, `dropped` is set when it fell too far behind."""

    def __init__(self, symbols: Iterable[str], queue_size: int = QUEUE_SIZE) -> None:
        self.symbols = frozenset(symbols)
        self.dropped = asyncio.Event()
        self._queue: asyncio.Queue[str] = asyncio.Queue(queue_size)

    def offer(self, message: str) -> bool:
        """Queue a message; False when there is no room, and then the client is dropped."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.dropped.set()
            return False
        return True

    async def next(self) -> str:
        """The next message, waited for."""
        return await self._queue.get()


class Hub:
    """Knows who listens to which symbol."""

    def __init__(self) -> None:
        self._subscribers: defaultdict[str, set[Subscriber]] = defaultdict(set)

    def subscribe(self, subscriber: Subscriber) -> None:
        for symbol in subscriber.symbols:
            self._subscribers[symbol].add(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a client; one that is unknown or already dropped is no error."""
        for symbol in subscriber.symbols:
            self._subscribers[symbol].discard(subscriber)
            if not self._subscribers[symbol]:
                del self._subscribers[symbol]

    def publish(self, symbol: str, message: str) -> int:
        """Queue a message for everyone who listens to the symbol; returns how many got it."""
        listeners = list(self._subscribers.get(symbol, ()))
        slow = [subscriber for subscriber in listeners if not subscriber.offer(message)]
        for subscriber in slow:
            self.unsubscribe(subscriber)
        return len(listeners) - len(slow)

    def listeners(self, symbol: str) -> int:
        return len(self._subscribers.get(symbol, ()))
