"""Shared by the tests of the infrastructure."""

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

import psutil

Result = TypeVar("Result")


def until(probe: Callable[[], Result], message: str = "", timeout: float = 15.0) -> Result:
    """The first true result of `probe`; AssertionError with `message` when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        result = probe()
        if result:
            return result
        assert time.monotonic() < deadline, message or f"{probe} is still {result!r}"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True
