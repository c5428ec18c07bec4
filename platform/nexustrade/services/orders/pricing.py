"""What an order may ask for: side, type, and prices and a quantity on the instrument's grid."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.errors import ValidationFailed
from shared.money import Price, Quantity

SIDES = ("buy", "sell")
ORDER_TYPES = ("market", "limit", "stop", "stop_limit")
LIMITED = ("limit", "stop_limit")
STOPPED = ("stop", "stop_limit")
TIMES_IN_FORCE = ("day", "gtc", "ioc", "fok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The steps in which an instrument is priced (`tick_size`) and traded (`lot_size`)."""

    tick_size: Decimal
    lot_size: Decimal


def checked_price(*, order_type: str, price: Decimal | None, grid: Grid) -> Price | None:
    """Returns the limit price, None for the types that have none.

    ValidationFailed when a limit order has no positive price on the grid, or another type has one.
    """
    return _on_grid("price", price, order_type, LIMITED, grid)


def checked_stop_price(*, order_type: str, stop_price: Decimal | None, grid: Grid) -> Price | None:
    """Returns the price that activates a stop order, None for the types that have none.

    ValidationFailed when a stop order has no positive one on the grid, or another type has one.
    """
    return _on_grid("stop_price", stop_price, order_type, STOPPED, grid)


def checked_quantity(*, quantity: Decimal, grid: Grid) -> Quantity:
    """Returns the quantity; ValidationFailed unless it is above zero and a multiple of the lot."""
    if quantity <= 0:
        raise ValidationFailed("quantity must be above zero", field="quantity")
    try:
        return Quantity.of(quantity, grid.lot_size)
    except ValidationFailed as error:
        raise ValidationFailed(f"quantity must be a multiple of {grid.lot_size}", field="quantity") from error


def _on_grid(
    field: str, price: Decimal | None, order_type: str, types: tuple[str, ...], grid: Grid
) -> Price | None:
    if order_type not in types:
        if price is not None:
            raise ValidationFailed(f"a {order_type} order carries no {field}", field=field)
        return None
    if price is None or price <= 0:
        raise ValidationFailed(f"a {order_type} order needs a {field} above zero", field=field)
    try:
        return Price.of(price, grid.tick_size)
    except ValidationFailed as error:
        raise ValidationFailed(f"{field} must be a multiple of {grid.tick_size}", field=field) from error
