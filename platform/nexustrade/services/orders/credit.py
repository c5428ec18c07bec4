"""How long an order may wait for the answer of its credit check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from shared.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditCheckPolicy:
    """A check gets `timeout`; without an answer it is repeated after `retry_after`.

    An order expires when `attempts` checks gave no answer, or when it is older than `max_age`.
    """

    timeout: timedelta = timedelta(seconds=4)
    retry_after: timedelta = timedelta(seconds=10)
    attempts: int = 90
    max_age: timedelta = timedelta(minutes=15)

    @classmethod
    def from_config(cls, config: Config) -> CreditCheckPolicy:
        """The policy of the section orders.credit_check."""
        section = "orders.credit_check"
        return cls(
            timeout=timedelta(seconds=config.get(f"{section}.timeout_seconds", float)),
            retry_after=timedelta(seconds=config.get(f"{section}.retry_seconds", float)),
            attempts=config.get(f"{section}.attempts", int),
            max_age=timedelta(seconds=config.get(f"{section}.max_age_seconds", float)),
        )

    def due_at(self, moment: datetime) -> datetime:
        """When an order that was written down or checked at `moment` is checked again."""
        return moment + self.retry_after

    def is_spent(self, *, checks: int, age: timedelta) -> bool:
        """Whether an order after so many checks without an answer, and so old, is given up."""
        return checks >= self.attempts or age > self.max_age
