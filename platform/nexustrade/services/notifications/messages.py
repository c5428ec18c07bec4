"""What account holders are told about events."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from shared.events.types import OrderClosed, OrderFilled, OrderRejected, TradeSettled
from shared.money import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.events import EventEnvelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one account; `created_at` is the moment of the event, ISO 8601 in UTC."""

    notification_id: str
    account_id: str
    kind: str
    title: str
    body: str
    order_id: str | None
    created_at: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Notification:
        return cls(**fields)


NOTIFIED: Final = (OrderFilled, OrderRejected, OrderClosed, TradeSettled)

CLOSED_TITLES: Final = {
    "filled": "Order completed",
    "cancelled": "Order cancelled",
    "expired": "Order expired",
}


def notifications_of(envelope: EventEnvelope) -> list[Notification]:
    """The notifications that an event gives rise to; the same event always gives the same ids."""
    match envelope.payload:
        case OrderFilled() as event:
            price, quantity = plain(event.price.amount), plain(event.quantity.amount)
            left = plain(event.remaining_quantity.amount)
            title = "Order filled" if not event.remaining_quantity else "Order partially filled"
            body = f"{quantity} {event.symbol} at {price}, {left} left"
            return [_about_order(envelope, event, "order_filled", title, body)]
        case OrderRejected() as event:
            body = f"{event.symbol}: {event.reason}"
            return [_about_order(envelope, event, "order_rejected", "Order rejected", body)]
        case OrderClosed() as event:
            title = CLOSED_TITLES.get(event.status, "Order closed")
            return [_about_order(envelope, event, "order_closed", title, f"{event.symbol}: {event.status}")]
        case TradeSettled() as event:
            return _about_settlement(envelope, event)
    return []


def _about_order(
    envelope: EventEnvelope,
    event: OrderFilled | OrderRejected | OrderClosed,
    kind: str,
    title: str,
    body: str,
) -> Notification:
    return _notification(envelope, event.account_id, kind, title, body, order_id=event.order_id)


def _about_settlement(envelope: EventEnvelope, event: TradeSettled) -> list[Notification]:
    quantity, cash = plain(event.quantity.amount), f"{plain(event.cash.amount)} {event.cash.currency}"
    bodies = {
        event.buy_account_id: f"{quantity} {event.symbol} received for {cash}",
        event.sell_account_id: f"{quantity} {event.symbol} delivered for {cash}",
    }
    return [
        _notification(envelope, account_id, "trade_settled", "Trade settled", body)
        for account_id, body in bodies.items()
    ]


def _notification(
    envelope: EventEnvelope, account_id: str, kind: str, title: str, body: str, order_id: str | None = None
) -> Notification:
    return Notification(
        notification_id=str(uuid5(NAMESPACE_URL, f"{envelope.event_id}/{account_id}")),
        account_id=account_id,
        kind=kind,
        title=title,
        body=body,
        order_id=order_id,
        created_at=envelope.occurred_at.isoformat(),
    )
