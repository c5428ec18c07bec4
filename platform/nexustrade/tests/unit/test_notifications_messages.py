"""What account holders are told about events."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.notifications.messages import Notification, notifications_of
from services.notifications.services import NotificationService
from shared.events import envelope_for
from shared.events.types import AccountClosed, OrderFilled, OrderRejected, TradeSettled
from shared.money import Money, Price, Quantity

pytestmark = pytest.mark.services("notifications")
MOMENT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


def wrap(payload):
    return envelope_for(payload, producer="orders", aggregate_id="x", event_id="event-1", occurred_at=MOMENT)


def filled(remaining):
    return OrderFilled(
        order_id="o1",
        account_id="a1",
        symbol="ACME",
        trade_id="t1",
        price=Price("10.50"),
        quantity=Quantity("30"),
        filled_quantity=Quantity("30"),
        remaining_quantity=Quantity(remaining),
        filled_at=MOMENT,
    )


def settled(buyer, seller):
    return TradeSettled(
        trade_id="t1",
        symbol="ACME",
        buy_account_id=buyer,
        sell_account_id=seller,
        cash=Money("315"),
        quantity=Quantity("30"),
        settled_at=MOMENT,
    )


@pytest.mark.parametrize(("remaining", "title"), [("0", "Order filled"), ("70", "Order partially filled")])
def test_a_fill_says_how_much_at_which_price(remaining, title):
    """A fill is told with quantity, price and what is left; a partial one is called so."""
    (message,) = notifications_of(wrap(filled(remaining)))
    assert (message.kind, message.title, message.order_id) == ("order_filled", title, "o1")
    assert message.body == f"30 ACME at 10.5, {remaining} left"


def test_a_rejection_gives_its_reason():
    """A rejected order's notification carries the reason."""
    event = OrderRejected(
        order_id="o1", account_id="a1", symbol="ACME", reason="limit exceeded", rejected_at=MOMENT
    )
    assert "limit exceeded" in notifications_of(wrap(event))[0].body


def test_a_settlement_is_told_to_both_sides():
    """Buyer and seller each get a message of their own; an account on both sides gets one."""
    messages = notifications_of(wrap(settled("a1", "a2")))
    assert [(m.account_id, m.body.split()[2]) for m in messages] == [("a1", "received"), ("a2", "delivered")]
    assert len({m.notification_id for m in messages}) == 2
    assert len(notifications_of(wrap(settled("a1", "a1")))) == 1


def test_the_same_event_always_gives_the_same_notification():
    """Ids depend on the event alone, so that a repetition can be recognised."""
    assert notifications_of(wrap(filled("0"))) == notifications_of(wrap(filled("0")))


def test_other_events_are_nobodys_news():
    """An event that concerns no order or settlement gives no notification."""
    assert notifications_of(wrap(AccountClosed(account_id="a1", closed_at=MOMENT))) == []


class MemoryStore:
    def __init__(self):
        self.items = {}

    def add(self, notification):
        known = self.items.setdefault(notification.account_id, {})
        added = notification.notification_id not in known
        known.setdefault(notification.notification_id, notification)
        return added


def test_a_task_that_runs_twice_delivers_once():
    """The queue may hand a task out twice; the account sees one notification."""
    queue, store = [], MemoryStore()
    service = NotificationService(store, queue.append)
    service.event_notify(wrap(filled("0")))
    assert [service.notification_deliver(fields) for fields in queue * 2] == [True, False]
    assert [n.kind for n in store.items["a1"].values()] == ["order_filled"]
    assert Notification.from_dict(queue[0]).as_dict() == queue[0]
