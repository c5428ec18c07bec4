"""Matching and what follows it, while processes, brokers and leases go away and come back."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from redis import Redis
from support.client import expect
from support.executions import assert_no_double_fill, assert_ordered, executions_of, trades_in
from support.matched import engine_book, history_of, told
from support.trading import book_with, place, reaches, shown, trades_of
from support.wait import until

from services.matching.store import BookStore
from shared.events.codec import decode
from shared.events.types import OrderTriggered

pytestmark = pytest.mark.services("gateway", "orders", "matching", "market-data", "notifications")

KEY = "matching/leader"

# Who places orders, matches them, and tells of them.
NEEDED = ("gateway", "auth", "users", "orders", "risk", "matching", "market-data", "notifications")


@pytest.fixture(scope="module")
def chaos(own_platform):
    # What is late here is matching: gateway and credit check wait as long as it takes.
    patient = {
        "NEXUS__GATEWAY__DEADLINE_SECONDS": "25",
        "NEXUS__ORDERS__CREDIT_CHECK__TIMEOUT_SECONDS": "20",
    }
    return own_platform(links=[("matching", "redis")], services=NEEDED, env=patient)


@pytest.fixture
def market(chaos, market_on):
    chaos.wait_healthy()
    return market_on(chaos)


@pytest.fixture
def symbol(market):
    return market.new_symbol()


@pytest.fixture
def buyer(market):
    return market.new_trader(cash="0")


@pytest.fixture
def seller(market):
    return market.new_trader(cash="0")


def status(market):
    return expect(market.operator.get("/v1/matching/status"), 200)


def leading(market, *, above=0, timeout=30):
    """The epoch of the leader, once there is one above that."""

    def probe():
        answer = market.operator.get("/v1/matching/status")
        epoch = answer.json()["epoch"] if answer.status_code == 200 else None
        return epoch if epoch and epoch > above else None

    return until(probe, timeout=timeout, message=f"a leader with an epoch above {above}")


def end_session(consul):
    """Ends the leader's session, as a partition between leader and Consul does after its TTL."""
    holder = consul.kv.get(KEY)[1] or {}
    if holder.get("Session"):
        consul.session.destroy(holder["Session"])


def command_seen(chaos, order_id):
    """Whether the order's command is in the log."""
    return any(
        getattr(decode(message.value).payload, "order_id", None) == order_id
        for message in chaos.kafka.peek("order-commands", 2000)
    )


def test_a_killed_engine_recovers_its_book_and_loses_no_order(chaos, market, symbol, buyer, seller):
    """After a crash the queue is the same, and orders sent meanwhile execute once, in their order."""
    asks = [place(seller, symbol, "sell", quantity, "10") for quantity in (3, 4, 5)]
    book_with(market.operator, symbol, bids=[], asks=[("10", "12")])
    chaos.kill("matching")
    buys = [place(buyer, symbol, "buy", 5, "10"), place(buyer, symbol, "buy", 2, "9")]
    chaos.start_service("matching")
    reaches(buyer, buys[0], "filled", timeout=30)
    book_with(market.operator, symbol, bids=[("9", "2")], asks=[("10", "7")])
    history = executions_of(chaos, symbol)
    assert [(t.sell_order_id, str(t.quantity)) for t in trades_in(history)] == [
        (asks[0], "3"),
        (asks[1], "2"),
    ]
    assert_ordered(history)
    assert_no_double_fill(history, dict(zip([*asks, *buys], (3, 4, 5, 5, 2), strict=True)))


def test_a_lost_session_stops_matching_and_the_next_epoch_goes_on(chaos, market, symbol, buyer, seller):
    """Without the lease nothing trades; who is elected next does it under a higher epoch."""
    sell = place(seller, symbol, "sell", 5, "10")
    book_with(market.operator, symbol, bids=[], asks=[("10", "5")])
    before = leading(market)
    with another_leader(chaos):
        until(lambda: not status(market)["leader"], message="the old leader steps down")
        buy = place(buyer, symbol, "buy", 5, "10")
        until(lambda: command_seen(chaos, buy), message="the order is in the log")
        assert trades_in(executions_of(chaos, symbol)) == []
    after = leading(market, above=before)
    for trader, order_id in ((buyer, buy), (seller, sell)):
        reaches(trader, order_id, "filled")
    history = executions_of(chaos, symbol)
    assert [(e.epoch, e.payload.sell_order_id) for e in history if e.event_type == "TradeExecuted"] == [
        (after, sell)
    ]
    assert_ordered(history)


@contextmanager
def another_leader(chaos):
    """Somebody else holds the leader's key; nobody stands for election between the two."""
    consul = chaos.consul
    chaos.pause("matching")
    try:
        other = consul.session.create(name="other", ttl=3600, lock_delay=0)
        end_session(consul)
        assert consul.kv.put(KEY, "other", acquire=other)
    finally:
        chaos.resume("matching")
    try:
        yield
    finally:
        consul.session.destroy(other)


def test_a_leader_that_does_not_know_it_was_overtaken_is_refused(chaos, market, symbol, buyer, seller):
    """Once a newer epoch has claimed a book, the old leader cannot execute on it any more."""
    sell = place(seller, symbol, "sell", 5, "10")
    book_with(market.operator, symbol, bids=[], asks=[("10", "5")])
    before = leading(market)
    with Redis.from_url(chaos.addresses.redis) as redis:
        BookStore(redis).open(symbol, before + 1)
    buy = place(buyer, symbol, "buy", 5, "10")
    until(
        lambda: any(
            "FENCED" in str(line.get("error", "")) for line in chaos.logs("matching", level="warning")
        ),
        message="the step of the old epoch is refused",
    )
    assert trades_in(executions_of(chaos, symbol)) == []
    end_session(chaos.consul)
    reaches(buyer, buy, "filled", timeout=30)
    history = executions_of(chaos, symbol)
    assert [e.epoch > before for e in history if e.event_type == "TradeExecuted"] == [True]
    assert_no_double_fill(history, {buy: 5, sell: 5})


