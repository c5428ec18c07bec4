"""Between wire types, engine integers and stored text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.codec import (
    LOT,
    decode_order,
    encode_order,
    to_price,
    to_quantity,
    to_submit,
)
from services.matching.executions import Trade
from services.matching.orders import BUY, SELL, RestingOrder
from services.matching.outbox import pack, unpack
from services.matching.published import trade_event
from services.matching.store import Position
from shared.errors import ValidationFailed
from shared.events import envelope_for
from shared.events.codec import decode
from shared.events.types import SubmitOrder
from shared.money import Price, Quantity
from shared.observability import current_trace_id, span

pytestmark = pytest.mark.services("matching")
check = settings(max_examples=200, deadline=None, derandomize=True, database=None)
MOMENT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


def submit(**fields):
    order = {
        "order_id": "o1",
        "account_id": "a1",
        "symbol": "ACME",
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "gtc",
        "price": Price("10.25"),
        "quantity": Quantity("100"),
        "submitted_at": MOMENT,
    }
    return SubmitOrder(**{**order, **fields})


@check
@given(st.decimals("0.000000001", "1000000000", places=9))
def test_prices_and_quantities_survive_the_engines_integers(amount):
    """Every amount of up to nine decimals comes back from ticks and lots exactly as it went in."""
    assert to_price(to_submit(submit(price=Price(amount))).price) == Price(amount)
    assert to_quantity(Quantity(amount).lots(LOT)) == Quantity(amount)


@check
@given(
    st.text(max_size=40),
    st.sampled_from([BUY, SELL]),
    st.integers(-(10**18), 10**18),
    st.integers(1, 10**18),
    st.sampled_from(["day", "gtc"]),
    st.integers(0, 10**6),
    st.integers(1, 10**12),
)
def test_a_stored_order_reads_back_identical(account_id, side, price, remaining, tif, session, arrival):
    """Storing and reading a resting order changes none of its fields."""
    order = RestingOrder("o1", account_id, side, price, remaining, tif, session, arrival)
    copy = decode_order("o1", encode_order(order))
    assert [getattr(copy, name) for name in RestingOrder.__slots__] == [
        getattr(order, name) for name in RestingOrder.__slots__
    ]


def test_tiny_price_steps_stay_apart():
    """Prices that differ by a hundredth of a cent are different prices to the engine."""
    low, high = (to_submit(submit(price=Price(text))).price for text in ("0.1000", "0.1001"))
    assert (to_price(low), to_price(high)) == (Price("0.1"), Price("0.1001"))


def test_a_market_order_has_no_price_in_the_engine():
    """A market order ignores a price that came with it."""
    assert to_submit(submit(order_type="market")).price is None
    assert to_submit(submit(order_type="market", price=None)).price is None


def test_a_limit_order_without_a_price_is_refused():
    """A limit order that lost its price is an error, not a market order."""
    with pytest.raises(ValidationFailed):
        to_submit(submit(price=None))


@pytest.mark.parametrize(
    ("submitted_at", "session"),
    [
        (datetime(2026, 11, 24, 4, 59, tzinfo=UTC), "2026-11-23"),
        (datetime(2026, 11, 24, 5, 0, tzinfo=UTC), "2026-11-24"),
    ],
)
def test_a_day_order_belongs_to_the_exchanges_date(submitted_at, session):
    """The session of a day order is the date in New York, not in UTC."""
    order = to_submit(submit(time_in_force="day", submitted_at=submitted_at))
    assert datetime.fromordinal(order.session).date().isoformat() == session


@pytest.mark.parametrize(("side", "buyer", "seller"), [(BUY, "taker", "maker"), (SELL, "maker", "taker")])
def test_a_trade_names_buyer_and_seller_by_the_takers_side(side, buyer, seller):
    """Who came to buy is the buyer, whether the order rested or not."""
    trade = Trade(7, 10_250_000_000, 3_000_000_000, side, "taker", "acc-taker", "maker", "acc-maker")
    event = trade_event(trade, "ACME", MOMENT)
    assert (event.buy_order_id, event.sell_order_id) == (buyer, seller)
    assert (event.buy_account_id, event.sell_account_id) == (f"acc-{buyer}", f"acc-{seller}")
    assert (event.trade_id, event.price, event.quantity) == ("ACME-7", Price("10.25"), Quantity("3"))


def test_an_outbox_message_keeps_the_event_and_its_trace():
    """What leaves the outbox is the event as it was, under the trace that caused it."""
    envelope = envelope_for(submit(), producer="matching", aggregate_id="ACME", sequence=5, epoch=2)
    with span("order"):
        trace_id, stored = current_trace_id(), pack(envelope)
    message = unpack(stored)
    assert decode(message.value) == envelope
    assert message.headers["event-type"] == "SubmitOrder"
    assert message.headers["traceparent"].split("-")[1] == trace_id


@pytest.mark.parametrize(
    ("other", "covered"),
    [
        (Position("c1", 0, 9), True),
        (Position("c1", 0, 10), True),
        (Position("c1", 0, 11), False),
        (Position("c1", 1, 3), False),
        (Position("c2", 0, 3), False),
    ],
)
def test_a_position_covers_only_the_same_log_up_to_itself(other, covered):
    """Offsets count within one partition of one cluster; another cluster's say nothing."""
    assert Position("c1", 0, 10).covers(other) is covered
