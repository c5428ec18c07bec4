"""The rules for an order's price and quantity."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.orders.pricing import Grid, checked_price, checked_quantity, checked_stop_price
from shared.errors import ValidationFailed

pytestmark = pytest.mark.services("orders")

GRID = Grid(tick_size=Decimal("0.05"), lot_size=Decimal(10))


@pytest.mark.parametrize("price", ["10.01", "0", "-0.05", "0.049999"])
def test_a_limit_price_off_the_grid_is_refused(price: str) -> None:
    """A limit price is positive and a multiple of the tick; the error names the field."""
    with pytest.raises(ValidationFailed) as refused:
        checked_price(order_type="limit", price=Decimal(price), grid=GRID)
    assert refused.value.field == "price"


def test_a_limit_price_on_the_grid_is_kept_exactly() -> None:
    """A price on the grid comes back with the value that was sent."""
    price = checked_price(order_type="limit", price=Decimal("10.15"), grid=GRID)
    assert price is not None
    assert price.amount == Decimal("10.15")
    assert price.ticks(GRID.tick_size) == 203


def test_market_orders_have_no_price_and_limit_orders_do() -> None:
    """A price with a market order, and a limit order without one, are refused."""
    assert checked_price(order_type="market", price=None, grid=GRID) is None
    with pytest.raises(ValidationFailed):
        checked_price(order_type="market", price=Decimal(10), grid=GRID)
    with pytest.raises(ValidationFailed):
        checked_price(order_type="limit", price=None, grid=GRID)


@pytest.mark.parametrize("quantity", ["0", "-10", "15", "10.5"])
def test_a_quantity_off_the_lot_is_refused(quantity: str) -> None:
    """A quantity is positive and a multiple of the lot; the error names the field."""
    with pytest.raises(ValidationFailed) as refused:
        checked_quantity(quantity=Decimal(quantity), grid=GRID)
    assert refused.value.field == "quantity"


@pytest.mark.parametrize("kind", ["stop", "stop_limit"])
@pytest.mark.parametrize("stop_price", [None, "0", "-10", "10.01"])
def test_a_stop_order_needs_a_stop_price_on_the_grid(kind: str, stop_price: str | None) -> None:
    """A missing, negative or uneven stop price is refused; the error names the field."""
    with pytest.raises(ValidationFailed) as refused:
        checked_stop_price(order_type=kind, stop_price=stop_price and Decimal(stop_price), grid=GRID)
    assert refused.value.field == "stop_price"


@pytest.mark.parametrize(
    ("kind", "price", "stop_price"),
    [("market", None, None), ("limit", "10", None), ("stop", None, "10"), ("stop_limit", "10.05", "10")],
)
def test_each_type_has_the_prices_of_its_name(kind: str, price: str | None, stop_price: str | None) -> None:
    """Limit types have a limit price, stop types a stop price, and no type has any other."""
    given = {"price": price, "stop_price": stop_price}
    checks = {"price": checked_price, "stop_price": checked_stop_price}
    for field, check in checks.items():
        value = given[field]
        found = check(order_type=kind, grid=GRID, **{field: value and Decimal(value)})
        assert (found and found.amount) == (value and Decimal(value))
        other = None if value else Decimal(10)
        with pytest.raises(ValidationFailed):
            check(order_type=kind, grid=GRID, **{field: other})
