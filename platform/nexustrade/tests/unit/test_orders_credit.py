"""How long orders wait for their credit check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.orders.credit import CreditCheckPolicy
from shared.config import load_config

pytestmark = pytest.mark.services("orders")

POLICY = CreditCheckPolicy(retry_after=timedelta(seconds=10), attempts=3, max_age=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("checks", "age", "spent"),
    [(0, 0, False), (2, 60, False), (3, 0, True), (4, 0, True), (0, 60.001, True)],
)
def test_an_order_is_given_up_after_its_last_check_or_its_age(checks: int, age: float, spent: bool) -> None:
    """The last check allowed is the third, and the oldest age allowed is a minute."""
    assert POLICY.is_spent(checks=checks, age=timedelta(seconds=age)) is spent


def test_a_check_is_due_again_after_the_interval() -> None:
    """Ten seconds after a check without an answer comes the next."""
    moment = datetime(2026, 11, 1, 5, 59, 55, tzinfo=UTC)
    assert POLICY.due_at(moment) == datetime(2026, 11, 1, 6, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("environment", ["production", "simulation", "test", "development"])
def test_every_environment_bounds_the_wait(environment: str) -> None:
    """Wherever it runs, a check ends before the caller's deadline, is repeated, and not for ever."""
    config = load_config(environment)
    policy = CreditCheckPolicy.from_config(config)
    deadline = timedelta(seconds=config.get("gateway.deadline_seconds", float))
    assert timedelta(0) < policy.timeout < deadline
    assert policy.attempts > 1
    assert policy.retry_after < policy.max_age < timedelta(days=1)
