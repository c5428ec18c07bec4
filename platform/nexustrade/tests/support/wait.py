"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# Long enough for a machine whose every core is busy with something else; what works takes far less.
PATIENCE = 30.0

# Each look at a service takes time from the work that is waited for: looks become rarer.
_FIRST_INTERVAL, _LAST_INTERVAL, _GROWTH = 0.01, 0.1, 1.25


def until(probe: Callable[[], T], *, timeout: float = PATIENCE, message: str = "condition") -> T:
    """Returns the first true answer of `probe`, which is asked at intervals of 10 to 100 milliseconds.

    Raises AssertionError with `message` and the last answer after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    interval = _FIRST_INTERVAL
    while True:
        answer = probe()
        if answer:
            return answer
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError(f"{message}: not within {timeout:g} s; last answer was {answer!r}")
        time.sleep(min(interval, left))
        interval = min(interval * _GROWTH, _LAST_INTERVAL)


async def under_way(*works: Coroutine[Any, Any, T]) -> list[asyncio.Task[T]]:
    """Starts them all at once; returns when each has come to where it first waits, or to its end."""
    left, all_begun = len(works), asyncio.Event()

    async def begin(work: Coroutine[Any, Any, T]) -> T:
        nonlocal left
        left -= 1
        if not left:
            all_begun.set()
        return await work  # from here to its first wait nobody else has a turn

    tasks = [asyncio.create_task(begin(work)) for work in works]
    await asyncio.wait_for(all_begun.wait(), PATIENCE)
    return tasks
