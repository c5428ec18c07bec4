"""What travels over the HTTP interface of orders and spreads. Amounts are text: none becomes a float."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from services.orders.lifecycle import OrderState
from services.orders.models import Order
from services.orders.spreads import PlacedSpread
from shared.money import plain


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write amounts as text, such as "10.25"')  # noqa: TRY004 - pydantic's protocol
    return value


_AS_TEXT = (BeforeValidator(_text), WithJsonSchema({"type": "string", "format": "decimal"}))

# Price times quantity stays within 28 digits, what decimals compute with and the tables hold exactly.
PriceText = Annotated[Decimal, Field(max_digits=14, decimal_places=6), *_AS_TEXT]
QuantityText = Annotated[Decimal, Field(max_digits=14, decimal_places=4), *_AS_TEXT]
Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.]{0,15}$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,36}$")]


class LegIn(Schema):
    """A new order on the account of its spread; nothing else about it is the client's to say."""

    model_config = ConfigDict(extra="forbid")

    symbol: Symbol
    side: Literal["buy", "sell"]
    order_type: Literal["market", "limit", "stop", "stop_limit"]
    time_in_force: Literal["day", "gtc", "ioc", "fok"] = "day"
    quantity: QuantityText
    price: PriceText | None = None
    stop_price: PriceText | None = None


class OrderIn(LegIn):
    """A new order; nothing else about it is the client's to say."""

    account_id: Identifier


class ReplacementIn(Schema):
    """What an order shall become: its whole quantity, fills included, and its limit price."""

    model_config = ConfigDict(extra="forbid")

    quantity: QuantityText | None = None
    price: PriceText | None = None

    @model_validator(mode="after")
    def _something(self) -> ReplacementIn:
        if self.quantity is None and self.price is None:
            raise ValueError("give a quantity, a price, or both")
        return self


class SpreadIn(Schema):
    """Orders that are approved as one: all legs or none."""

    model_config = ConfigDict(extra="forbid")

    account_id: Identifier
    legs: Annotated[list[LegIn], Field(min_length=2, max_length=8)]


class OrderOut(Schema):
    """An order as its owner sees it."""

    order_id: str
    account_id: str
    symbol: str
    side: str
    order_type: str
    time_in_force: str
    quantity: str
    price: str | None
    stop_price: str | None
    filled_quantity: str
    average_price: str | None
    fees: str
    status: OrderState
    reason: str | None
    spread_id: str | None
    triggered_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: Order) -> OrderOut:
        """The order of a row."""
        return cls.model_construct(
            order_id=order.order_id,
            account_id=order.account_id,
            symbol=order.symbol,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            quantity=plain(order.quantity),
            price=_plain(order.price),
            stop_price=_plain(order.stop_price),
            filled_quantity=plain(order.filled_quantity),
            average_price=_plain(order.progress.average_price),
            fees=plain(order.fees),
            status=OrderState(order.status),
            reason=order.reason,
            spread_id=order.spread_id,
            triggered_at=order.triggered_at,
            created_at=order.created_at,
            updated_at=order.updated_at,
        )


class OrderPage(Schema):
    """A page of the history, newest first; `next` goes into `after` of the next request."""

    items: list[OrderOut]
    next: str | None


class SpreadOut(Schema):
    """A spread and its legs; `status` is that of its approval: pending, accepted or rejected."""

    spread_id: str
    account_id: str
    status: OrderState
    legs: list[OrderOut]
    created_at: datetime

    @classmethod
    def of(cls, placed: PlacedSpread) -> SpreadOut:
        """The spread as a use case returns it."""
        return cls.model_construct(
            spread_id=placed.spread.spread_id,
            account_id=placed.spread.account_id,
            status=placed.status,
            legs=[OrderOut.of(leg) for leg in placed.legs],
            created_at=placed.spread.created_at,
        )


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)
