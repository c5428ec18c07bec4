"""Retries that cannot turn one failure into a storm.

Only idempotent calls are repeated, only after failures that a repetition may cure, after a pause that grows
and is drawn at random (full jitter), and only while the budget allows: retries are a bounded share of calls.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RETRYABLE_STATUSES = frozenset({429, 502, 503, 504})


class RetryBudget:
    """A purse that each call fills a little and each retry empties by one.

    `ratio` is the share of retries among calls in the long run; `reserve` are the retries that a quiet client
    may make at once.
    """

    def __init__(self, *, ratio: float = 0.2, reserve: float = 10.0) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._balance = reserve
        self._lock = Lock()

    @property
    def balance(self) -> float:
        return self._balance

    def deposit(self) -> None:
        """Count a first attempt."""
        with self._lock:
            self._balance = min(self._reserve, self._balance + self._ratio)

    def withdraw(self) -> bool:
        """Take leave for one retry; False when the purse is empty."""
        with self._lock:
            if self._balance < 1:
                return False
            self._balance -= 1
            return True


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, when and how long after a failure a call is repeated. Times are seconds.

    `uniform` draws the jitter; tests pass their own.
    """

    attempts: int = 3
    base: float = 0.05
    ceiling: float = 1.0
    budget: RetryBudget = field(default_factory=RetryBudget)
    uniform: Callable[[float, float], float] = random.uniform

    def allows(self, attempt: int, *, idempotent: bool, status: int | None = None) -> bool:
        """Whether to repeat after attempt `attempt` (from 1); `status` is None when there was no answer."""
        if not idempotent or attempt >= self.attempts:
            return False
        if status is not None and status not in RETRYABLE_STATUSES:
            return False
        return self.budget.withdraw()

    def pause(self, attempt: int) -> float:
        """Seconds to wait after attempt `attempt`: uniform over [0, base × 2^(attempt − 1)], capped."""
        return self.uniform(0.0, min(self.ceiling, self.base * 2 ** (attempt - 1)))
