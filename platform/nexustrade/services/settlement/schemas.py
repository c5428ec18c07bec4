"""What the API takes and answers. Amounts are decimal text."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

from ninja import Schema
from pydantic import Field

from shared.money import Money, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from services.settlement.balances import BookTotals
    from services.settlement.models import CashBalance, FeeCharge, ShareBalance, Trade
    from services.settlement.services import RunReport

# Far enough from the ends of the calendar for business days and time zones to be reckoned with.
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2999, 12, 31))]
AccountId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9.]{1,16}$")]
Reference = Annotated[str, Field(pattern=r"^[\x21-\x7e][\x20-\x7e]{0,99}$")]
Amount = Annotated[str, Field(min_length=1, max_length=40)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class CashDepositIn(Schema):
    amount: Amount
    reference: Reference
    currency: Currency = "USD"


class SharesDepositIn(Schema):
    symbol: Symbol
    quantity: Amount
    reference: Reference


class TransferIn(Schema):
    from_account: AccountId
    to_account: AccountId
    cash: Amount
    currency: Currency = "USD"
    symbol: Symbol
    quantity: Amount
    reference: Reference


class RunIn(Schema):
    as_of: date
    account_id: AccountId | None = None


class RunOut(Schema):
    batch_id: str
    as_of: date
    trades: int
    cash: str
    settled: int
    failed: int
    remaining: int


class CashOut(Schema):
    currency: str
    amount: str


class SharesOut(Schema):
    symbol: str
    quantity: str


class BalancesOut(Schema):
    account_id: str
    cash: CashOut
    shares: list[SharesOut]


class TradeOut(Schema):
    trade_id: str
    symbol: str
    price: str
    quantity: str
    cash: str
    currency: str
    buy_account_id: str
    sell_account_id: str
    trade_date: date
    settlement_date: date
    status: str
    reason: str | None
    executed_at: datetime
    settled_at: datetime | None


class TradesOut(Schema):
    items: list[TradeOut]
    next: str | None


class ReconciliationOut(Schema):
    cash_total: str
    deposits_total: str
    clearing_total: str
    fees_total: str
    difference: str
    shares_total: str
    shares_deposits_total: str
    shares_clearing_total: str
    shares_difference: str
    mismatched_accounts: int


class FeesOut(Schema):
    account_id: str
    currency: str
    accrued: str


class FeeChargeOut(Schema):
    charge_id: str
    account_id: str
    currency: str
    amount: str
    booked: bool


class FeeChargesOut(Schema):
    items: list[FeeChargeOut]


def money_text(amount: Decimal) -> str:
    """With cents at least: `10.00`, `10.125`."""
    text = plain(amount)
    places = len(text.partition(".")[2])
    return text if places >= 2 else f"{amount:.2f}"


def balances_out(account_id: str, cash: CashBalance | None, shares: Sequence[ShareBalance]) -> BalancesOut:
    """An account without postings has nothing, in the house currency."""
    held = Money(cash.amount, cash.currency) if cash else Money.zero()
    return BalancesOut(
        account_id=account_id,
        cash=CashOut(currency=held.currency, amount=money_text(held.amount)),
        shares=[SharesOut(symbol=each.symbol, quantity=plain(each.quantity)) for each in shares],
    )


def trade_out(trade: Trade) -> TradeOut:
    return TradeOut(
        trade_id=trade.trade_id,
        symbol=trade.symbol,
        price=plain(trade.price),
        quantity=plain(trade.quantity),
        cash=money_text(trade.cash),
        currency=trade.currency,
        buy_account_id=trade.buy_account_id,
        sell_account_id=trade.sell_account_id,
        trade_date=trade.trade_date,
        settlement_date=trade.settlement_date,
        status=trade.status,
        reason=trade.reason or None,
        executed_at=trade.executed_at,
        settled_at=trade.settled_at,
    )


def reconciliation_out(cash: BookTotals, shares: BookTotals) -> ReconciliationOut:
    return ReconciliationOut(
        cash_total=money_text(cash.total),
        deposits_total=money_text(cash.deposits),
        clearing_total=money_text(cash.clearing),
        fees_total=money_text(cash.fees),
        difference=money_text(cash.difference),
        shares_total=plain(shares.total),
        shares_deposits_total=plain(shares.deposits),
        shares_clearing_total=plain(shares.clearing),
        shares_difference=plain(shares.difference),
        mismatched_accounts=cash.mismatched_accounts + shares.mismatched_accounts,
    )


def charge_out(charge: FeeCharge) -> FeeChargeOut:
    return FeeChargeOut(
        charge_id=charge.charge_id,
        account_id=charge.account_id,
        currency=charge.currency,
        amount=money_text(charge.amount),
        booked=charge.booked,
    )


def run_out(report: RunReport) -> RunOut:
    return RunOut(
        batch_id=report.batch_id,
        as_of=report.as_of,
        trades=report.trades,
        cash=money_text(report.cash),
        settled=report.settled,
        failed=report.failed,
        remaining=report.remaining,
    )


def fees_out(account_id: str, accrued: Money) -> FeesOut:
    return FeesOut(account_id=account_id, currency=accrued.currency, accrued=plain(accrued.amount))
