"""Circuit breaker: a dependency that fails is left alone for a while instead of being called for ever.

closed     calls pass; when enough of the recent ones failed → open
open       calls are refused at once; after the recovery time → half-open
half-open  a few trial calls pass; all succeed → closed, one fails → open
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING

from shared.clients.counts import OPENED, REFUSED
from shared.clock import monotonic
from shared.errors import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitOpen(DependencyUnavailable):
    """The breaker refuses the call; `retry_after` (seconds) says when it will try again."""


@dataclass(frozen=True, slots=True)
class BreakerConfig:
    """When a breaker opens and closes. Times are seconds.

    It opens when, of at least `minimum_calls` within `window`, the share `failure_ratio` or more failed.
    """

    window: float = 10.0
    minimum_calls: int = 10
    failure_ratio: float = 0.5
    recovery: float = 2.0
    trial_calls: int = 2


class CircuitBreaker:
    """The breaker of one dependency. Thread-safe; `clock` returns monotonic seconds."""

    def __init__(
        self, name: str, config: BreakerConfig | None = None, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.name = name
        self._config = config or BreakerConfig()
        self._clock = clock
        self._lock = Lock()
        self._outcomes: deque[tuple[float, bool]] = deque()  # (when, failed?)
        self._failures = 0
        self._opened_at: float | None = None
        self._trials_started = 0
        self._trials_passed = 0

    @property
    def state(self) -> State:
        with self._lock:
            return self._state(self._clock())

    def before_call(self) -> None:
        """Ask for leave to call; CircuitOpen when the dependency is to be left alone.

        Every granted call must end with `succeeded`, `failed` or `abandoned`.
        """
        now = self._clock()
        with self._lock:
            state = self._state(now)
            if state is State.CLOSED:
                return
            if state is State.OPEN or self._trials_started >= self._config.trial_calls:
                REFUSED.labels(self.name, "circuit-open").inc()
                raise CircuitOpen(f"{self.name} is failing", retry_after=self._retry_after(now))
            self._trials_started += 1

    def succeeded(self) -> None:
        """Record that a granted call got a proper answer."""
        now = self._clock()
        with self._lock:
            if self._state(now) is State.HALF_OPEN:
                self._trials_passed += 1
                if self._trials_passed >= self._config.trial_calls:
                    self._close()
            elif self._opened_at is None:
                self._record(now, failed=False)

    def failed(self) -> None:
        """Record that a granted call failed in a way that is the dependency's fault."""
        now = self._clock()
        with self._lock:
            state = self._state(now)
            if state is State.HALF_OPEN:
                self._open(now)
            elif state is State.CLOSED:
                self._record(now, failed=True)
                if self._too_many_failures():
                    self._open(now)

    def abandoned(self) -> None:
        """Give a granted call back without a verdict (the caller's own time ran out)."""
        with self._lock:
            if self._opened_at is not None and self._trials_started > self._trials_passed:
                self._trials_started -= 1

    def _state(self, now: float) -> State:
        if self._opened_at is None:
            return State.CLOSED
        return State.OPEN if now - self._opened_at < self._config.recovery else State.HALF_OPEN

    def _record(self, now: float, *, failed: bool) -> None:
        self._outcomes.append((now, failed))
        self._failures += failed
        oldest = now - self._config.window
        while self._outcomes and self._outcomes[0][0] <= oldest:
            self._failures -= self._outcomes.popleft()[1]

    def _too_many_failures(self) -> bool:
        calls = len(self._outcomes)
        return calls >= self._config.minimum_calls and self._failures >= self._config.failure_ratio * calls

    def _open(self, now: float) -> None:
        OPENED.labels(self.name).inc()
        self._opened_at = now
        self._trials_started = self._trials_passed = 0

    def _close(self) -> None:
        self._opened_at = None
        self._outcomes.clear()
        self._failures = 0

    def _retry_after(self, now: float) -> float:
        opened = self._opened_at if self._opened_at is not None else now
        return round(max(0.0, self._config.recovery - (now - opened)), 3)
