"""The time of a caller, on every hop of what he asked for."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from support.client import expect

pytestmark = pytest.mark.services("gateway", "orders", "risk", "users", "settlement")

SECONDS = 21.0  # less than the gateway gives by itself, and enough for a busy machine


def deadlines(platform: Any, answer: httpx.Response) -> dict[str, float]:
    """By when each call of a request had to be answered: calling and called service → Unix seconds."""
    spans = platform.traces(answer.headers["x-trace-id"])
    calls = [each for each in spans if "deadline" in each["attributes"]]
    return {
        f"{each['service']}->{each['attributes']['target']}": each["attributes"]["deadline"] for each in calls
    }


@pytest.fixture
def due() -> tuple[float, dict[str, str]]:
    """A moment, and the header that asks for an answer until then."""
    moment = round(time.time() + SECONDS, 3)
    return moment, {"X-Request-Deadline": f"{moment:.3f}"}


def test_an_order_is_decided_within_the_time_of_its_client(
    platform: Any, new_trader: Any, new_symbol: Any, due: Any
) -> None:
    """Gateway, orders and risk all work on an order against the moment that its client named, or earlier."""
    moment, header = due
    trader = new_trader()
    body = trader.order_body(new_symbol(), "buy", "1", "10.00")
    answer = trader.client.post(
        "/v1/orders", json=body, headers={"Idempotency-Key": trader.account_id, **header}
    )
    expect(answer, 201)
    found = deadlines(platform, answer)
    assert {"gateway->orders", "orders->risk"} <= set(found)
    assert all(at <= moment + 0.001 for at in found.values()), found


def test_a_read_across_three_services_has_one_deadline(platform: Any, new_trader: Any, due: Any) -> None:
    """What risk asks users on behalf of a client has to be there when the client needs it."""
    moment, header = due
    trader = new_trader()
    answer = trader.client.get(f"/v1/risk/limits/{trader.account_id}", headers=header)
    expect(answer, 200)
    found = deadlines(platform, answer)
    assert "gateway->risk" in found
    assert all(at <= moment + 0.001 for at in found.values()), found


def test_every_call_of_a_request_is_bounded(platform: Any, new_trader: Any) -> None:
    """A client who names no moment gets the gateway's, and no hop behind it allows itself more."""
    trader = new_trader()
    before = time.time()
    answer = trader.client.get(f"/v1/risk/limits/{trader.account_id}")
    expect(answer, 200)
    limit = float(platform.environment("gateway").get("NEXUS__GATEWAY__DEADLINE_SECONDS", "5"))
    found = deadlines(platform, answer)
    assert before < found["gateway->risk"] <= time.time() + limit
    assert all(at <= found["gateway->risk"] + 0.001 for at in found.values()), found
