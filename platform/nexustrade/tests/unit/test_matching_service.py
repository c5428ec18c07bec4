"""The matching service over a store that lives in memory: once, in order, only as the leader."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.matching_bench import MOMENT, Bench, cancel, change, kinds, stop, submit

from services.matching.errors import Fenced, NotLeader
from shared.errors import NotFound
from shared.events.types import (
    BookChanged,
    OrderCancelled,
    OrderTriggered,
    ReplaceOrder,
    SetTradingStatus,
    TradeExecuted,
)
from shared.money import Price, Quantity

pytestmark = pytest.mark.services("matching")


@pytest.fixture
def bench():
    return Bench()


def test_executions_are_numbered_stamped_with_the_epoch_and_followed_by_the_book(bench):
    """A crossing order yields its trades, then the new book, in one gapless numbering."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(submit("b1", "buy", "8", "10"))
    published = bench.published()
    assert kinds(published) == [BookChanged, TradeExecuted, BookChanged]
    assert [envelope.sequence for envelope in published] == [1, 2, 3]
    assert {envelope.epoch for envelope in published} == {1}
    assert published[1].payload.trade_id == "ACME-2"
    assert published[2].payload.bids == ((Price("10"), Quantity("3")),)


def test_a_redelivered_command_is_not_applied_again(bench):
    """The same place of the log has no effect the second time."""
    bench.send(submit("s1", "sell", "5", "10"), offset=7)
    before = bench.book()
    bench.send(submit("s2", "sell", "5", "10"), offset=7)
    assert bench.book() == before


@pytest.mark.parametrize(
    "command",
    [
        submit("s2", "sell", "1", "10"),
        cancel("s1"),
        ReplaceOrder(
            order_id="s1",
            account_id="acc-s1",
            symbol="ACME",
            quantity=Quantity("3"),
            price=None,
            requested_at=MOMENT,
        ),
        SetTradingStatus(symbol="ACME", status="halted", requested_at=MOMENT),
    ],
    ids=lambda command: type(command).__name__,
)
def test_every_kind_of_command_is_applied_once_however_often_it_is_delivered(bench, command):
    """Its second delivery changes neither the book nor what is published."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(command, event_id="e", offset=9)
    once = bench.book(), bench.published()
    bench.send(command, event_id="e", offset=9)
    assert (bench.book(), bench.published()) == once


def test_a_command_sent_twice_by_its_sender_fills_once(bench):
    """A repetition further on in the log, after the order was filled, does not fill it again."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(submit("b1", "buy", "5", "10"), event_id="e-b1")
    bench.send(submit("s2", "sell", "5", "10"))
    bench.send(submit("b1", "buy", "5", "10"), event_id="e-b1")
    trades = [e.payload for e in bench.published() if isinstance(e.payload, TradeExecuted)]
    assert [trade.sell_order_id for trade in trades] == ["s1"]


def test_a_cluster_that_started_empty_is_read_from_its_beginning(bench):
    """Low offsets of another cluster are new commands."""
    bench.send(submit("s1", "sell", "5", "10"), offset=500)
    assert bench.service.applied_offset("c1", 0) == 500
    assert bench.service.applied_offset("c2", 0) is None
    bench.send(submit("s2", "sell", "5", "10"), offset=0, cluster="c2")
    assert set(bench.store.orders["ACME"]) == {"s1", "s2"}


def test_without_the_lead_nothing_is_matched(bench):
    """Once the lease is gone, a command is refused and nothing changes."""
    bench.send(submit("s1", "sell", "5", "10"))
    before = bench.book()
    bench.leading = None
    with pytest.raises(NotLeader):
        bench.send(submit("b1", "buy", "5", "10"))
    assert bench.service.epoch is None
    assert bench.book() == before


def test_a_leader_that_was_overtaken_cannot_store_anything(bench):
    """The store refuses the old epoch even while the old leader believes in its lease."""
    bench.send(submit("s1", "sell", "5", "10"))
    successor = Bench(bench.store, epoch=2)
    with pytest.raises(Fenced):
        bench.send(submit("b1", "buy", "5", "10"))
    assert kinds(successor.published()) == [BookChanged]


def test_a_step_that_was_not_stored_leaves_no_trace(bench):
    """When storing fails the book is read again, and the command can be applied once more."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.store.fail_next = True
    with pytest.raises(ConnectionError):
        bench.send(submit("b1", "buy", "2", "10"), event_id="e", offset=9)
    bench.send(submit("b1", "buy", "2", "10"), event_id="e", offset=9)
    trades = [e.payload for e in bench.published() if isinstance(e.payload, TradeExecuted)]
    assert [str(trade.quantity) for trade in trades] == ["2"]
    assert bench.book()[0]["asks"] == [{"price": "10", "quantity": "3"}]


def test_a_cancel_of_an_unknown_order_says_nothing(bench):
    """Cancelling what does not rest publishes nothing."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(cancel("nobody"))
    bench.send(cancel("s1"))
    bench.send(cancel("s1"))
    assert kinds(bench.published()) == [BookChanged, OrderCancelled, BookChanged]


def test_the_end_of_a_session_cancels_its_day_orders(bench):
    """Day orders of past trading dates are cancelled as session_end, once."""
    bench.send(submit("day", "buy", "5", "10", tif="day"))
    bench.send(submit("gtc", "buy", "5", "10"))
    session = date(2026, 11, 23).toordinal()
    for ended in (session - 1, session, session):
        bench.service.session_end(session=ended, calendar="CONTINUOUS")
    reasons = [e.payload.reason for e in bench.published() if isinstance(e.payload, OrderCancelled)]
    assert reasons == ["session_end"]
    assert set(bench.store.orders["ACME"]) == {"gtc"}


