"""Requests that are under way at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_flight(calls: Sequence[Callable[[], T]]) -> Iterator[list[Future[T]]]:
    """Starts every call in a thread of its own; the block ends when all have returned."""
    with ThreadPoolExecutor(len(calls)) as pool:
        yield [pool.submit(call) for call in calls]


def all_at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Runs the calls concurrently and returns what they returned, in order."""
    with in_flight(calls) as futures:
        return [future.result() for future in futures]
