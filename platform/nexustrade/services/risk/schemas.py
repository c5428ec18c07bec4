"""What travels over the HTTP interface of risk. Amounts are text, so that none becomes a float."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, field_validator

from services.risk.models import ExposureLimit, Reservation
from services.risk.orders import Reserved
from services.risk.queries import Valuation
from shared.money import plain


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write amounts as text, such as "10.25"')  # noqa: TRY004 - pydantic's protocol
    return value


AS_TEXT = (BeforeValidator(_text), WithJsonSchema({"type": "string", "format": "decimal"}))

# Price times quantity stays within 28 digits, what decimals compute with and the tables hold exactly.
PriceText = Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=6), *AS_TEXT]
QuantityText = Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=4), *AS_TEXT]
ValueText = Annotated[Decimal, Field(ge=0, max_digits=30, decimal_places=10), *AS_TEXT]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,36}$")]


class ReservationIn(Schema):
    """The order to reserve exposure for."""

    model_config = ConfigDict(extra="forbid")

    order_id: Identifier
    account_id: Identifier
    symbol: Annotated[str, Field(min_length=1, max_length=16)]
    side: Literal["buy", "sell"]
    quantity: QuantityText
    price: PriceText | None


class BatchIn(Schema):
    """Orders to reserve exposure for, all or none."""

    model_config = ConfigDict(extra="forbid")

    reservations: Annotated[list[ReservationIn], Field(min_length=1, max_length=20)]

    @field_validator("reservations")
    @classmethod
    def _apart(cls, orders: list[ReservationIn]) -> list[ReservationIn]:
        if len({order.order_id for order in orders}) < len(orders):
            raise ValueError("every order once")
        return orders


class ReplacementIn(Schema):
    """What is to be open of an order, and its price; null leaves it valued as it is."""

    model_config = ConfigDict(extra="forbid")

    quantity: QuantityText
    price: PriceText | None = None


class ReservedOut(Schema):
    """A granted reservation and the account's exposure afterwards."""

    order_id: str
    reserved: str
    used: str
    limit: str

    @classmethod
    def of(cls, reserved: Reserved) -> ReservedOut:
        """The answer for a use case's result."""
        return cls.model_construct(
            order_id=reserved.order_id,
            reserved=plain(reserved.amount),
            used=plain(reserved.used),
            limit=plain(reserved.limit),
        )


class LimitIn(Schema):
    """A new limit and, when given, the exposure already in use."""

    model_config = ConfigDict(extra="forbid")

    limit: ValueText
    used: ValueText | None = None


class LimitOut(Schema):
    """An account's limit and what of it is in use."""

    account_id: str
    limit: str
    used: str
    available: str
    currency: str
    updated_at: datetime

    @classmethod
    def of(cls, limit: ExposureLimit) -> LimitOut:
        """The limit of a row."""
        return cls(
            account_id=limit.account_id,
            limit=plain(limit.max_exposure),
            used=plain(limit.used),
            available=plain(limit.max_exposure - limit.used),
            currency=limit.currency,
            updated_at=limit.updated_at,
        )


class PositionOut(Schema):
    """A position and its profit, realised and at the last price."""

    symbol: str
    quantity: str
    average_price: str | None
    last_price: str | None
    realized_pnl: str
    unrealized_pnl: str

    @classmethod
    def of(cls, valuation: Valuation) -> PositionOut:
        """The position of a valuation."""
        holding, last_price = valuation.holding, valuation.last_price
        average_price = holding.average_price
        return cls(
            symbol=valuation.symbol,
            quantity=plain(holding.quantity),
            average_price=None if average_price is None else plain(average_price),
            last_price=None if last_price is None else plain(last_price),
            realized_pnl=plain(holding.realized_pnl),
            unrealized_pnl=plain(valuation.unrealized_pnl),
        )


class Positions(Schema):
    """An account's positions, by symbol."""

    account_id: str
    positions: list[PositionOut]


class ReservationOut(Schema):
    """What one order took of the limit and has given back."""

    order_id: str
    amount: str
    released: str
    state: str
    created_at: datetime

    @classmethod
    def of(cls, reservation: Reservation) -> ReservationOut:
        """The reservation of a row."""
        return cls(
            order_id=reservation.order_id,
            amount=plain(reservation.amount),
            released=plain(reservation.released),
            state=reservation.state,
            created_at=reservation.created_at,
        )


class Reservations(Schema):
    """An account's latest reservations, newest first."""

    items: list[ReservationOut]
