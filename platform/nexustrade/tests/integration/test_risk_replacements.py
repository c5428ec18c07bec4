"""What an order that is replaced holds of its account's limit."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
from support.risk_desk import RiskDesk, set_limit
from support.trades import publish
from support.wait import until

from shared import clock
from shared.events.envelope import envelope_for
from shared.events.types import OrderReplaced
from shared.money import Price, Quantity

pytestmark = pytest.mark.services("risk")


@pytest.fixture
def desk(platform) -> Iterator[RiskDesk]:
    with RiskDesk(platform) as desk:
        yield desk


@pytest.fixture
def order(market, desk) -> tuple[str, str]:
    """An account with a limit of 5,000 and its order for 100 shares at 20.00."""
    account_id, order_id = str(uuid.uuid4()), str(uuid.uuid4())
    set_limit(market, account_id, "5000")
    assert desk.reserve(account_id, price="20.00", order_id=order_id).status_code == 201
    return account_id, order_id


def replaced(platform, account_id: str, order_id: str, quantity: str, price: str) -> None:
    """Matching tells that the order was replaced; the symbol is one of the test's own."""
    event = OrderReplaced(
        order_id=order_id,
        account_id=account_id,
        symbol=f"Z{order_id[:7].upper()}",
        quantity=Quantity(quantity),
        price=Price(price),
        replaced_at=clock.now(),
    )
    publish(platform, envelope_for(event, producer="matching", aggregate_id=event.symbol, epoch=1))


def becomes(desk: RiskDesk, account_id: str, used: str) -> None:
    until(lambda: desk.used(account_id) == Decimal(used), message=f"{used} are in use")


def test_what_grows_is_held_before_the_order_is_replaced(desk, order) -> None:
    """Twice the quantity holds twice as much, once however often it is asked for."""
    account_id, order_id = order
    for _ in range(2):
        response = desk.replace(order_id, "200", "20.00")
        assert (response.status_code, response.json()["reserved"]) == (200, "4000")
    assert desk.used(account_id) == 4000


def test_what_does_not_fit_is_refused_and_the_order_keeps_its_hold(desk, order) -> None:
    """A replacement beyond the limit changes nothing."""
    account_id, order_id = order
    response = desk.replace(order_id, "100", "50.01")
    assert response.status_code == 409
    assert response.json()["type"].endswith("/limit-exceeded")
    assert desk.used(account_id) == 2000
    assert desk.replace(order_id, "100", "50.00").status_code == 200


def test_what_shrinks_is_held_until_the_order_was_replaced(platform, desk, order) -> None:
    """A smaller order gives back when matching says so, not when it is asked for."""
    account_id, order_id = order
    assert desk.replace(order_id, "50", "20.00").status_code == 200
    assert desk.used(account_id) == 2000
    replaced(platform, account_id, order_id, "50", "20.00")
    becomes(desk, account_id, "1000")


def test_the_raised_hold_is_that_of_the_replaced_order(platform, desk, order) -> None:
    """Once it was replaced, the order holds what it is worth, and a release gives all of it back."""
    account_id, order_id = order
    assert desk.replace(order_id, "200", "20.00").status_code == 200
    replaced(platform, account_id, order_id, "150", "20.00")
    becomes(desk, account_id, "3000")
    assert desk.release(order_id).status_code == 204
    assert desk.used(account_id) == 0


def test_a_replacement_that_comes_to_nothing_gives_back_what_it_raised(desk, order) -> None:
    """Asked for the old terms again, or released, the order holds no more than before."""
    account_id, order_id = order
    assert desk.replace(order_id, "200", "20.00").status_code == 200
    assert desk.replace(order_id, "100", "20.00").status_code == 200
    assert desk.used(account_id) == 2000
    assert desk.replace(order_id, "200", "20.00").status_code == 200
    assert desk.release(order_id).status_code == 204
    assert desk.used(account_id) == 0


def test_an_order_that_holds_nothing_cannot_be_replaced(desk, order) -> None:
    """A released order is a conflict, one that was never reserved is not found."""
    _, order_id = order
    assert desk.release(order_id).status_code == 204
    assert desk.replace(order_id, "200", "20.00").status_code == 409
    assert desk.replace(str(uuid.uuid4()), "200", "20.00").status_code == 404
