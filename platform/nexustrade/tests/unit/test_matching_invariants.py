"""What holds for the whole feature set, whatever commands arrive in whatever order."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.codec import decode_order, encode_order
from services.matching.commands import Cancel, EndSession, Replace, SetStatus, Submit
from services.matching.engine import MatchingEngine
from services.matching.executions import Cancelled, Replaced, Trade, Triggered
from services.matching.orders import BUY, SELL
from services.matching.stops import is_reached

pytestmark = pytest.mark.services("matching")
check = settings(max_examples=80, deadline=None, derandomize=True, database=None)

ids = st.integers(0, 40).map("o{}".format)
prices = st.integers(97, 103)
submits = st.builds(
    Submit,
    order_id=ids,
    account_id=st.sampled_from(["a", "b", "c"]),
    side=st.sampled_from([BUY, SELL]),
    quantity=st.integers(1, 20),
    price=st.one_of(st.none(), prices, prices),
    time_in_force=st.sampled_from(["day", "gtc", "gtc", "ioc", "fok"]),
    session=st.integers(1, 3),
    stop_price=st.one_of(st.none(), st.none(), prices),
    calendar=st.sampled_from(["CONTINUOUS", "XNYS"]),
)
replaces = st.builds(Replace, ids, st.integers(0, 25), st.one_of(st.none(), prices))
rest = st.one_of(
    st.builds(Cancel, ids),
    st.builds(EndSession, st.integers(1, 3), st.sampled_from(["CONTINUOUS", "XNYS"])),
    st.builds(SetStatus, st.sampled_from(["open", "open", "halted", "closed"])),
)
commands = st.lists(st.one_of(submits, submits, submits, replaces, rest), max_size=60)


def uniquely(log):
    """The log with a new id for every order; others mean the latest order of their name."""
    uses, result = defaultdict(int), []
    for command in log:
        if isinstance(command, Submit):
            uses[command.order_id] += 1
        named = hasattr(command, "order_id")
        name = f"{command.order_id}.{uses[command.order_id]}" if named else ""
        result.append(command._replace(order_id=name) if named else command)
    return result


def state(engine):
    orders = (*engine.book.in_queue_order(), *engine.stops.in_arrival_order())
    scalars = (engine.sequence, engine.arrivals, engine.last_price, engine.status)
    return scalars, [(order.order_id, encode_order(order)) for order in orders]


def restored(engine):
    """A new engine from what is stored of this one, as a recovery makes it."""
    copy = MatchingEngine(
        engine.symbol,
        sequence=engine.sequence,
        arrivals=engine.arrivals,
        last_price=engine.last_price,
        status=engine.status,
    )
    stored = {
        o.order_id: encode_order(o) for o in (*engine.book.orders.values(), *engine.stops.orders.values())
    }
    decoded = [decode_order(*each) for each in sorted(stored.items())]
    for order in sorted(decoded, key=lambda order: order.arrival):
        copy.restore(order)
    return copy


@check
@given(commands)
def test_no_command_leaves_a_crossed_book(log):
    """After every command, halts and cascades included, the best bid is below the best ask."""
    engine = MatchingEngine("ACME")
    for command in log:
        engine.apply(command)
        bid, ask = engine.book.bids.best(), engine.book.asks.best()
        assert bid is None or ask is None or bid.price < ask.price


@check
@given(commands)
def test_no_lot_is_lost_or_made(log):
    """Ordered, and added or given up by replacing, equals traded, cancelled and still open."""
    engine, owed, done = MatchingEngine("ACME"), defaultdict(int), defaultdict(int)
    for command in uniquely(log):
        if isinstance(command, Submit):
            owed[command.order_id] = command.quantity
        order = engine.open_order(getattr(command, "order_id", ""))
        open_before = order.remaining if order else 0
        for execution in engine.apply(command):
            if isinstance(execution, Trade):
                done[execution.taker_order_id] += execution.quantity
                done[execution.maker_order_id] += execution.quantity
            elif isinstance(execution, Cancelled):
                done[execution.order_id] += execution.quantity
            elif isinstance(execution, Replaced):
                owed[execution.order_id] += execution.quantity - open_before
    for order in (*engine.book.orders.values(), *engine.stops.orders.values()):
        done[order.order_id] += order.remaining
    assert {name: lots for name, lots in done.items() if lots} == {n: q for n, q in owed.items() if q}


@check
@given(commands)
def test_no_account_trades_with_itself(log):
    """Buyer and seller of every trade are two accounts."""
    engine = MatchingEngine("ACME")
    for command in log:
        for trade in engine.apply(command):
            if isinstance(trade, Trade):
                assert trade.taker_account_id != trade.maker_account_id


@check
@given(commands)
def test_no_stop_sleeps_through_a_trade_that_reaches_it(log):
    """After every command, the last price has reached none of the orders that still wait."""
    engine = MatchingEngine("ACME")
    for command in log:
        engine.apply(command)
        late = [o for o in engine.stops.orders.values() if is_reached(o.side, o.price, engine.last_price)]
        assert late == []


@check
@given(commands)
def test_every_stop_fires_at_the_price_of_the_latest_trade_or_one_of_this_step(log):
    """A stop is told a price that really traded."""
    engine = MatchingEngine("ACME")
    for command in log:
        before = engine.last_price
        traded = {before}
        for execution in engine.apply(command):
            if isinstance(execution, Trade):
                traded.add(execution.price)
            if isinstance(execution, Triggered):
                assert execution.price in traded


@check
@given(commands)
def test_a_replay_gives_the_identical_book_and_executions(log):
    """The same commands give the same answers, queues, stops and numbers."""
    first, second = MatchingEngine("ACME"), MatchingEngine("ACME")
    assert [first.apply(command) for command in log] == [second.apply(command) for command in log]
    assert state(first) == state(second)


@check
@given(commands, commands)
def test_a_recovered_engine_answers_like_the_one_before(log, more):
    """Built from what is stored, an engine has the same state and goes on the same way."""
    live = MatchingEngine("ACME")
    for command in log:
        live.apply(command)
    copy = restored(live)
    assert state(copy) == state(live)
    assert [copy.apply(command) for command in more] == [live.apply(command) for command in more]


@check
@given(commands)
def test_each_trade_takes_the_oldest_order_of_the_best_price(log):
    """No taker meets an order that came later, or asks for more, before one that was there already."""
    engine = MatchingEngine("ACME")
    for command in log:
        places = {o.order_id: (-o.price * o.side, o.arrival) for o in engine.book.orders.values()}
        met = defaultdict(list)
        for each in engine.apply(command):
            if isinstance(each, Trade) and each.maker_order_id in places:
                met[each.taker_order_id].append(places[each.maker_order_id])
        passed = [places[o.order_id] for o in engine.book.orders.values() if o.order_id in places]
        for taken in met.values():
            assert taken == sorted(taken)
            # An order that still rests at a price that traded stands behind every order that was taken.
            assert not [p for p in passed if p[0] == taken[-1][0] and p < taken[-1]]
