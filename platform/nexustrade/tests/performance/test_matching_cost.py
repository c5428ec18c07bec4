"""What an order costs the matching engine and its store, in ratios and counts."""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime
from functools import partial

import pytest
from support.round_trips import counted_redis

from services.matching.commands import Cancel, Replace, Submit
from services.matching.engine import MatchingEngine
from services.matching.orders import BUY, SELL
from services.matching.services import MatchingService
from services.matching.store import BookStore, Position
from shared.events import envelope_for
from shared.events.types import SubmitOrder
from shared.money import Price, Quantity

pytestmark = pytest.mark.services("matching")

MIDDLE = 100_000
MOMENT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


def engine_with(resting, *, levels):
    """An engine with that many resting orders, spread evenly over the levels of both sides."""
    engine = MatchingEngine("ACME")
    for number in range(resting):
        side = BUY if number % 2 else SELL
        price = MIDDLE - side * (1 + number // 2 % levels)
        engine.submit(Submit(f"r{number}", "a", side, 1_000_000, price, "gtc"))
    return engine


def seconds(work):
    gc.disable()
    try:
        begin = time.process_time()
        work()
        return time.process_time() - begin
    finally:
        gc.enable()


def ratio(work, *, small, large, rounds=5):
    """The cheapest round on the large engine over the cheapest on the small one."""
    times = [(seconds(lambda: work(small)), seconds(lambda: work(large))) for _ in range(rounds)]
    return min(large for _, large in times) / min(small for small, _ in times)


def add_and_cancel(engine, number=1000):
    for index in range(number):
        price = MIDDLE - 1 - index % 50
        engine.submit(Submit(f"n{index}", "a", BUY, 5, price, "gtc"))
    for index in range(number):
        engine.apply(Cancel(f"n{index}"))


def cross(engine, number=1000):
    for index in range(number):
        engine.submit(Submit(f"x{index}", "b", BUY, 3, MIDDLE + 1, "ioc"))


def new_levels(engine, number=1000):
    """Opens and closes a price of its own between the best ones each time."""
    for index in range(number):
        engine.submit(Submit(f"l{index}", "a", BUY, 1, MIDDLE, "gtc"))
        engine.apply(Cancel(f"l{index}"))


@pytest.fixture(scope="module")
def engines():
    return {"small": engine_with(1_000, levels=200), "large": engine_with(100_000, levels=200)}


@pytest.mark.parametrize("work", [add_and_cancel, cross, new_levels])
def test_an_order_costs_the_same_in_a_hundred_times_larger_book(engines, work):
    """Adding, cancelling, crossing and opening a price do not depend on how many orders rest."""
    assert ratio(work, **engines) < 4


def test_depth_costs_the_same_however_many_levels_there_are():
    """The top of the book is read without looking at the rest of it."""
    small, large = engine_with(200, levels=100), engine_with(20_000, levels=10_000)

    def top(engine):
        for _ in range(500):
            engine.book.bids.depth(10)
            engine.book.asks.depth(10)

    assert ratio(top, small=small, large=large) < 4


def submit(symbol, order_id, side, quantity, price):
    return envelope_for(
        SubmitOrder(
            order_id=order_id,
            account_id=f"a-{side}",
            symbol=symbol,
            side=side,
            order_type="limit",
            time_in_force="gtc",
            price=Price(price),
            quantity=Quantity(quantity),
            submitted_at=MOMENT,
        ),
        producer="orders",
        aggregate_id=order_id,
    )


def test_a_command_is_one_round_trip_to_the_store(platform, market):
    """Resting, crossing one order or sweeping forty: a step is stored in a single call."""
    symbol = market.name("RT")
    with counted_redis(platform.environment("matching")["REDIS_URL"]) as (redis, trips):
        service = MatchingService(
            BookStore(redis), producer_name="test", leads=lambda _: True, on_output=lambda _: None
        )
        service._epoch = 1
        log = [submit(symbol, f"s{number}", "sell", 1, str(10 + number)) for number in range(42)]
        log += [submit(symbol, "b1", "buy", 1, "10"), submit(symbol, "b2", "buy", 41, "60")]
        service.command_apply(log[0], Position("c", 0, 0))
        counts = [
            trips.of(partial(service.command_apply, envelope, Position("c", 0, offset)))
            for offset, envelope in enumerate(log[1:], start=1)
        ]
        assert service.book_show(symbol, depth=5)["asks"] == []
        assert set(counts) == {1}
        repeated = trips.of(lambda: service.command_apply(log[-1], Position("c", 0, 99)))
        assert repeated == 0
        redis.delete(*redis.keys(f"matching:{{{symbol}}}:*"))
        redis.srem("matching:symbols", symbol)


def test_recovery_takes_the_same_few_round_trips_for_any_book(platform, market):
    """Reading a book back costs the same number of calls with one order and with two hundred."""
    with counted_redis(platform.environment("matching")["REDIS_URL"]) as (redis, trips):
        store = BookStore(redis)
        counts = []
        for resting in (1, 200):
            symbol = market.name("RC")
            service = MatchingService(
                store, producer_name="test", leads=lambda _: True, on_output=lambda _: None
            )
            service._epoch = 1
            for number in range(resting):
                service.command_apply(
                    submit(symbol, f"o{number}", "buy", 1, str(1 + number)), Position("c", 0, number)
                )
            counts.append(trips.of(partial(store.open, symbol, 1)))
            assert len(store.open(symbol, 1).orders) == resting
            redis.delete(*redis.keys(f"matching:{{{symbol}}}:*"))
            redis.srem("matching:symbols", symbol)
        assert counts[0] == counts[1] <= 3


def waiting_far(stops):
    """A small book, and that many stop orders which no trade in it reaches."""
    engine = engine_with(1_000, levels=200)
    for number in range(stops):
        price = MIDDLE + 10_000 + number % 500
        engine.submit(Submit(f"st{number}", "s", BUY, 1, None, "gtc", 0, price))
    return engine


def test_stops_that_are_not_reached_cost_a_trade_nothing():
    """A trade looks at the nearest stop only, however many wait behind it."""
    engines = {"small": waiting_far(10), "large": waiting_far(20_000)}
    assert ratio(cross, **engines) < 4
    assert len(engines["large"].stops.orders) == 20_000


def test_replacing_costs_the_same_in_a_hundred_times_larger_book(engines):
    """An order is found by its id, and changed in its place."""

    def replace(engine):
        for index in range(900):
            engine.apply(Replace(f"r{index}", 1_000_000 - engine.arrivals % 7, None))

    assert ratio(replace, **engines) < 4
