from __future__ import annotations

import pytest
from support.clocks import Stopwatch

from shared.clients.breaker import BreakerConfig, CircuitBreaker, CircuitOpen, State

pytestmark = pytest.mark.services("gateway", "orders")

CONFIG = BreakerConfig(window=10.0, minimum_calls=4, failure_ratio=0.5, recovery=2.0, trial_calls=2)


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def breaker(clock: Stopwatch) -> CircuitBreaker:
    return CircuitBreaker("risk", CONFIG, clock=clock)


def call(breaker: CircuitBreaker, *, ok: bool) -> None:
    breaker.before_call()
    breaker.succeeded() if ok else breaker.failed()


def opened(breaker: CircuitBreaker) -> CircuitBreaker:
    for _ in range(CONFIG.minimum_calls):
        call(breaker, ok=False)
    return breaker


def test_breaker_opens_when_half_of_the_calls_fail(breaker: CircuitBreaker) -> None:
    """Enough failures among enough calls stop all further calls."""
    for ok in (True, False, True, False):
        call(breaker, ok=ok)
    assert breaker.state is State.OPEN
    with pytest.raises(CircuitOpen) as refusal:
        breaker.before_call()
    assert refusal.value.fields["retry_after"] == CONFIG.recovery


def test_breaker_opens_under_heavy_traffic(breaker: CircuitBreaker) -> None:
    """However many calls there were, a dependency that begins to fail is found out."""
    for _ in range(50):
        call(breaker, ok=True)
    for _ in range(50):
        call(breaker, ok=False)
    assert breaker.state is State.OPEN


def test_breaker_lets_a_dead_dependency_be_called_as_often_as_a_verdict_needs(
    breaker: CircuitBreaker,
) -> None:
    """Of a thousand calls to a dead dependency, four get through."""
    granted = 0
    for _ in range(1000):
        try:
            breaker.before_call()
        except CircuitOpen:
            continue
        granted += 1
        breaker.failed()
    assert granted == CONFIG.minimum_calls


def test_breaker_begins_afresh_once_it_has_closed(breaker: CircuitBreaker, clock: Stopwatch) -> None:
    """Failures from before an outage do not count against a dependency that is back."""
    opened(breaker)
    clock.time += CONFIG.recovery
    for _ in range(CONFIG.trial_calls):
        call(breaker, ok=True)
    for _ in range(CONFIG.minimum_calls - 1):
        call(breaker, ok=False)
    assert breaker.state is State.CLOSED


def test_breaker_stays_closed_below_the_minimum_of_calls(breaker: CircuitBreaker) -> None:
    """A few failures of a quiet dependency are no verdict."""
    for _ in range(CONFIG.minimum_calls - 1):
        call(breaker, ok=False)
    assert breaker.state is State.CLOSED


def test_breaker_stays_closed_while_most_calls_succeed(breaker: CircuitBreaker) -> None:
    """A success does not wipe out failures, nor do rare failures open the breaker."""
    for ok in (True, True, False) * 5:
        call(breaker, ok=ok)
    assert breaker.state is State.CLOSED


def test_breaker_counts_failures_between_which_calls_succeed(breaker: CircuitBreaker) -> None:
    """Failures need not come one after the other to open the breaker."""
    for ok in (False, True, False, False):
        call(breaker, ok=ok)
    assert breaker.state is State.OPEN


def test_breaker_forgets_failures_older_than_its_window(breaker: CircuitBreaker, clock: Stopwatch) -> None:
    """Failures spread thinly over time never add up."""
    for _ in range(3 * CONFIG.minimum_calls):
        call(breaker, ok=False)
        clock.time += CONFIG.window / 2
    assert breaker.state is State.CLOSED


def test_breaker_closes_after_successful_trials(breaker: CircuitBreaker, clock: Stopwatch) -> None:
    """After the recovery time, trial calls that succeed let all calls through again."""
    opened(breaker)
    clock.time += CONFIG.recovery
    assert breaker.state is State.HALF_OPEN
    for _ in range(CONFIG.trial_calls):
        call(breaker, ok=True)
    assert breaker.state is State.CLOSED


def test_breaker_reopens_when_a_trial_fails(breaker: CircuitBreaker, clock: Stopwatch) -> None:
    """One failed trial starts the recovery time afresh."""
    opened(breaker)
    clock.time += CONFIG.recovery
    call(breaker, ok=False)
    assert breaker.state is State.OPEN
    clock.time += CONFIG.recovery * 0.9
    assert breaker.state is State.OPEN


def test_breaker_lets_only_the_trial_calls_through_while_half_open(
    breaker: CircuitBreaker, clock: Stopwatch
) -> None:
    """A dependency that may still be ill is not met by everyone at once."""
    opened(breaker)
    clock.time += CONFIG.recovery
    for _ in range(CONFIG.trial_calls):
        breaker.before_call()
    with pytest.raises(CircuitOpen):
        breaker.before_call()


def test_breaker_gives_an_abandoned_trial_to_another_caller(
    breaker: CircuitBreaker, clock: Stopwatch
) -> None:
    """A trial whose caller gave up does not keep the breaker half-open for ever."""
    opened(breaker)
    clock.time += CONFIG.recovery
    for _ in range(CONFIG.trial_calls):
        breaker.before_call()
    breaker.abandoned()
    breaker.before_call()
