"""What the reports answer: net obligations, statements and proofs. Amounts are decimal text."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

from ninja import Schema
from pydantic import Field

from services.settlement.ledger import kind_of
from services.settlement.schemas import Day, money_text
from shared.money import EXACT, plain

if TYPE_CHECKING:
    from services.settlement.models import NetObligation
    from services.settlement.obligations import NettingReport
    from services.settlement.reconciliation import AssetProof, NetsProof
    from services.settlement.statements import Line, Position, Statement

LineKey = Annotated[str, Field(pattern=r"^((cash|shares)-\d{1,18})?$")]


class NettingIn(Schema):
    trade_date: Day


class NettingOut(Schema):
    trade_date: date
    trades: int
    remaining: int


class NetOut(Schema):
    account_id: str
    symbol: str
    currency: str
    trade_date: date
    settlement_date: date
    bought: str
    sold: str
    shares: str
    paid: str
    received: str
    cash: str
    trades: int


class NetsOut(Schema):
    items: list[NetOut]
    next: str | None


class PositionOut(Schema):
    asset: str
    opening: str
    movements: str
    fees: str
    closing: str


class LineOut(Schema):
    key: str
    booked_at: datetime
    kind: str
    posting_id: str
    asset: str
    amount: str


class StatementOut(Schema):
    account_id: str
    day: date
    positions: list[PositionOut]
    items: list[LineOut]
    next: str | None


class AssetOut(Schema):
    asset: str
    issued: str
    customers: str
    house: str
    difference: str


class AssetsOut(Schema):
    items: list[AssetOut]
    next: str | None


class NetsProofOut(Schema):
    obligations: int
    shares: str
    cash: str
    mismatched: int
    to_net: int


def netting_out(report: NettingReport) -> NettingOut:
    return NettingOut(trade_date=report.trade_date, trades=report.trades, remaining=report.remaining)


def net_out(row: NetObligation) -> NetOut:
    """Shares and cash are what the account receives; negative when it has to deliver or to pay."""
    return NetOut(
        account_id=row.account_id,
        symbol=row.symbol,
        currency=row.currency,
        trade_date=row.trade_date,
        settlement_date=row.settlement_date,
        bought=plain(row.bought),
        sold=plain(row.sold),
        shares=plain(EXACT.subtract(row.bought, row.sold)),
        paid=money_text(row.paid),
        received=money_text(row.received),
        cash=money_text(EXACT.subtract(row.received, row.paid)),
        trades=row.trades,
    )


def statement_out(statement: Statement, limit: int) -> StatementOut:
    lines = statement.lines
    return StatementOut(
        account_id=statement.account_id,
        day=statement.day,
        positions=[_position_out(each) for each in statement.positions],
        items=[_line_out(each) for each in lines],
        next=lines[-1].key if len(lines) == limit else None,
    )


def _position_out(position: Position) -> PositionOut:
    return PositionOut(
        asset=position.asset,
        opening=plain(position.opening),
        movements=plain(position.movements),
        fees=plain(position.fees),
        closing=plain(position.closing),
    )


def _line_out(line: Line) -> LineOut:
    return LineOut(
        key=line.key,
        booked_at=line.booked_at,
        kind=kind_of(line.posting_id),
        posting_id=line.posting_id,
        asset=line.asset,
        amount=plain(line.amount),
    )


def asset_out(proof: AssetProof) -> AssetOut:
    return AssetOut(
        asset=proof.asset,
        issued=plain(proof.issued),
        customers=plain(proof.customers),
        house=plain(proof.house),
        difference=plain(proof.difference),
    )


def nets_proof_out(proof: NetsProof) -> NetsProofOut:
    return NetsProofOut(
        obligations=proof.obligations,
        shares=plain(proof.shares),
        cash=plain(proof.cash),
        mismatched=proof.mismatched,
        to_net=proof.to_net,
    )
