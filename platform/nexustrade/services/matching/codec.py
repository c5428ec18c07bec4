"""Between the wire's types and the engine's integers, and between stored text and open orders."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import Final

from services.matching.commands import (
    CLOSED,
    HALTED,
    OPEN,
    Cancel,
    Command,
    Refuse,
    Replace,
    SetStatus,
    Submit,
)
from services.matching.executions import MARKET_CLOSED
from services.matching.orders import BUY, SELL, RestingOrder, StopOrder
from shared.errors import ValidationFailed
from shared.events.types import CancelOrder, Event, ReplaceOrder, SetTradingStatus, SubmitOrder
from shared.money import Price, Quantity
from shared.sessions import CALENDARS, Continuous, calendar_named

# The engine counts in billionths: fine enough for every instrument, and still exact in integers.
TICK: Final = Decimal("0.000000001")
LOT: Final = Decimal("0.000000001")

SIDES: Final = {"buy": BUY, "sell": SELL}
SIDE_NAMES: Final = {BUY: "buy", SELL: "sell"}
MARKET_TYPES: Final = frozenset({"market", "stop"})
STOP_TYPES: Final = frozenset({"stop", "stop_limit"})
STOP_FIELDS: Final = 9
STATUSES: Final = frozenset({OPEN, HALTED, CLOSED})


def to_ticks(price: Price) -> int:
    """A price in the engine's ticks; InvalidAmount when it lies between two."""
    return price.ticks(TICK)


# The same few prices and quantities come up again and again in the top of a book.
@lru_cache(maxsize=4096)
def to_price(ticks: int) -> Price:
    return Price(Price.from_ticks(ticks, TICK).amount.normalize())


@lru_cache(maxsize=4096)
def to_quantity(lots: int) -> Quantity:
    return Quantity(Quantity.from_lots(lots, LOT).amount.normalize())


def to_command(event: Event) -> Command:
    """The engine's command; ValidationFailed for an event that is none, or an impossible one."""
    match event:
        case SubmitOrder():
            return to_order(event)
        case CancelOrder():
            return to_cancel(event)
        case ReplaceOrder():
            return to_replace(event)
        case SetTradingStatus(status=status) if status in STATUSES:
            return SetStatus(status)
    raise ValidationFailed(f"{type(event).__name__} is no command of matching", field="event_type")


def to_order(event: SubmitOrder) -> Submit | Refuse:
    """The new order, or its refusal when it was submitted outside its calendar's session."""
    calendar = calendar_named(event.calendar or Continuous.name)
    if not calendar.is_open(event.submitted_at):
        return Refuse(event.order_id, event.account_id, event.quantity.lots(LOT), MARKET_CLOSED)
    return to_submit(event)


def to_submit(event: SubmitOrder) -> Submit:
    """The engine's order; ValidationFailed for one without the price that its type needs.

    What is no limit order carries no limit, and what is no stop order no stop price, even when the event has
    one. A day order lives until the end of its calendar's session on the trading date of its submission.
    """
    calendar = calendar_named(event.calendar or Continuous.name)
    return Submit(
        order_id=event.order_id,
        account_id=event.account_id,
        side=SIDES[event.side],
        quantity=event.quantity.lots(LOT),
        price=None if event.order_type in MARKET_TYPES else to_ticks(_needed(event, "price")),
        time_in_force=event.time_in_force,
        session=calendar.trading_date(event.submitted_at).toordinal(),
        stop_price=to_ticks(_needed(event, "stop_price")) if event.order_type in STOP_TYPES else None,
        calendar=calendar.name,
    )


def to_cancel(event: CancelOrder) -> Cancel:
    return Cancel(event.order_id)


def to_replace(event: ReplaceOrder) -> Replace:
    closed = (name for name in CALENDARS if not calendar_named(name).is_open(event.requested_at))
    price = None if event.price is None else to_ticks(event.price)
    return Replace(event.order_id, event.quantity.lots(LOT), price, tuple(closed))


def _needed(event: SubmitOrder, field: str) -> Price:
    price = getattr(event, field)
    if price is None:
        kind = event.order_type.replace("_", "-")
        raise ValidationFailed(f"a {kind} order needs a {field}", field=field, order_id=event.order_id)
    return price


def encode_order(order: RestingOrder) -> bytes:
    """The stored form of a resting or waiting order; its id is the key that it is stored under."""
    fields = [
        order.account_id,
        order.side,
        order.price,
        order.remaining,
        order.time_in_force,
        order.session,
        order.arrival,
        order.calendar,
    ]
    if isinstance(order, StopOrder):
        fields.append(order.limit)
    return json.dumps(fields, separators=(",", ":")).encode()


def decode_order(order_id: str, data: bytes) -> RestingOrder:
    """The order that `encode_order` stored; ValueError or TypeError on anything else.

    Orders that were stored before there were calendars have seven fields; a waiting order has one more than
    a resting one.
    """
    *fields, last = json.loads(data)
    if len(fields) == STOP_FIELDS - 1:
        return StopOrder(order_id, *fields, limit=last)
    return RestingOrder(order_id, *fields, last)
