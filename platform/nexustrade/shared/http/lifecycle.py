"""The parts of a service that run beside its HTTP server."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol

from shared.observability.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

log = get_logger("lifecycle")

STOP_TIMEOUT = 5.0  # seconds


class Part(Protocol):
    """Something that starts with the service and stops before it: a consumer, a relay, a registration."""

    def start(self) -> Any: ...

    def stop(self) -> Any: ...


class Loop:
    """A thread that calls `step` again and again, `interval` seconds apart, until it is stopped.

    An exception in a step is logged and does not end the loop.
    """

    def __init__(self, name: str, step: Callable[[], object], *, interval: float) -> None:
        self._name = name
        self._step = step
        self._interval = interval
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end and wait until the step in hand is done."""
        self._stopping.set()
        self._thread.join(STOP_TIMEOUT)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self._step()
            except Exception:
                log.exception("background step failed", loop=self._name)
