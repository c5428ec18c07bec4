"""An account's statement of a day: what there was, what came and went, what it cost, what is left.

Days are the exchange's: an entry booked at 23:00 in New York belongs to that date.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Q, Sum

from services.settlement.balances import snapshot
from services.settlement.ledger import FEE_POSTING
from services.settlement.models import CashEntry, ShareEntry
from shared.money import EXACT
from shared.sessions import Continuous

if TYPE_CHECKING:
    from datetime import date, datetime

BOOKS = {"cash": ("users", CashEntry), "shares": ("orders", ShareEntry)}
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Position:
    """One asset of the account over the day: `opening + movements + fees == closing`, exactly."""

    asset: str
    opening: Decimal = ZERO
    movements: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def closing(self) -> Decimal:
        return EXACT.add(EXACT.add(self.opening, self.movements), self.fees)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the day; `key` orders lines and continues a list."""

    key: str
    booked_at: datetime
    posting_id: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """All positions of the day, and a page of its lines: cash first, each in the order of booking."""

    account_id: str
    day: date
    positions: list[Position]
    lines: list[Line] = field(default_factory=list)


def statement_read(*, account_id: str, day: date, after: str = "", limit: int = 50) -> Statement:
    """The statement with up to `limit` lines behind the one with the key `after`."""
    session = Continuous().session(day)
    positions: list[Position] = []
    lines: list[Line] = []
    for name, (database, entries) in BOOKS.items():
        rows = entries.objects.filter(account=account_id, booked_at__lt=session.closes)
        with snapshot(database):
            positions += _positions(rows, session.opens)
            lines += _lines(rows.filter(booked_at__gte=session.opens), name, after, limit - len(lines))
    return Statement(account_id, day, positions, lines)


def _positions(rows: Any, opens: datetime) -> list[Position]:
    today, fee = Q(booked_at__gte=opens), Q(posting_id__startswith=FEE_POSTING)
    totals = rows.values("asset").annotate(
        opening=Sum("amount", filter=~today, default=ZERO),
        movements=Sum("amount", filter=today & ~fee, default=ZERO),
        fees=Sum("amount", filter=today & fee, default=ZERO),
    )
    return [Position(**each) for each in totals.order_by("asset")]


def _lines(rows: Any, book: str, after: str, limit: int) -> list[Line]:
    following, _, number = after.partition("-")
    if limit <= 0 or following > book:
        return []
    if following == book:
        rows = rows.filter(id__gt=int(number))
    return [
        Line(f"{book}-{row.id}", row.booked_at, row.posting_id, row.asset, row.amount)
        for row in rows.order_by("id")[:limit]
    ]
