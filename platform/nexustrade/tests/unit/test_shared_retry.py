from __future__ import annotations

import pytest

from shared.clients.retry import RetryBudget, RetryPolicy

pytestmark = pytest.mark.services("gateway", "orders")


def test_retry_is_refused_for_calls_that_are_not_idempotent() -> None:
    """A call that may have taken effect is not repeated."""
    assert not RetryPolicy().allows(1, idempotent=False)


@pytest.mark.parametrize(
    ("status", "allowed"), [(429, True), (503, True), (400, False), (409, False), (500, False)]
)
def test_retry_is_made_only_after_statuses_that_may_pass(status: int, allowed: bool) -> None:
    """A refusal of the request itself is not repeated."""
    assert RetryPolicy().allows(1, idempotent=True, status=status) is allowed


@pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 422, 501])
def test_retry_is_not_made_after_an_answer_that_will_not_change(status: int) -> None:
    """Who is refused for good is not asked again."""
    assert not RetryPolicy().allows(1, idempotent=True, status=status)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_of_what_may_have_taken_effect_waits_for_the_caller(status: int) -> None:
    """A call that is not idempotent is left to its caller, whatever was answered."""
    assert not RetryPolicy().allows(1, idempotent=False, status=status)


def test_retry_is_paid_for_by_the_calls_before_it() -> None:
    """An empty purse refuses the retry that a full one grants."""
    policy = RetryPolicy(budget=RetryBudget(ratio=0.5, reserve=1))
    assert policy.allows(1, idempotent=True, status=503)
    assert not policy.allows(1, idempotent=True, status=503)
    for _ in range(2):
        policy.budget.deposit()
    assert policy.allows(1, idempotent=True, status=503)


def test_retry_ends_with_the_last_attempt() -> None:
    """Three attempts are two retries."""
    policy = RetryPolicy(attempts=3)
    assert [policy.allows(attempt, idempotent=True) for attempt in (1, 2, 3)] == [True, True, False]


def test_retry_budget_bounds_the_retries_of_a_failing_dependency() -> None:
    """When every call fails, retries stay a small share of the calls."""
    policy = RetryPolicy(attempts=10, budget=RetryBudget(ratio=0.1, reserve=5))
    retries = 0
    for _ in range(1000):
        policy.budget.deposit()
        attempt = 1
        while policy.allows(attempt, idempotent=True, status=503):
            attempt += 1
            retries += 1
    assert 90 <= retries <= 5 + 100


def test_retry_budget_does_not_save_beyond_its_reserve() -> None:
    """A long quiet time does not buy a storm."""
    budget = RetryBudget(ratio=0.5, reserve=3)
    for _ in range(100):
        budget.deposit()
    assert sum(budget.withdraw() for _ in range(10)) == 3


def test_retry_pause_doubles_up_to_its_ceiling() -> None:
    """The longest pause doubles with each attempt, and is capped."""
    policy = RetryPolicy(base=0.1, ceiling=0.5, uniform=lambda _low, high: high)
    assert [policy.pause(attempt) for attempt in (1, 2, 3, 4, 9)] == [0.1, 0.2, 0.4, 0.5, 0.5]


def test_retry_pause_is_drawn_from_zero_upwards() -> None:
    """Clients that failed together do not come back together."""
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    assert RetryPolicy(base=0.1, uniform=uniform).pause(2) == 0.0
    assert drawn == [(0.0, 0.2)]
