"""What the risk desk reads and writes: margin, profit and loss, value at risk. Amounts are text."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from ninja import Field, Schema
from pydantic import ConfigDict

from services.risk.margin import Margin, SymbolExposure
from services.risk.models import Close, MarginCall
from services.risk.pnl import Profit, SymbolProfit
from services.risk.schemas import AS_TEXT, ValueText
from services.risk.var import Risk
from shared.money import plain

# The bounds of `shared.money.Price`.
CloseText = Annotated[Decimal, Field(gt=0, max_digits=36, decimal_places=18), *AS_TEXT]
# Beyond, a history of a year says nothing.
Confidence = Annotated[Decimal, Field(ge=Decimal("0.5"), le=Decimal("0.9999"), max_digits=6)]
Horizon = Annotated[int, Field(ge=1, le=10)]


class MarginIn(Schema):
    """What an account has deposited, and whether it is margined with its owner's other accounts."""

    model_config = ConfigDict(extra="forbid")

    collateral: ValueText
    cross: bool = False


class ExposureOut(Schema):
    """What is held and owed of a symbol, in money, and what remains of it."""

    symbol: str
    long: str
    short: str
    net: str

    @classmethod
    def of(cls, exposure: SymbolExposure) -> ExposureOut:
        """The exposure in one symbol."""
        return cls(
            symbol=exposure.symbol,
            long=plain(exposure.long),
            short=plain(exposure.short),
            net=plain(exposure.net),
        )


class MarginOut(Schema):
    """Equity, exposure and the three levels that the equity is held against."""

    account_id: str
    status: str
    equity: str
    exposure: str
    initial: str
    maintenance: str
    liquidation: str
    exposures: list[ExposureOut]

    @classmethod
    def of(cls, account_id: str, margin: Margin) -> MarginOut:
        """The answer for an account."""
        return cls(
            account_id=account_id,
            status=str(margin.status),
            equity=plain(margin.equity),
            exposure=plain(margin.exposure),
            initial=plain(margin.initial),
            maintenance=plain(margin.maintenance),
            liquidation=plain(margin.liquidation),
            exposures=[ExposureOut.of(each) for each in margin.exposures],
        )


class MarginCallOut(Schema):
    """A call as it was made, or last got worse; `closed_at` is null while it stands."""

    status: str
    equity: str
    required: str
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, call: MarginCall) -> MarginCallOut:
        """The call of a row."""
        return cls(
            status=call.status,
            equity=plain(call.equity),
            required=plain(call.required),
            opened_at=call.opened_at,
            closed_at=call.closed_at,
        )


class MarginCalls(Schema):
    """Margin calls, newest first."""

    items: list[MarginCallOut]


class SymbolProfitOut(Schema):
    """Profit and loss in one symbol."""

    symbol: str
    quantity: str
    last_price: str | None
    realized_pnl: str
    unrealized_pnl: str

    @classmethod
    def of(cls, profit: SymbolProfit) -> SymbolProfitOut:
        """The profit of one symbol."""
        return cls(
            symbol=profit.symbol,
            quantity=plain(profit.quantity),
            last_price=None if profit.last_price is None else plain(profit.last_price),
            realized_pnl=plain(profit.realized),
            unrealized_pnl=plain(profit.unrealized),
        )


class ProfitOut(Schema):
    """An account's profit and loss; `as_of` is when it was worked out."""

    account_id: str
    realized_pnl: str
    unrealized_pnl: str
    total_pnl: str
    as_of: datetime
    symbols: list[SymbolProfitOut]

    @classmethod
    def of(cls, account_id: str, profit: Profit) -> ProfitOut:
        """The answer for an account."""
        return cls(
            account_id=account_id,
            realized_pnl=plain(profit.realized),
            unrealized_pnl=plain(profit.unrealized),
            total_pnl=plain(profit.total),
            as_of=profit.as_of,
            symbols=[SymbolProfitOut.of(each) for each in profit.symbols],
        )


class VarLimitIn(Schema):
    """The most that may be at risk, or null for no such limit."""

    model_config = ConfigDict(extra="forbid")

    limit: ValueText | None


class VarOut(Schema):
    """What an account may lose over the horizon; `limit` is null where it is not bounded."""

    account_id: str
    value_at_risk: str
    expected_shortfall: str
    worst_loss: str
    confidence: str
    horizon_days: int
    scenarios: int
    limit: str | None

    @classmethod
    def of(
        cls, account_id: str, risk: Risk, *, confidence: Decimal, horizon: int, limit: Decimal | None
    ) -> VarOut:
        """The answer for an account."""
        return cls(
            account_id=account_id,
            value_at_risk=f"{risk.value_at_risk:f}",
            expected_shortfall=f"{risk.expected_shortfall:f}",
            worst_loss=f"{risk.worst_loss:f}",
            confidence=plain(confidence),
            horizon_days=horizon,
            scenarios=risk.scenarios,
            limit=None if limit is None else plain(limit),
        )


class CloseIn(Schema):
    """The official close of a day."""

    model_config = ConfigDict(extra="forbid")

    day: date
    price: CloseText


class ClosesIn(Schema):
    """Closes of one symbol, one per day."""

    model_config = ConfigDict(extra="forbid")

    closes: Annotated[list[CloseIn], Field(min_length=1, max_length=1000)]


class CloseOut(Schema):
    """A close; not official when it is the day's last trade so far."""

    day: date
    price: str
    official: bool

    @classmethod
    def of(cls, close: Close) -> CloseOut:
        """The close of a row."""
        return cls(day=close.day, price=plain(close.price), official=close.official)


class Closes(Schema):
    """The latest closes of a symbol, oldest first."""

    symbol: str
    closes: list[CloseOut]
