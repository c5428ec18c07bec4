"""The books of cash and of shares, kept in PostgreSQL."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Sum

from services.settlement.ledger import Entry, Posting, PostingRefused, is_customer, may_go_negative
from services.settlement.models import CashBalance, CashEntry, ShareBalance, ShareEntry
from shared.clock import now
from shared.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable


class DatabaseBook:
    """Books postings with their balances in one transaction of one database."""

    database: str
    entries: Any

    def post(self, posting: Posting) -> bool:
        """See `ledger.Book.post`. The locked balances make the look-up of the posting id safe."""
        customers = sorted({entry.account for entry in posting.entries if is_customer(entry.account)})
        with transaction.atomic(using=self.database):
            balances = self._lock_balances(posting.asset, customers)
            if self.entries.objects.filter(posting_id=posting.posting_id).exists():
                return False
            for entry in posting.entries:
                self._check(posting.asset, entry, balances)
            self.entries.objects.bulk_create(
                self.entries(
                    posting_id=posting.posting_id,
                    account=entry.account,
                    asset=posting.asset,
                    amount=entry.amount,
                )
                for entry in posting.entries
            )
            for entry in posting.entries:
                if entry.account in balances:
                    self._add(balances[entry.account], entry.amount)
        return True

    def post_once(self, posting: Posting) -> bool:
        """As `post`; Conflict when the posting id was used for other entries."""
        if self.post(posting):
            return True
        booked = self.entries.objects.filter(posting_id=posting.posting_id)
        wanted = {(entry.account, posting.asset, entry.amount) for entry in posting.entries}
        if set(booked.values_list("account", "asset", "amount")) != wanted:
            raise Conflict("the reference was used for another posting", posting_id=posting.posting_id)
        return False

    def _lock_balances(self, asset: str, accounts: list[str]) -> dict[str, Any]:
        # In the order of account ids, so that opposite transfers wait for each other instead of deadlocking.
        found = self._select(asset, accounts)
        if len(found) < len(accounts):
            self._open(asset, [account for account in accounts if account not in found])
            found = self._select(asset, accounts)
        return found

    def _check(self, asset: str, entry: Entry, balances: dict[str, Any]) -> None:
        balance = balances.get(entry.account)
        if balance is not None:
            self._check_asset(asset, balance)
        if entry.amount > 0 or may_go_negative(entry.account):
            return
        available = self._amount(balance) if balance is not None else self._sum(asset, entry.account)
        if available < -entry.amount:
            raise PostingRefused(
                f"{entry.account} has not enough {asset}", account=entry.account, asset=asset
            )

    def _sum(self, asset: str, account: str) -> Decimal:
        rows = self.entries.objects.filter(account=account, asset=asset)
        return rows.aggregate(total=Sum("amount"))["total"] or Decimal(0)

    def _select(self, asset: str, accounts: Iterable[str]) -> dict[str, Any]:
        raise NotImplementedError

    def _open(self, asset: str, accounts: Iterable[str]) -> None:
        raise NotImplementedError

    def _check_asset(self, asset: str, balance: Any) -> None:
        """An account may hold any asset, unless the book says otherwise."""

    def _amount(self, balance: Any) -> Decimal:
        raise NotImplementedError

    def _add(self, balance: Any, amount: Decimal) -> None:
        raise NotImplementedError


class CashBook(DatabaseBook):
    """Cash in users_db: an account holds one currency."""

    database = "users"
    entries = CashEntry

    def _select(self, asset: str, accounts: Iterable[str]) -> dict[str, Any]:
        del asset  # one balance per account, whatever its currency
        rows = CashBalance.objects.select_for_update().filter(account_id__in=accounts)
        return {row.account_id: row for row in rows.order_by("account_id")}

    def _open(self, asset: str, accounts: Iterable[str]) -> None:
        rows = [CashBalance(account_id=account, currency=asset) for account in accounts]
        CashBalance.objects.bulk_create(rows, ignore_conflicts=True)

    def _check_asset(self, asset: str, balance: CashBalance) -> None:
        if balance.currency != asset:
            raise PostingRefused(
                f"{balance.account_id} holds {balance.currency}, not {asset}",
                account=balance.account_id,
                asset=asset,
            )

    def _amount(self, balance: CashBalance) -> Decimal:
        return balance.amount

    def _add(self, balance: CashBalance, amount: Decimal) -> None:
        # Added by the database: NUMERIC is exact at any length, Python's default context is not.
        row = CashBalance.objects.filter(pk=balance.pk)
        row.update(amount=F("amount") + amount, updated_at=now())


class ShareBook(DatabaseBook):
    """Shares in orders_db: an account holds any number of symbols."""

    database = "orders"
    entries = ShareEntry

    def _select(self, asset: str, accounts: Iterable[str]) -> dict[str, Any]:
        rows = ShareBalance.objects.select_for_update().filter(symbol=asset, account_id__in=accounts)
        return {row.account_id: row for row in rows.order_by("account_id")}

    def _open(self, asset: str, accounts: Iterable[str]) -> None:
        rows = [ShareBalance(account_id=account, symbol=asset) for account in accounts]
        ShareBalance.objects.bulk_create(rows, ignore_conflicts=True)

    def _amount(self, balance: ShareBalance) -> Decimal:
        return balance.quantity

    def _add(self, balance: ShareBalance, amount: Decimal) -> None:
        row = ShareBalance.objects.filter(pk=balance.pk)
        row.update(quantity=F("quantity") + amount, updated_at=now())


CASH = CashBook()
SHARES = ShareBook()
