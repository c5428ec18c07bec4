"""What travels over the HTTP interface of instruments."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from services.orders.models import Instrument
from services.orders.schemas import PriceText, QuantityText, Symbol
from shared.money import plain
from shared.sessions import Session


class InstrumentIn(Schema):
    """A new instrument."""

    model_config = ConfigDict(extra="forbid")

    symbol: Symbol
    name: Annotated[str, Field(min_length=1, max_length=120)]
    tick_size: PriceText = Decimal("0.01")
    lot_size: QuantityText = Decimal(1)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    # None: the calendar that the market is configured with.
    calendar: Literal["XNYS", "CONTINUOUS"] | None = None


class InstrumentOut(Schema):
    """What can be traded, in which steps and at what hours; `trading_status` is what matching last said."""

    symbol: str
    name: str
    tick_size: str
    lot_size: str
    currency: str
    calendar: str
    trading_status: str

    @classmethod
    def of(cls, instrument: Instrument) -> InstrumentOut:
        """The instrument of a row."""
        return cls(
            symbol=instrument.symbol,
            name=instrument.name,
            tick_size=plain(instrument.tick_size),
            lot_size=plain(instrument.lot_size),
            currency=instrument.currency,
            calendar=instrument.calendar,
            trading_status=instrument.trading_status,
        )


class InstrumentList(Schema):
    """Every listed instrument, by symbol."""

    items: list[InstrumentOut]


class TradingStatusIn(Schema):
    """What an operator wants of a symbol."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["open", "halted", "closed"]


class TradingStatusOut(Schema):
    """Whether a symbol is traded: `status` as matching last said, and the present or next session."""

    symbol: str
    status: str
    calendar: str
    in_session: bool
    trading_day: date
    opens_at: datetime
    closes_at: datetime

    @classmethod
    def of(cls, instrument: Instrument, session: Session, *, in_session: bool) -> TradingStatusOut:
        """The status of a row and its calendar's session."""
        return cls(
            symbol=instrument.symbol,
            status=instrument.trading_status,
            calendar=instrument.calendar,
            in_session=in_session,
            trading_day=session.day,
            opens_at=session.opens,
            closes_at=session.closes,
        )
