"""The matching service over a store that lives in memory, and the commands that tests send it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from services.matching.codec import decode_order
from services.matching.errors import Fenced
from services.matching.outbox import unpack
from services.matching.services import MatchingService
from services.matching.store import Position, Snapshot
from shared.events import envelope_for
from shared.events.codec import decode
from shared.events.types import CancelOrder, ReplaceOrder, SubmitOrder
from shared.money import Price, Quantity

MOMENT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


class MemoryStore:
    """Applies steps as the Redis store does, fence included; `fail_next` loses the next commit."""

    def __init__(self):
        self.books, self.orders, self.messages, self.epochs = {}, {}, {}, {}
        self.fail_next = False

    def symbols(self):
        return sorted(self.books)

    def open(self, symbol, epoch):
        self._fence(symbol, epoch)
        self.epochs[symbol] = epoch
        self.messages.setdefault(symbol, [])
        orders = [decode_order(key, data) for key, data in self.orders.setdefault(symbol, {}).items()]
        fields = self.books.setdefault(symbol, {})
        return Snapshot(**fields, orders=sorted(orders, key=lambda order: order.arrival))

    def commit(self, symbol, step):
        self._fence(symbol, step.epoch)
        if self.fail_next:
            self.fail_next = False
            raise ConnectionError("Redis is away")
        known = [*self.books[symbol].get("command_ids", ()), *step.command_ids]
        self.books[symbol] = {
            "sequence": step.sequence,
            "arrivals": step.arrivals,
            "last_price": step.last_price,
            "status": step.status,
            "commands": step.commands,
            "position": step.position,
            "command_ids": known,
        }
        for order_id in step.removed:
            self.orders[symbol].pop(order_id, None)
        self.orders[symbol].update(step.rested)
        self.messages[symbol] += step.messages

    def outbox(self, symbol, limit):
        return self.messages[symbol][:limit]

    def acknowledge(self, symbol, count, epoch):
        self._fence(symbol, epoch)
        del self.messages[symbol][:count]

    def _fence(self, symbol, epoch):
        if self.epochs.get(symbol, 0) > epoch:
            raise Fenced("overtaken")


class Bench:
    """A service on a store, an election to be decided by the test, and a growing log."""

    def __init__(self, store=None, *, epoch=1):
        self.store = store or MemoryStore()
        self.leading, self.woken, self.offset = epoch, [], 0
        self.service = MatchingService(
            self.store,
            producer_name="matching",
            leads=lambda held: held == self.leading,
            on_output=self.woken.append,
        )
        self.service.lead(epoch=epoch)

    def send(self, payload, *, offset=None, event_id=None, cluster="c1"):
        self.offset += 1
        envelope = envelope_for(payload, producer="orders", aggregate_id=payload.symbol, event_id=event_id)
        position = Position(cluster, 0, self.offset if offset is None else offset)
        self.service.command_apply(envelope, position)
        return envelope, position

    def published(self, symbol="ACME"):
        return [decode(unpack(message).value) for message in self.store.messages[symbol]]

    def book(self):
        book = self.service.book_show("ACME", depth=100)
        return book, self.store.orders["ACME"]


def submit(order_id, side, quantity, price, tif="gtc", submitted_at=MOMENT):
    return SubmitOrder(
        order_id=order_id,
        account_id=f"acc-{order_id}",
        symbol="ACME",
        side=side,
        order_type="limit",
        time_in_force=tif,
        price=Price(price),
        quantity=Quantity(quantity),
        submitted_at=submitted_at,
    )


def cancel(order_id):
    return CancelOrder(order_id=order_id, account_id="a", symbol="ACME", requested_at=MOMENT)


def kinds(envelopes):
    return [type(envelope.payload) for envelope in envelopes]


def stop(order_id, side, quantity, stop_price, **fields):
    plain_order = submit(order_id, side, quantity, "1")
    return replace(plain_order, order_type="stop", price=None, stop_price=Price(stop_price), **fields)


def change(order_id, quantity, price=None):
    return ReplaceOrder(
        order_id=order_id,
        account_id="a",
        symbol="ACME",
        quantity=Quantity(quantity),
        price=None if price is None else Price(price),
        requested_at=MOMENT,
    )
