"""What holds for the matching engine whatever orders arrive."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.commands import Cancel, EndSession, Submit
from services.matching.engine import MatchingEngine
from services.matching.executions import Cancelled, Trade
from services.matching.orders import BUY, SELL

pytestmark = pytest.mark.services("matching")

submits = st.builds(
    Submit,
    order_id=st.integers(0, 60).map("o{}".format),
    account_id=st.sampled_from(["a", "b", "c"]),
    side=st.sampled_from([BUY, SELL]),
    quantity=st.integers(1, 20),
    price=st.one_of(st.none(), st.integers(95, 105)),
    time_in_force=st.sampled_from(["day", "gtc", "ioc", "fok"]),
    session=st.integers(1, 3),
    stop_price=st.none(),
    calendar=st.just("CONTINUOUS"),
)
cancels = st.builds(Cancel, st.integers(0, 60).map("o{}".format))
sessions = st.builds(EndSession, st.integers(1, 3))
commands = st.lists(st.one_of(submits, submits, submits, cancels, sessions), max_size=80)
check = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def run(log):
    engine = MatchingEngine("ACME")
    return engine, [engine.apply(command) for command in log]


def book_of(engine):
    return [(o.order_id, o.side, o.price, o.remaining, o.arrival) for o in engine.book.in_queue_order()]


def with_unique_ids(log):
    """The same log with each order id used once; a cancel means the latest order of its name."""
    uses, result = defaultdict(int), []
    for command in log:
        if isinstance(command, Submit):
            uses[command.order_id] += 1
        if not isinstance(command, EndSession):
            name = f"{command.order_id}.{uses[command.order_id]}"
            command = command._replace(order_id=name)  # noqa: PLW2901 - the renamed one is what counts
        result.append(command)
    return result


@check
@given(commands)
def test_the_book_is_never_crossed(log):
    """After every command the best bid is below the best ask."""
    engine = MatchingEngine("ACME")
    for command in log:
        engine.apply(command)
        bid, ask = engine.book.bids.best(), engine.book.asks.best()
        assert bid is None or ask is None or bid.price < ask.price


@check
@given(commands)
def test_quantity_is_conserved(log):
    """What was ordered is what traded, was cancelled, or still rests, order by order."""
    log = with_unique_ids(log)
    engine, outcomes = run(log)
    accounted = defaultdict(int)
    for execution in [e for executions in outcomes for e in executions]:
        if isinstance(execution, Trade):
            accounted[execution.taker_order_id] += execution.quantity
            accounted[execution.maker_order_id] += execution.quantity
        else:
            accounted[execution.order_id] += execution.quantity
    for order in engine.book.in_queue_order():
        accounted[order.order_id] += order.remaining
    assert accounted == {c.order_id: c.quantity for c in log if isinstance(c, Submit)}


@check
@given(commands)
def test_levels_hold_the_sum_of_their_orders(log):
    """The quantity shown at a price is the sum of its orders, and no empty level stays behind."""
    engine, _ = run(log)
    for side in (engine.book.bids, engine.book.asks):
        assert sorted(price * side.side for price in side.levels) == side.ranks
        for level in side.levels.values():
            assert level.quantity == sum(order.remaining for order in level.orders.values()) > 0


@check
@given(commands)
def test_makers_fill_by_price_and_then_arrival(log):
    """Each trade is with the oldest order of the best price of the other side."""
    engine = MatchingEngine("ACME")
    for command in log:
        side = SELL if isinstance(command, Submit) and command.side == BUY else BUY
        expected = [
            o.order_id for level in engine.book.side(side).best_first() for o in level.orders.values()
        ]
        makers = [e.maker_order_id for e in engine.apply(command) if isinstance(e, Trade)]
        assert makers == expected[: len(makers)]


@check
@given(commands)
def test_orders_of_a_level_stand_in_order_of_arrival(log):
    """Within every price the arrival numbers rise from the front of the queue to its end."""
    engine, _ = run(log)
    for side in (engine.book.bids, engine.book.asks):
        for level in side.levels.values():
            arrivals = [order.arrival for order in level.orders.values()]
            assert arrivals == sorted(set(arrivals))


@check
@given(commands)
def test_replaying_the_log_gives_the_identical_book_and_trades(log):
    """The same commands give the same executions, sequence numbers and queues."""
    first, second = run(log), run(log)
    assert first[1] == second[1]
    assert book_of(first[0]) == book_of(second[0])
    assert first[0].sequence == second[0].sequence


@check
@given(commands)
def test_limits_and_fill_or_kill_are_honoured(log):
    """Nobody trades beyond his limit, and a fill-or-kill order trades completely or not at all."""
    for command, executions in zip(log, run(log)[1], strict=True):
        traded = [e for e in executions if isinstance(e, Trade)]
        if not isinstance(command, Submit):
            assert not traded
            continue
        if command.price is not None:
            assert all(e.price * command.side <= command.price * command.side for e in traded)
        if command.time_in_force == "fok":
            assert sum(e.quantity for e in traded) in {0, command.quantity}


@check
@given(commands)
def test_sequence_numbers_have_no_gap(log):
    """Executions are numbered 1, 2, 3 and so on over the whole log."""
    numbers = [e.sequence for executions in run(log)[1] for e in executions]
    assert numbers == list(range(1, len(numbers) + 1))


@check
@given(commands)
def test_what_may_not_rest_never_rests(log):
    """Market, IOC and FOK orders leave nothing in the book and say so."""
    engine = MatchingEngine("ACME")
    for command in with_unique_ids(log):
        executions = engine.apply(command)
        if isinstance(command, Submit) and (command.price is None or command.time_in_force in {"ioc", "fok"}):
            assert command.order_id not in engine.book.orders
            filled = sum(e.quantity for e in executions if isinstance(e, Trade))
            left = [e.quantity for e in executions if isinstance(e, Cancelled)]
            assert left == ([command.quantity - filled] if filled < command.quantity else [])
