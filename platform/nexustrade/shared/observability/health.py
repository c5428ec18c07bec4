"""Readiness: whether this service reaches what it depends on."""

from __future__ import annotations

from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[], object]

OK = "ok"

# Seconds. Shorter than the TTL of the Consul check, so that a dependency that hangs is reported as such
# before the service itself counts as gone.
CHECK_TIMEOUT = 2.0


class HealthRegistry:
    """The checks of one service.

    A check is a function that raises, or returns False, when its dependency is not usable.
    """

    def __init__(self, *, timeout: float = CHECK_TIMEOUT) -> None:
        self._timeout = timeout
        self._checks: dict[str, Check] = {}
        self._pending: dict[str, _Run] = {}
        self._lock = Lock()

    def add(self, name: str, check: Check) -> None:
        """Register `check` under `name`, the key in the answer of /health/ready."""
        self._checks[name] = check

    def ready(self) -> tuple[bool, dict[str, str]]:
        """Run all checks side by side: (everything fine?, name → "ok" or what is wrong)."""
        deadline = monotonic() + self._timeout
        runs = {name: self._start(name, check) for name, check in list(self._checks.items())}
        results = {name: run.result(deadline) for name, run in runs.items()}
        return all(result == OK for result in results.values()), results

    def _start(self, name: str, check: Check) -> _Run:
        # A check that still hangs from the last time is waited for, not started once more:
        # otherwise an unreachable database would collect one thread per poll.
        with self._lock:
            run = self._pending.get(name)
            if run is None or not run.is_alive():
                run = self._pending[name] = _Run(name, check)
                run.start()
            return run


class _Run(Thread):
    def __init__(self, name: str, check: Check) -> None:
        super().__init__(name=f"health-{name}", daemon=True)
        self._check = check
        self._outcome = "timed out"

    def run(self) -> None:
        try:
            self._outcome = "not available" if self._check() is False else OK
        except Exception as error:  # noqa: BLE001 - any failure of a dependency is an answer here
            self._outcome = f"{type(error).__name__}: {error}".strip().splitlines()[0][:200]

    def result(self, deadline: float) -> str:
        self.join(max(0.0, deadline - monotonic()))
        return "timed out" if self.is_alive() else self._outcome