def test_a_book_of_an_unknown_symbol_is_not_found(bench):
    """Symbols that were never ordered have no book."""
    with pytest.raises(NotFound):
        bench.service.book_show("NONE", depth=5)


orders = st.tuples(
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 9),
    st.integers(98, 102),
    st.sampled_from(["day", "gtc", "ioc", "fok"]),
    st.integers(0, 30),
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(orders, min_size=1, max_size=40))
def test_a_recovered_book_continues_exactly_like_the_one_before(log):
    """A successor has the same queues in the same order, and the next sweep trades the same."""
    bench = Bench()
    for number, (side, quantity, price, tif, victim) in enumerate(log):
        bench.send(submit(f"o{number}", side, str(quantity), str(price), tif=tif))
        if victim < 10:
            bench.send(cancel(f"o{victim}"))
    before = bench.book()[0]
    successor = Bench(bench.store, epoch=2)
    successor.offset = bench.offset
    assert successor.book()[0] == before
    queues = [
        [(o.order_id, o.remaining, o.arrival) for o in service._books["ACME"].engine.book.in_queue_order()]
        for service in (bench.service, successor.service)
    ]
    assert queues[0] == queues[1]


def test_a_stop_that_fires_is_published_between_its_cause_and_its_fill(bench):
    """Trade, trigger and the stop's own trade leave in one step, in that order."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(submit("s2", "sell", "5", "11"))
    bench.send(stop("st", "buy", "2", "10"))
    before = len(bench.published())
    bench.send(submit("b1", "buy", "5", "10"))
    published = bench.published()[before:]
    assert kinds(published) == [TradeExecuted, OrderTriggered, TradeExecuted, BookChanged]
    assert published[1].payload.trigger_price == Price("10")
    assert (published[2].payload.buy_order_id, published[2].payload.price) == ("st", Price("11"))
    assert set(bench.store.orders["ACME"]) == {"s2"}


def test_a_successor_has_the_stops_and_the_status(bench):
    """Waiting stops fire after a change of leader, and a halt outlives it."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(stop("st", "sell", "2", "10"))
    bench.send(submit("bid", "buy", "9", "8"))
    successor = Bench(bench.store, epoch=2)
    successor.offset = bench.offset
    assert successor.book()[0]["stops"] == 1
    successor.send(submit("b1", "buy", "5", "10"))
    trades = [e.payload for e in successor.published() if isinstance(e.payload, TradeExecuted)]
    assert [(t.sell_order_id, str(t.price)) for t in trades] == [("s1", "10"), ("st", "8")]
    successor.send(SetTradingStatus(symbol="ACME", status="halted", requested_at=MOMENT))
    last = Bench(bench.store, epoch=3)
    last.offset = successor.offset
    assert last.book()[0]["status"] == "halted"
    last.send(submit("b2", "buy", "1", "7"))
    assert last.published()[-2].payload.reason == "halted"


def test_a_step_that_was_not_stored_fires_no_stop(bench):
    """When storing fails, the stop waits again and fires once when the command comes back."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(stop("st", "sell", "2", "10"))
    bench.store.fail_next = True
    with pytest.raises(ConnectionError):
        bench.send(submit("b1", "buy", "5", "10"), event_id="e", offset=9)
    bench.send(submit("b1", "buy", "5", "10"), event_id="e", offset=9)
    assert kinds(bench.published()).count(OrderTriggered) == 1
    assert bench.book()[0]["stops"] == 0


def test_a_replacement_is_stored_and_told(bench):
    """What is open afterwards is published, and a successor reads it."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.send(change("s1", "8", "11"))
    told = bench.published()[1].payload
    assert (told.quantity, told.price) == (Quantity("8"), Price("11"))
    assert Bench(bench.store, epoch=2).book()[0]["asks"] == [{"price": "11", "quantity": "8"}]


def test_orders_stored_before_there_were_calendars_are_read(bench):
    """A stored order of seven fields trades round the clock, with its place in the queue."""
    bench.send(submit("s1", "sell", "5", "10"))
    bench.store.orders["ACME"]["old"] = b'["a",-1,9000000000,3000000000,"day",739578,7]'
    successor = Bench(bench.store, epoch=2)
    assert successor.book()[0]["asks"][0] == {"price": "9", "quantity": "3"}
    successor.service.session_end(session=739578, calendar="CONTINUOUS")
    assert set(bench.store.orders["ACME"]) == {"s1"}


def test_an_order_that_arrives_after_its_session_does_not_rest(bench):
    """Submitted in time and late in the log: it trades what it can, the rest expires at once."""
    bench.send(submit("s1", "sell", "2", "10"))
    bench.service.session_end(session=date(2026, 11, 23).toordinal(), calendar="XNYS")
    bench.send(replace(submit("late", "buy", "5", "10", tif="day"), calendar="XNYS"))
    executed = [e.payload for e in bench.published() if not isinstance(e.payload, BookChanged)]
    assert [type(each) for each in executed] == [TradeExecuted, OrderCancelled]
    assert (executed[1].reason, executed[1].cancelled_quantity) == ("session_end", Quantity("3"))
