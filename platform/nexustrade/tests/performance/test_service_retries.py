"""How many calls a failure costs."""

from __future__ import annotations

from functools import partial

import pytest
from support.burst import all_at_once
from support.calls import client_of, never_open, served
from support.stand_in import Asked, Reply, StandIn

from shared.clients import RetryPolicy

pytestmark = pytest.mark.services("gateway", "orders", "risk")

CALLS = 8


def test_calls_to_a_failing_service_are_repeated_within_a_budget() -> None:
    """When every one of 200 calls fails, the retries are a fifth of them and a reserve of ten."""
    options = {"breaker": never_open("risk"), "retry": RetryPolicy(base=0.0, attempts=2)}
    with StandIn.answering("risk", 503) as risk, client_of("risk", risk.instance, **options) as client:
        for _ in range(200):
            assert client.request("GET", "/v1/limits").status_code == 503
        assert len(risk.asked) <= 200 + 200 / 5 + 10


def test_a_failure_two_hops_away_does_not_multiply() -> None:
    """Eight calls whose last hop fails cost no more than five calls each on that hop."""
    with (
        StandIn.answering("users", 503) as users,
        StandIn("risk") as risk,
        client_of("users", users.instance, breaker=never_open("users")) as last,
        client_of("risk", risk.instance, breaker=never_open("risk")) as first,
    ):

        def pass_on(asked: Asked) -> Reply:
            return Reply(last.request("GET", asked.path).status_code)

        risk.reply = pass_on
        answers = all_at_once([partial(first.request, "GET", "/v1/accounts")] * CALLS)
        assert [answer.status_code for answer in answers] == [503] * CALLS
        assert CALLS <= len(users.asked) <= 5 * CALLS


def test_a_service_that_asks_for_time_is_not_called_again() -> None:
    """An answer with Retry-After reaches its caller after a single call."""
    with (
        StandIn.answering("risk", 503, Retry_After="2") as risk,
        client_of("risk", risk.instance) as client,
    ):
        assert client.request("GET", "/v1/limits").headers["retry-after"] == "2"
        assert len(risk.asked) == 1


def test_clients_that_failed_together_come_back_apart() -> None:
    """Of a hundred pauses hardly two are equal, and they spread over the whole of their range."""
    policy = RetryPolicy(base=0.1)
    pauses = [policy.pause(2) for _ in range(100)]
    assert len(set(pauses)) > 90
    assert min(pauses) < 0.05
    assert max(pauses) > 0.15
    assert max(pauses) <= 0.2


def test_a_refused_order_costs_risk_one_call(platform, new_trader, new_symbol) -> None:
    """An order that does not fit is put to risk once: asking again would not make it fit."""
    trader, symbol = new_trader(limit="1000"), new_symbol()
    answer = trader.submit(symbol, "buy", "100", "100.00")
    assert answer.status_code == 409
    assert [each["attributes"]["http.status_code"] for each in served(platform, answer, "risk")] == [409]
    assert len(served(platform, answer, "orders")) == 1
