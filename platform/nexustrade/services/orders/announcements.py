"""What orders tells the others, committed together with what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.orders.models import OutboxMessage
from shared.django.outbox import enqueue_all
from shared.events import envelope_for, route
from shared.events.types import OrderAccepted, OrderRejected, ReplaceOrder, SubmitOrder
from shared.money import Price, Quantity, plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from decimal import Decimal

    from services.orders.models import Order
    from shared.events.types import Event


def announce(aggregate_id: str, *events: Event) -> None:
    """Puts events about an order or an instrument into the outbox of the current transaction."""
    announce_all((aggregate_id, event) for event in events)


def announce_all(events: Iterable[tuple[str, Event]]) -> None:
    """`announce` for events about several orders, in one statement."""
    enqueue_all(
        OutboxMessage,
        [
            (*route(event), envelope_for(event, producer="orders", aggregate_id=aggregate_id))
            for aggregate_id, event in events
        ],
    )


def acceptance(order: Order, *, calendar: str, now: datetime) -> tuple[SubmitOrder, OrderAccepted]:
    """The command to matching and the fact for everybody, of an order that is accepted."""
    common = {
        "order_id": order.order_id,
        "account_id": order.account_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "price": _price(order.price),
        "quantity": Quantity(plain(order.quantity)),
    }
    submit = SubmitOrder(
        **common,
        time_in_force=order.time_in_force,
        stop_price=_price(order.stop_price),
        calendar=calendar,
        submitted_at=now,
    )
    return submit, OrderAccepted(**common, accepted_at=now)


def rejection(order: Order, *, now: datetime) -> OrderRejected:
    """The fact that an order is rejected."""
    return OrderRejected(
        order_id=order.order_id,
        account_id=order.account_id,
        symbol=order.symbol,
        reason=order.reason or "",
        rejected_at=now,
    )


def replacement(order: Order, *, quantity: Decimal, price: Decimal | None, now: datetime) -> ReplaceOrder:
    """The command that makes what is open of an order `quantity`, at `price`."""
    return ReplaceOrder(
        order_id=order.order_id,
        account_id=order.account_id,
        symbol=order.symbol,
        quantity=Quantity(plain(quantity)),
        price=_price(price),
        requested_at=now,
    )


def _price(price: Decimal | None) -> Price | None:
    return None if price is None else Price(plain(price))
