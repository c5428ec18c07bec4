"""Charging fees: what accrued is claimed in orders_db, then paid from the account's cash in users_db."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Sum

from services.settlement.books import CASH
from services.settlement.fees import charge
from services.settlement.ledger import FEE_POSTING, FEES, PostingRefused, transfer
from services.settlement.models import FeeAccrual, FeeCharge
from shared.ids import new_id
from shared.money import Money
from shared.observability import get_logger

if TYPE_CHECKING:
    from datetime import date

log = get_logger("settlement")

DATABASE = "orders"


def fees_charge(*, as_of: date, account_id: str | None = None) -> list[FeeCharge]:
    """Charges the fees of trades up to `as_of`, of one account or of all: one rounded sum per account.

    A charge that the account cannot pay stays open and is tried again by `charges_book`.
    """
    due = FeeAccrual.objects.filter(charge=None, trade_date__lte=as_of)
    if account_id is not None:
        due = due.filter(account_id=account_id)
    owners = due.values_list("account_id", "currency").order_by("account_id", "currency").distinct()
    claimed = [_claim(account, currency, as_of) for account, currency in list(owners)]
    charges = [each for each in claimed if each is not None]
    for each in charges:
        _book(each)
    return charges


def charges_book() -> int:
    """Books the charges that are still open; answers how many could be."""
    return sum(_book(each) for each in FeeCharge.objects.filter(booked=False))


def fees_accrued(*, account_id: str, currency: str) -> Money:
    """The exact fees of the account that are not charged yet."""
    rows = FeeAccrual.objects.filter(account_id=account_id, currency=currency, charge=None)
    return Money(rows.aggregate(total=Sum("amount", default=0))["total"], currency)


def _claim(account_id: str, currency: str, as_of: date) -> FeeCharge | None:
    with transaction.atomic(using=DATABASE):
        rows = FeeAccrual.objects.select_for_update().filter(
            account_id=account_id, currency=currency, charge=None, trade_date__lte=as_of
        )
        accrued = list(rows.order_by("id"))
        owed = charge((Money(each.amount, currency) for each in accrued), currency)
        if not owed:
            # Less than half a cent waits for more.
            return None
        claim = FeeCharge.objects.create(
            charge_id=new_id(), account_id=account_id, currency=currency, amount=owed.amount, as_of=as_of
        )
        FeeAccrual.objects.filter(pk__in=[each.pk for each in accrued]).update(charge=claim)
    return claim


def _book(claim: FeeCharge) -> bool:
    posting = transfer(
        f"{FEE_POSTING}{claim.charge_id}",
        claim.currency,
        source=claim.account_id,
        target=FEES,
        amount=claim.amount,
    )
    try:
        CASH.post(posting)
    except PostingRefused as refusal:
        log.warning("fee_charge_waits", account_id=claim.account_id, reason=str(refusal))
        return False
    claim.booked = True
    claim.save(update_fields=["booked"])
    return True
