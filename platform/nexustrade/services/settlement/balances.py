"""Use cases on balances: deposits, statements, and the proof that nothing was made or lost."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.db.models import F, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from services.settlement.books import CASH, SHARES
from services.settlement.ledger import CLEARING, DEPOSITS, FEES, transfer
from services.settlement.models import CashBalance, CashEntry, ShareBalance, ShareEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.settlement.books import DatabaseBook
    from shared.money import Money, Quantity


def cash_deposit(*, account_id: str, cash: Money, reference: str) -> bool:
    """Credits an account from outside, once per reference; False when it was booked before.

    Conflict when the reference was used for another amount.
    """
    posting_id = f"deposit:{account_id}:{reference}"
    return _deposit(CASH, posting_id, cash.currency, account_id, cash.amount)


def shares_deposit(*, account_id: str, symbol: str, quantity: Quantity, reference: str) -> bool:
    """As `cash_deposit`, for shares: once per symbol and reference."""
    posting_id = f"deposit:{account_id}:{symbol}:{reference}"
    return _deposit(SHARES, posting_id, symbol, account_id, quantity.amount)


def _deposit(book: DatabaseBook, posting_id: str, asset: str, account_id: str, amount: Decimal) -> bool:
    return book.post_once(transfer(posting_id, asset, source=DEPOSITS, target=account_id, amount=amount))


def balance_read(*, account_id: str) -> tuple[CashBalance | None, list[ShareBalance]]:
    """The account's cash, None before its first posting, and its holdings other than zero."""
    cash = CashBalance.objects.filter(pk=account_id).first()
    shares = ShareBalance.objects.filter(account_id=account_id, quantity__gt=0).order_by("symbol")
    return cash, list(shares)


@dataclass(frozen=True, slots=True)
class BookTotals:
    """What a book holds of all assets; `difference` is what was made or lost, zero in sound books."""

    total: Decimal
    deposits: Decimal
    clearing: Decimal
    fees: Decimal
    difference: Decimal
    mismatched_accounts: int


def cash_reconcile() -> BookTotals:
    """Proves that customers, clearing and fees together hold exactly what was deposited."""
    return _reconcile("users", CashEntry, CashBalance, "amount", asset="currency")


def shares_reconcile() -> BookTotals:
    """As `cash_reconcile`, over all symbols."""
    return _reconcile("orders", ShareEntry, ShareBalance, "quantity", asset="symbol")


def _reconcile(database: str, entries: Any, balances: Any, field: str, *, asset: str) -> BookTotals:
    with snapshot(database):
        total = _sum(balances, field)
        deposits = -_sum(entries, "amount", account=DEPOSITS)
        clearing = _sum(entries, "amount", account__startswith=CLEARING)
        fees = _sum(entries, "amount", account=FEES)
        mismatched = _mismatched(entries, balances, field, asset)
    return BookTotals(
        total=total,
        deposits=deposits,
        clearing=clearing,
        fees=fees,
        difference=total + clearing + fees - deposits,
        mismatched_accounts=mismatched,
    )


def _sum(model: Any, field: str, **filters: str) -> Decimal:
    total: Decimal = model.objects.filter(**filters).aggregate(total=Sum(field, default=Decimal(0)))["total"]
    return total


def _mismatched(entries: Any, balances: Any, field: str, asset_field: str) -> int:
    """How many balances differ from the sum of their entries."""
    rows = entries.objects.filter(account=OuterRef("account_id"), asset=OuterRef(asset_field))
    booked = rows.values("account").annotate(total=Sum("amount")).values("total")
    compared = balances.objects.annotate(booked=Coalesce(Subquery(booked), Value(Decimal(0))))
    count: int = compared.exclude(**{field: F("booked")}).count()
    return count


@contextmanager
def snapshot(database: str) -> Iterator[None]:
    """A transaction of a database all of whose reads see the same moment."""
    with transaction.atomic(using=database), connections[database].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
