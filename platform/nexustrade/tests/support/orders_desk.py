"""A desk on which use cases of orders are played: at a moment of the test's choice, and without a trace.

A scenario runs in a transaction that is rolled back, on accounts and instruments of its own, so that neither
the running services nor other tests meet it. See `orders_scenarios`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from services.orders.clients import ExposureRefused
from services.orders.credit import CreditCheckPolicy
from services.orders.models import AccountRef, Instrument, Order, OutboxMessage
from services.orders.recovery import orders_recover
from services.orders.services import OrderRequest, order_submit
from services.orders.spreads import PlacedSpread, SpreadRequest, spread_submit
from shared import clock
from shared.errors import DeadlineExceeded, DependencyUnavailable, NotFound
from shared.events import codec
from shared.money import plain
from shared.security import Identity
from support.clocks import StillClock

# Long before any order of the platform, so that a recovery at this time finds none but the scenario's.
BEGIN = datetime(2020, 3, 4, 15, 0, tzinfo=UTC)
OWNER = Identity("u-desk", permissions=("orders:write", "orders:read"))
FEE_RATE = Decimal("0.00005")

ERRORS = {
    "timeout": DeadlineExceeded("risk did not answer in time"),
    "unavailable": DependencyUnavailable("risk does not answer"),
}


@dataclass
class FakeRisk:
    """Answers calls with the next of `answers` ("yes", "timeout", "unavailable", or a refusal's reason).

    Without one left it says yes, except to orders in a symbol of `full`.
    """

    answers: list[str] = field(default_factory=list)
    full: set[str] = field(default_factory=set)
    asked: list[list[str]] = field(default_factory=list)
    amended: list[tuple[str, str | None]] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    can_release: bool = True

    def reserve(self, *, orders: Iterable[Order], **_identity: Any) -> None:
        symbols = [order.symbol for order in orders]
        self.asked.append(symbols)
        self._answer("limit-exceeded" if self.full & set(symbols) else "yes")

    def amend(self, *, quantity: Decimal, price: Decimal | None, **_order: Any) -> None:
        self.amended.append((plain(quantity), None if price is None else plain(price)))
        self._answer("yes")

    def release(self, *, order_id: str, **_identity: Any) -> None:
        if not self.can_release:
            raise ERRORS["unavailable"]
        self.released.append(order_id)

    def _answer(self, otherwise: str) -> None:
        answer = self.answers.pop(0) if self.answers else otherwise
        if answer in ERRORS:
            raise ERRORS[answer]
        if answer != "yes":
            raise ExposureRefused(reason=answer, message="refused")


class NoDirectory:
    """Knows no account."""

    def find(self, *, account_id: str, **_identity: Any) -> dict[str, str]:
        raise NotFound("no such account", account_id=account_id)


class Desk:
    """One account, instruments, a risk desk, and a clock."""

    def __init__(self, time: StillClock, policy: CreditCheckPolicy) -> None:
        self.time, self.policy, self.risk = time, policy, FakeRisk()
        self.account_id = str(uuid.uuid4())
        AccountRef.objects.create(
            account_id=self.account_id, owner_id=OWNER.subject, status="open", synced_at=BEGIN
        )

    def instrument(self, calendar: str = "CONTINUOUS") -> str:
        symbol = "D" + uuid.uuid4().hex[:11].upper()
        Instrument.objects.create(symbol=symbol, name=symbol, calendar=calendar, created_at=BEGIN)
        return symbol

    def request(self, symbol: str, **fields: Any) -> OrderRequest:
        wanted = {
            "side": "buy",
            "order_type": "limit",
            "time_in_force": "day",
            "quantity": Decimal(100),
            "price": Decimal("10.00"),
        }
        return OrderRequest(account_id=self.account_id, symbol=symbol, **{**wanted, **fields})

    def submit(self, symbol: str, *, key: str | None = None, **fields: Any) -> Order:
        return order_submit(request=self.request(symbol, **fields), **self._terms(key))

    def submit_spread(self, *symbols: str, key: str | None = None) -> PlacedSpread:
        legs = tuple(self.request(symbol) for symbol in symbols)
        request = SpreadRequest(account_id=self.account_id, legs=legs)
        return spread_submit(request=request, **self._terms(key))

    def recover(self, after: timedelta = timedelta(seconds=10)) -> int:
        self.time.moment += after
        return orders_recover(policy=self.policy, risk=self.risk)

    def orders(self) -> list[Order]:
        rows = Order.objects.filter(account_id=self.account_id)
        return list(rows.order_by("created_at", "leg_number"))

    def states(self) -> list[str]:
        return [order.status for order in self.orders()]

    def told(self, kind: str) -> list[Any]:
        """The events of that kind about the account that wait to be published."""
        rows = OutboxMessage.objects.filter(created_at__lte=self.time.moment).order_by("id")
        events = [codec.decode(bytes(row.payload)).payload for row in rows]
        mine = (event for event in events if getattr(event, "account_id", "") == self.account_id)
        return [event for event in mine if type(event).__name__ == kind]

    def _terms(self, key: str | None) -> dict[str, Any]:
        return {
            "idempotency_key": key or uuid.uuid4().hex,
            "identity": OWNER,
            "risk": self.risk,
            "directory": NoDirectory(),
            "policy": self.policy,
        }


@contextmanager
def desk(moment: datetime = BEGIN, **policy: Any) -> Iterator[Desk]:
    """A desk whose doings nobody else sees, and that are forgotten at the end."""
    with clock.use_clock(StillClock(moment)) as time, transaction.atomic():
        yield Desk(time, CreditCheckPolicy(**policy))
        transaction.set_rollback(True)