def test_brokers_that_go_down_and_come_back_lose_nothing(chaos, market, symbol, buyer, seller):
    """Orders sent while a broker is down execute once it is back, each of them once."""
    ordered = {place(seller, symbol, "sell", 2, "10"): 2}
    brokers = (1, 2, 3)
    try:
        for broker in brokers:
            chaos.kafka.broker_down(broker)
        ordered |= {place(seller, symbol, "sell", 2, "10"): 2 for _ in range(2)}
        buys = {place(buyer, symbol, "buy", 3, "10"): 3 for _ in range(2)}
    finally:
        for broker in brokers:
            chaos.kafka.broker_up(broker)
    for order_id in buys:
        reaches(buyer, order_id, "filled", timeout=60)
    history = executions_of(chaos, symbol)
    assert_ordered(history)
    assert_no_double_fill(history, ordered | buys)
    book_with(market.operator, symbol, bids=[], asks=[])


def test_a_store_that_does_not_answer_delays_orders_and_doubles_none(chaos, market, symbol, buyer, seller):
    """While Redis is silent no order executes; afterwards each executes once."""
    sells = [place(seller, symbol, "sell", 5, "10")]
    book_with(market.operator, symbol, bids=[], asks=[("10", "5")])
    link = chaos.faults.link("matching", "redis")
    retries = len(chaos.logs("matching", event="event will be tried again"))
    link.black_hole()
    try:
        buys = [place(buyer, symbol, "buy", 3, "10"), place(buyer, symbol, "buy", 2, "10")]
        until(
            lambda: len(chaos.logs("matching", event="event will be tried again")) > retries,
            message="the step is tried again",
        )
        assert trades_in(executions_of(chaos, symbol)) == []
    finally:
        link.heal()
    for order_id in buys:
        reaches(buyer, order_id, "filled", timeout=30)
    history = executions_of(chaos, symbol)
    assert [str(trade.quantity) for trade in trades_in(history)] == ["3", "2"]
    assert_ordered(history)
    assert_no_double_fill(history, dict(zip(sells + buys, (5, 3, 2), strict=True)))


def test_market_data_catches_up_after_a_crash(chaos, market, symbol, buyer, seller):
    """Trades made while market data was dead appear once; book and volume are right."""
    place(seller, symbol, "sell", 10, "10")
    first = place(buyer, symbol, "buy", 2, "10")
    reaches(buyer, first, "filled")
    shown(market.operator, f"/v1/market/quotes/{symbol}", lambda quote: quote["volume"] == "2")
    chaos.kill("market-data")
    second = place(buyer, symbol, "buy", 3, "10")
    reaches(buyer, second, "filled")
    chaos.start_service("market-data")
    book_with(market.operator, symbol, bids=[], asks=[("10", "5")])
    quote = shown(market.operator, f"/v1/market/quotes/{symbol}", lambda quote: quote["volume"] == "5")
    assert quote["last"] == "10"
    assert [trade["quantity"] for trade in trades_of(market.operator, symbol)] == ["2", "3"]


def test_notifications_arrive_after_a_crash_of_their_service(chaos, symbol, buyer, seller):
    """A fill that happened while notifications was dead is told afterwards, once."""
    chaos.kill("notifications")
    place(seller, symbol, "sell", 1, "10")
    buy = place(buyer, symbol, "buy", 1, "10")
    reaches(buyer, buy, "filled")
    chaos.start_service("notifications")
    answer = shown(
        buyer.client,
        f"/v1/notifications?account_id={buyer.account_id}",
        lambda answer: len(answer["items"]) >= 2,
    )
    kinds = [item["kind"] for item in answer["items"] if item["order_id"] == buy]
    assert sorted(kinds) == ["order_closed", "order_filled"]


def test_stops_and_queues_survive_a_killed_engine(chaos, market, symbol, buyer, seller):
    """Waiting stops fire after a crash, once, by the trade that reaches them, and queues keep their order."""
    guard = market.new_trader(cash="0")
    stop = place(guard, symbol, "sell", 2, order_type="stop", stop_price="1.13", time_in_force="gtc")
    asks = [place(seller, symbol, "sell", 2, "1.13", time_in_force="gtc") for _ in range(2)]
    bid = place(buyer, symbol, "buy", 2, "1.00", time_in_force="gtc")
    engine_book(market, symbol, lambda book: book["stops"] == 1 and book["bids"])
    chaos.kill("matching")
    take = place(buyer, symbol, "buy", 2, "1.13", time_in_force="ioc")
    chaos.start_service("matching")
    history = history_of(market, buyer, symbol)
    assert [(t.buy_order_id, t.sell_order_id) for t in trades_in(history)] == [(take, asks[0]), (bid, stop)]
    assert [str(each.trigger_price) for each in told(history, OrderTriggered)] == ["1.13"]
    assert_ordered(history)


def test_a_halt_outlives_a_killed_engine(chaos, market, symbol, seller):
    """The trading status is part of what is recovered."""
    place(seller, symbol, "sell", 2, "10", time_in_force="gtc")
    book_with(market.operator, symbol, bids=[], asks=[("10", "2")])
    expect(market.operator.put(f"/v1/instruments/{symbol}/status", json={"status": "halted"}), 200, 202)
    engine_book(market, symbol, lambda book: book["status"] == "halted")
    before = leading(market)
    chaos.kill("matching")
    chaos.start_service("matching")
    leading(market, above=before)
    assert engine_book(market, symbol, lambda book: book["asks"])["status"] == "halted"
