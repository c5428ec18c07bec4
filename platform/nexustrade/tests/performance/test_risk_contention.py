"""What it costs when many orders meet at one limit."""

from __future__ import annotations

import statistics
import time
import uuid

import pytest
from support.burst import all_at_once, in_flight
from support.race import held_row
from support.risk_desk import RiskDesk, set_limit, statuses

pytestmark = pytest.mark.services("risk")

AT_ONCE = 12
ROUNDS = 5


def burst_seconds(desk: RiskDesk, accounts: list[str]) -> float:
    """How long one reservation for each of `accounts` takes, all sent together."""
    begin = time.perf_counter()
    responses = all_at_once(
        [lambda account=account: desk.reserve(account, price="0.01") for account in accounts]
    )
    assert statuses(responses) == {201: len(accounts)}
    return time.perf_counter() - begin


def test_one_busy_account_is_not_much_slower_than_many_idle_ones(platform, market) -> None:
    """Orders for one account queue at its row, and the queue moves about as fast as no queue at all."""
    one, many = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(AT_ONCE)]
    for account_id in (one, *many):
        set_limit(market, account_id, "1000000")
    with RiskDesk(platform) as desk:
        burst_seconds(desk, many)
        rounds = [(burst_seconds(desk, many), burst_seconds(desk, [one] * AT_ONCE)) for _ in range(ROUNDS)]
    # In turns, so that whatever else keeps the machine busy slows both; medians forget a single jolt.
    apart, together = (statistics.median(times) for times in zip(*rounds, strict=True))
    assert together <= 5 * apart


def convoy_seconds(platform, market, desk: RiskDesk) -> float:
    """How long twelve orders of a new account take that piled up behind its held row."""
    busy = str(uuid.uuid4())
    set_limit(market, busy, "700")
    calls = [lambda: desk.reserve(busy, price="1.00")] * AT_ONCE
    with held_row(platform, busy) as row, in_flight(calls) as answers:
        row.release_when_settled(AT_ONCE)
        released = time.perf_counter()
    drained = time.perf_counter() - released
    assert statuses(future.result() for future in answers) == {201: 7, 409: 5}
    assert desk.used(busy) == 700
    return drained


def one_by_one_seconds(desk, account_id: str) -> float:
    begin = time.perf_counter()
    assert statuses(desk.reserve(account_id, price="1.00") for _ in range(AT_ONCE)) == {201: AT_ONCE}
    return time.perf_counter() - begin


def test_a_convoy_drains_without_letting_anybody_past_the_limit(platform, market) -> None:
    """Twelve orders that piled up at a limit are soon answered, and as many get through as fit."""
    idle = str(uuid.uuid4())
    set_limit(market, idle, "1000000")
    with RiskDesk(platform) as desk:
        before = one_by_one_seconds(desk, idle)
        drained = [convoy_seconds(platform, market, desk) for _ in range(3)]
        one_by_one = max(before, one_by_one_seconds(desk, idle))
    # A queue that is slow by itself is slow each time; a machine that is busy elsewhere is not.
    assert min(drained) <= 8 * one_by_one
