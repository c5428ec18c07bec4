"""Reserving and releasing exposure at the risk service itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
from support.burst import in_flight
from support.race import held_row
from support.risk_desk import RiskDesk, set_limit, statuses

pytestmark = pytest.mark.services("risk")


@pytest.fixture
def desk(platform) -> Iterator[RiskDesk]:
    with RiskDesk(platform) as desk:
        yield desk


@pytest.fixture
def account_id(market) -> str:
    """An account that only risk knows, with a limit of 10,000."""
    account_id = str(uuid.uuid4())
    set_limit(market, account_id, "10000")
    return account_id


def test_reservations_at_once_take_no_more_than_the_limit(desk, account_id) -> None:
    """Of eight reservations of 3,000 that meet at the limit's row, three are granted."""
    responses = desk.reserve_together(account_id, count=8, price="30.00")
    assert statuses(responses) == {201: 3, 409: 5}
    assert desk.used(account_id) == 9000


def test_each_grant_reports_what_those_before_it_took(desk, account_id) -> None:
    """The figures of concurrent grants are the steps of one sequence: nobody saw the same exposure twice."""
    responses = desk.reserve_together(account_id, count=4, price="25.00")
    assert statuses(responses) == {201: 4}
    used = sorted(Decimal(response.json()["used"]) for response in responses)
    assert used == [2500, 5000, 7500, 10000]


def test_one_order_reserves_once_however_often_it_is_sent(platform, desk, account_id) -> None:
    """The same order sent four times at once gets one reservation and four equal answers."""
    order_id = str(uuid.uuid4())
    with held_row(platform, account_id) as row:
        calls = [lambda: desk.reserve(account_id, price="20.00", order_id=order_id)] * 4
        with in_flight(calls) as futures:
            # The first waits for the limit, the others for the first.
            row.release_when_settled(1)
        responses = [future.result() for future in futures]
    assert [response.status_code for response in responses] == [201] * 4
    assert {response.json()["reserved"] for response in responses} == {"2000"}
    assert desk.used(account_id) == 2000


def test_a_refusal_stands(desk, account_id) -> None:
    """An order that was refused stays refused when it asks again after room has come free."""
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    assert desk.reserve(account_id, price="80.00", order_id=first).status_code == 201
    assert desk.reserve(account_id, price="80.00", order_id=second).status_code == 409
    assert desk.release(first).status_code == 204
    assert desk.reserve(account_id, price="80.00", order_id=second).status_code == 409
    assert desk.used(account_id) == 0


def test_a_release_gives_back_once(desk, account_id) -> None:
    """Releasing an order twice frees its exposure once, and the order cannot reserve again."""
    order_id = str(uuid.uuid4())
    desk.reserve(account_id, price="10.00")
    desk.reserve(account_id, price="30.00", order_id=order_id)
    assert [desk.release(order_id).status_code for _ in range(2)] == [204, 204]
    assert desk.used(account_id) == 1000
    assert desk.reserve(account_id, price="30.00", order_id=order_id).status_code == 409


def test_a_release_that_comes_first_wins(desk, account_id) -> None:
    """A reservation that arrives after its order was released holds nothing."""
    order_id = str(uuid.uuid4())
    assert desk.release(order_id).status_code == 204
    assert desk.reserve(account_id, price="10.00", order_id=order_id).status_code == 409
    assert desk.used(account_id) == 0


def test_the_last_cent_of_a_limit_can_be_used(desk, account_id) -> None:
    """A reservation that brings the exposure to exactly the limit is granted, one cent more is not."""
    assert desk.reserve(account_id, price="100.00").status_code == 201
    assert desk.reserve(account_id, price="0.01", quantity="1").status_code == 409


def test_an_unknown_account_starts_with_the_default_limit(desk) -> None:
    """The first order of an account that risk has not heard of is checked against the configured limit."""
    response = desk.reserve(str(uuid.uuid4()), price="1.00")
    assert response.status_code == 201
    assert Decimal(response.json()["limit"]) > 0
    assert response.json()["used"] == "100"


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", "0"), ("quantity", "-1"), ("price", "NaN"), ("side", "both"), ("price", 10.5)],
)
def test_a_reservation_that_makes_no_sense_is_refused(desk, account_id, field, value) -> None:
    """Nothing is reserved for an order without a sound side, quantity or price, or with a float for one."""
    body = {
        "order_id": str(uuid.uuid4()),
        "account_id": account_id,
        "symbol": "AAPL",
        "side": "buy",
        "quantity": "10",
        "price": "10.00",
        field: value,
    }
    response = desk.request("POST", "/internal/v1/reservations", json=body)
    assert response.status_code == 422
    assert desk.used(account_id) == 0
