"""Events to bytes and back: the only module that touches both the dataclasses and the protobuf messages.

A payload's dataclass and message have the same field names, so conversion is by the type of each field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_type_hints

from google.protobuf.message import DecodeError as WireError

from proto import events_pb2 as pb
from shared.events.envelope import EventEnvelope
from shared.events.errors import DecodeError, EncodeError
from shared.events.types import EVENT_TYPES, Level
from shared.events.versions import current_version, least_reader, upcast
from shared.money import EXACT, Money, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.timestamp_pb2 import Timestamp

NANOS = 1_000_000_000
_PLACES = 9


def encode(envelope: EventEnvelope) -> bytes:
    """The bytes of an event; EncodeError when it does not fit the wire format or the present version."""
    kind = type(envelope.payload).__name__
    if envelope.event_type != kind or kind not in EVENT_TYPES:
        raise EncodeError(f"a {kind} cannot travel as {envelope.event_type}", event_type=envelope.event_type)
    if envelope.schema_version != current_version(kind):
        raise EncodeError(f"{kind} is written in version {current_version(kind)} only", event_type=kind)
    try:
        message = pb.Envelope(
            event_id=envelope.event_id,
            schema_version=envelope.schema_version,
            event_type=kind,
            producer=envelope.producer,
            aggregate_id=envelope.aggregate_id,
            sequence=envelope.sequence,
            epoch=envelope.epoch,
            least_reader_version=least_reader(kind),
        )
        _put_moment(message.occurred_at, envelope.occurred_at)
        payload = getattr(message, payload_field(kind))
        payload.SetInParent()
        for name, field in _FIELDS[kind].items():
            field.put(payload, name, getattr(envelope.payload, name))
        return message.SerializeToString(deterministic=True)
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise EncodeError(f"{kind} does not fit the wire: {error}", event_type=kind) from error


def decode(data: bytes) -> EventEnvelope:
    """The event in `data`, upcast to the present version.

    DecodeError when the bytes are no envelope, or one of an unknown event or a version that cannot be read.
    """
    try:
        message = pb.Envelope.FromString(data)
    except (WireError, TypeError) as error:
        raise DecodeError(f"not an event: {error}") from error
    kind = message.event_type
    if kind not in EVENT_TYPES or message.WhichOneof("payload") != payload_field(kind):
        raise DecodeError(f"not an event this code knows: {kind[:40]!r}", event_type=kind)
    payload = getattr(message, payload_field(kind))
    upcast(kind, message.schema_version, payload, message.least_reader_version)
    try:
        return EventEnvelope(
            event_id=message.event_id,
            event_type=kind,
            schema_version=current_version(kind),
            occurred_at=_get_moment(message.occurred_at),
            producer=message.producer,
            aggregate_id=message.aggregate_id,
            sequence=message.sequence,
            epoch=message.epoch,
            payload=EVENT_TYPES[kind](
                **{name: field.get(payload, name) for name, field in _FIELDS[kind].items()}
            ),
        )
    except (TypeError, ValueError, ArithmeticError) as error:
        raise DecodeError(f"{kind} has a field out of range: {error}", event_type=kind) from error


def payload_field(event_type: str) -> str:
    """The name of an event in the envelope's oneof: TradeExecuted → trade_executed."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", event_type).lower()


def _put_decimal(amount: Decimal) -> tuple[int, int]:
    """An exact decimal as (units, size of a unit in nanos), the unit being its last decimal place."""
    exponent = amount.as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 0
    if places > _PLACES:
        amount, places = amount.quantize(Decimal(1).scaleb(-_PLACES), context=EXACT), _PLACES
    return int(amount.scaleb(places, EXACT)), 10 ** (_PLACES - places)


def _get_decimal(units: int, unit_nanos: int) -> Decimal:
    if unit_nanos <= 0:
        raise ValueError("a tick or lot size must be positive")
    return EXACT.multiply(Decimal(units), Decimal(unit_nanos).scaleb(-_PLACES).normalize())


def _put_price(message: pb.Price, price: Price) -> None:
    message.price_ticks, message.tick_size_nanos = _put_decimal(price.amount)


def _get_price(message: pb.Price) -> Price:
    return Price(_get_decimal(message.price_ticks, message.tick_size_nanos))


def _put_quantity(message: pb.Quantity, quantity: Quantity) -> None:
    message.quantity_lots, message.lot_size_nanos = _put_decimal(quantity.amount)


def _get_quantity(message: pb.Quantity) -> Quantity:
    return Quantity(_get_decimal(message.quantity_lots, message.lot_size_nanos))


def _put_money(message: pb.Money, money: Money) -> None:
    nanos = EXACT.multiply(money.amount, Decimal(NANOS))
    if nanos != int(nanos):
        raise ValueError("money finer than a billionth of its unit")
    whole, part = divmod(abs(int(nanos)), NANOS)
    sign = -1 if nanos < 0 else 1
    message.currency, message.units, message.nanos = money.currency, sign * whole, sign * part


def _get_money(message: pb.Money) -> Money:
    amount = EXACT.add(Decimal(message.units), Decimal(message.nanos).scaleb(-_PLACES))
    cents = amount.quantize(Decimal("0.01"))
    return Money(cents if cents == amount else amount.normalize(), message.currency)


def _put_moment(message: Timestamp, moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    message.FromDatetime(moment)


def _get_moment(message: Timestamp) -> datetime:
    return message.ToDatetime(tzinfo=UTC)


def _put_levels(payload: Any, name: str, levels: tuple[Level, ...]) -> None:
    for price, quantity in levels:
        level = getattr(payload, name).add()
        _put_price(level.price, price)
        _put_quantity(level.quantity, quantity)


def _get_levels(payload: Any, name: str) -> tuple[Level, ...]:
    return tuple((_get_price(each.price), _get_quantity(each.quantity)) for each in getattr(payload, name))


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field goes into and comes out of a protobuf payload."""

    put: Callable[[Any, str, Any], None]
    get: Callable[[Any, str], Any]


def _nested(put: Callable[[Any, Any], None], get: Callable[[Any], Any]) -> _Field:
    """A field whose value is a message of its own, and which must be there."""

    def put_field(payload: Any, name: str, value: Any) -> None:
        message = getattr(payload, name)
        message.SetInParent()
        put(message, value)

    def get_field(payload: Any, name: str) -> Any:
        if not payload.HasField(name):
            raise ValueError(f"{name} is missing")
        return get(getattr(payload, name))

    return _Field(put_field, get_field)


def _optional(field: _Field) -> _Field:
    def put_field(payload: Any, name: str, value: Any) -> None:
        if value is not None:
            field.put(payload, name, value)

    def get_field(payload: Any, name: str) -> Any:
        return field.get(payload, name) if payload.HasField(name) else None

    return _Field(put_field, get_field)


_PRICE = _nested(_put_price, _get_price)
_BY_TYPE: dict[Any, _Field] = {
    str: _Field(setattr, getattr),
    Price: _PRICE,
    Price | None: _optional(_PRICE),
    Quantity: _nested(_put_quantity, _get_quantity),
    Money: _nested(_put_money, _get_money),
    datetime: _nested(_put_moment, _get_moment),
    tuple[Level, ...]: _Field(_put_levels, _get_levels),
}
_FIELDS: dict[str, dict[str, _Field]] = {
    kind: {name: _BY_TYPE[hint] for name, hint in get_type_hints(event).items()}
    for kind, event in EVENT_TYPES.items()
}
