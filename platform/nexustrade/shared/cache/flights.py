"""One load per key at a time, whoever asks for it meanwhile."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable
    from typing import Any

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class Flights(Generic[K, V]):
    """The loads that are under way. All methods run in the event loop's thread."""

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[V]] = {}

    def join(self, key: K, load: Callable[[], Coroutine[Any, Any, V]]) -> asyncio.Task[V]:
        """The load of `key` that is under way, or a new one.

        Await it through `asyncio.shield`: others may wait for it too.
        """
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(load())
            task.add_done_callback(partial(self._landed, key))
        return task

    def forget(self, key: K) -> None:
        """Whoever asks from now on gets a load that starts from now on."""
        self._running.pop(key, None)

    def __len__(self) -> int:
        return len(self._running)

    def _landed(self, key: K, task: asyncio.Task[V]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled():
            task.exception()  # nobody may be waiting for it, and that is no mistake
