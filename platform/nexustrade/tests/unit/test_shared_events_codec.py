"""Events to bytes and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.events import EXAMPLES, MOMENT

from proto import events_pb2 as pb
from shared.events import DecodeError, EncodeError, envelope_for
from shared.events.codec import decode, encode
from shared.events.types import AccountOpened, SubmitOrder, TradeExecuted, TradeSettled
from shared.events.versions import current_version
from shared.money import Money, Price, Quantity

pytestmark = pytest.mark.services("matching", "orders", "risk", "settlement")

BY_TYPE: dict[type, Any] = {type(each): each for each in EXAMPLES}
TRADE = BY_TYPE[TradeExecuted]


def enveloped(payload: Any, **fields: Any) -> Any:
    return envelope_for(payload, producer="matching", aggregate_id="AAPL", **fields)


def wire(payload: Any, **fields: Any) -> pb.Envelope:
    """An encoded event as its protobuf message, to be changed by a test."""
    return pb.Envelope.FromString(encode(enveloped(payload, **fields)))


def test_the_envelope_keeps_what_orders_and_fences_events() -> None:
    """Identity, producer, sequence and epoch arrive as they were sent."""
    sent = enveloped(TRADE, sequence=2**40, epoch=9, event_id="e-1", occurred_at=MOMENT)
    received = decode(encode(sent))
    assert received == sent
    assert (received.event_id, received.sequence, received.epoch) == ("e-1", 2**40, 9)
    assert received.occurred_at == MOMENT


@given(
    price=st.decimals(min_value=-(10**8), max_value=10**8, places=9),
    quantity=st.decimals(min_value=0, max_value=10**8, places=9),
)
@settings(deadline=None)
def test_prices_and_quantities_travel_exactly(price: Decimal, quantity: Decimal) -> None:
    """No value on the grid of a billionth changes on the wire."""
    trade = replace(TRADE, price=Price(price), quantity=Quantity(quantity))
    received = decode(encode(enveloped(trade))).payload
    assert (received.price, received.quantity) == (trade.price, trade.quantity)


@given(cash=st.decimals(min_value=-(10**14), max_value=10**14, places=9))
@settings(deadline=None)
def test_money_travels_exactly(cash: Decimal) -> None:
    """Sums of either sign keep every place."""
    settled = replace(BY_TYPE[TradeSettled], cash=Money(cash, "EUR"))
    assert decode(encode(enveloped(settled))).payload.cash == Money(cash, "EUR")


def test_a_price_is_read_by_the_tick_size_that_came_with_it() -> None:
    """1025 ticks of a cent and 102500 ticks of a hundredth of a cent are one price."""
    message = wire(TRADE)
    message.trade_executed.price.price_ticks, message.trade_executed.price.tick_size_nanos = 1025, 10_000_000
    assert decode(message.SerializeToString()).payload.price == Price("10.25")
    message.trade_executed.price.price_ticks, message.trade_executed.price.tick_size_nanos = 102500, 100_000
    assert decode(message.SerializeToString()).payload.price == Price("10.25")


@pytest.mark.parametrize(
    "payload",
    [
        replace(TRADE, price=Price("0.0000000001")),
        replace(TRADE, quantity=Quantity("99999999999.999999999")),
        replace(TRADE, executed_at=datetime(2026, 1, 1)),  # noqa: DTZ001
        replace(TRADE, symbol=None),
        replace(BY_TYPE[TradeSettled], cash=Money("0.0000000001")),
    ],
)
def test_what_does_not_fit_the_wire_is_refused(payload: Any) -> None:
    """Too fine, too large, without a zone or absent: refused, never rounded or guessed."""
    with pytest.raises(EncodeError):
        encode(enveloped(payload))


def test_only_the_present_version_is_written() -> None:
    """An envelope that claims another version or another type is a mistake of the producer."""
    with pytest.raises(EncodeError):
        encode(replace(enveloped(TRADE), schema_version=current_version("TradeExecuted") + 1))
    with pytest.raises(EncodeError):
        encode(replace(enveloped(TRADE), event_type="OrderFilled"))


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\xff" * 12, b"\x00"])
def test_bytes_that_are_no_event_are_refused(data: bytes) -> None:
    """Rubbish raises DecodeError, which a consumer dead-letters."""
    with pytest.raises(DecodeError):
        decode(data)


@pytest.mark.parametrize("version", [0, 3, 99])
def test_an_unknown_version_is_refused(version: int) -> None:
    """A newer message may mean something else by the same fields."""
    message = wire(TRADE)
    message.schema_version = version
    with pytest.raises(DecodeError, match="version"):
        decode(message.SerializeToString())


def test_an_event_under_another_name_is_refused() -> None:
    """The declared type and the payload must agree."""
    message = wire(TRADE)
    message.event_type = "OrderFilled"
    with pytest.raises(DecodeError):
        decode(message.SerializeToString())
    message.event_type = "OrderShredded"
    with pytest.raises(DecodeError):
        decode(message.SerializeToString())


@pytest.mark.parametrize("field", ["price", "quantity", "executed_at"])
def test_a_missing_part_is_refused(field: str) -> None:
    """An absent price is no price of nought."""
    message = wire(TRADE)
    message.trade_executed.ClearField(field)
    with pytest.raises(DecodeError, match=field):
        decode(message.SerializeToString())


def test_a_size_of_nought_is_refused() -> None:
    """A price in the present version says how large its tick is."""
    message = wire(TRADE)
    message.trade_executed.price.ClearField("tick_size_nanos")
    with pytest.raises(DecodeError):
        decode(message.SerializeToString())


def test_an_order_of_the_first_version_is_good_for_the_day() -> None:
    """Before times in force existed, every order ended with its day."""
    message = wire(BY_TYPE[SubmitOrder])
    message.schema_version = 1
    message.submit_order.ClearField("time_in_force")
    assert decode(message.SerializeToString()).payload.time_in_force == "day"


def test_a_trade_of_the_first_version_is_in_cents_and_single_shares() -> None:
    """Before tick sizes travelled, a tick was a cent and a lot a share."""
    message = wire(TRADE)
    message.schema_version = 1
    message.trade_executed.price.CopyFrom(pb.Price(price_ticks=1025))
    message.trade_executed.quantity.CopyFrom(pb.Quantity(quantity_lots=100))
    received = decode(message.SerializeToString())
    assert (received.payload.price, received.payload.quantity) == (Price("10.25"), Quantity(100))
    assert received.schema_version == current_version("TradeExecuted")


def test_an_account_of_the_first_version_belongs_to_the_default_tenant() -> None:
    """Before there were tenants, there was one."""
    message = wire(BY_TYPE[AccountOpened])
    message.schema_version = 1
    message.account_opened.ClearField("tenant")
    assert decode(message.SerializeToString()).payload.tenant == "default"


def test_a_present_value_is_not_overwritten_by_an_upcast() -> None:
    """An event of the present version keeps what it says."""
    assert decode(encode(enveloped(BY_TYPE[SubmitOrder]))).payload.time_in_force == "gtc"
    assert decode(encode(enveloped(BY_TYPE[AccountOpened]))).payload.tenant == "retail"


def test_moments_come_back_in_utc() -> None:
    """Wherever a moment was taken, it is read in UTC."""
    received = decode(encode(enveloped(TRADE)))
    assert received.payload.executed_at.tzinfo is UTC
    assert received.payload.executed_at == MOMENT


def test_an_order_written_before_stops_and_calendars_has_neither() -> None:
    """Orders that were sent without the newer fields trade around the clock and wait for no price."""
    message = wire(BY_TYPE[SubmitOrder])
    message.submit_order.ClearField("stop_price")
    message.submit_order.ClearField("calendar")
    received = decode(message.SerializeToString()).payload
    assert (received.stop_price, received.calendar) == (None, "")
