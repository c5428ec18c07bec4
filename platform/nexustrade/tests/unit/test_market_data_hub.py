"""Fan-out of market data to streaming clients, and what they are told."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services.market_data.hub import Hub, Subscriber
from services.market_data.services import MarketDataService
from services.market_data.views import quote_of
from shared.errors import NotFound
from shared.events import envelope_for
from shared.events.types import BookChanged, TradeExecuted
from shared.money import Price, Quantity

pytestmark = pytest.mark.services("market-data")
MOMENT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def test_everyone_who_listens_gets_the_message_and_nobody_else():
    """A message reaches all subscribers of its symbol, and only those."""
    hub = Hub()
    first, second, other = Subscriber(["A"]), Subscriber(["A", "B"]), Subscriber(["B"])
    for subscriber in (first, second, other):
        hub.subscribe(subscriber)
    assert hub.publish("A", "one") == 2
    assert hub.publish("B", "two") == 2

    async def received(subscriber, count):
        return [await subscriber.next() for _ in range(count)]

    assert asyncio.run(received(first, 1)) == ["one"]
    assert asyncio.run(received(second, 2)) == ["one", "two"]
    assert asyncio.run(received(other, 1)) == ["two"]


def test_a_slow_client_is_dropped_and_the_others_miss_nothing():
    """A full queue ends its own subscription; the rest get every message."""
    hub = Hub()
    slow, quick = Subscriber(["A"], queue_size=2), Subscriber(["A"], queue_size=10)
    hub.subscribe(slow)
    hub.subscribe(quick)
    assert [hub.publish("A", str(number)) for number in range(5)] == [2, 2, 1, 1, 1]
    assert hub.listeners("A") == 1

    async def drain():
        await asyncio.wait_for(slow.dropped.wait(), 5)
        assert not quick.dropped.is_set()
        return [await quick.next() for _ in range(5)]

    assert asyncio.run(drain()) == ["0", "1", "2", "3", "4"]


def test_a_client_that_keeps_up_is_never_dropped():
    """However many messages come, a client that reads them stays within its queue."""

    async def scenario():
        hub, subscriber = Hub(), Subscriber(["A"], queue_size=1)
        hub.subscribe(subscriber)
        for number in range(100):
            assert hub.publish("A", str(number)) == 1
            assert await subscriber.next() == str(number)

    asyncio.run(scenario())


def test_leaving_twice_is_harmless():
    """Unsubscribing forgets the client and its symbols, however often."""
    hub, subscriber = Hub(), Subscriber(["A", "B"])
    hub.subscribe(subscriber)
    hub.unsubscribe(subscriber)
    hub.unsubscribe(subscriber)
    assert hub.publish("A", "x") == hub.listeners("B") == 0


class MemoryStore:
    """Remembers what it was asked to apply; `accept` False refuses like an old epoch."""

    def __init__(self):
        self.accept, self.applied = True, []

    def trade_apply(self, symbol, **fields):
        return self._apply(symbol, fields)

    def book_apply(self, symbol, **fields):
        return self._apply(symbol, fields)

    def _apply(self, symbol, fields):
        self.applied.append(fields)
        return quote_of(symbol, {b"volume": b"1"}) if self.accept else None

    def quote(self, _symbol):
        return None

    book = quote

    def trades(self, _symbol, _limit):
        return []


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def published():
    return []


@pytest.fixture
def service(store, published):
    return MarketDataService(
        store,
        is_listed=lambda symbol: symbol == "LISTED",
        publish=lambda symbol, message: published.append((symbol, json.loads(message))),
        cache_seconds=60,
    )


def trade():
    return envelope_for(
        TradeExecuted(
            trade_id="ACME-3",
            symbol="ACME",
            price=Price("10.50"),
            quantity=Quantity("0.25"),
            buy_order_id="b",
            sell_order_id="s",
            buy_account_id="1",
            sell_account_id="2",
            aggressor_side="buy",
            executed_at=MOMENT,
        ),
        producer="matching",
        aggregate_id="ACME",
        sequence=3,
        epoch=4,
    )


def test_a_trade_is_applied_with_its_fence_and_published_with_the_quote(service, store, published):
    """A trade reaches the store with epoch and sequence, and the stream with the new quote."""
    service.event_apply(trade())
    assert (store.applied[0]["epoch"], store.applied[0]["sequence"]) == (4, 3)
    assert store.applied[0]["lots"] == 250_000_000
    assert [message["type"] for _, message in published] == ["trade", "quote"]
    assert published[0][1]["data"]["price"] == "10.5"


def test_volume_counts_by_the_exchanges_date(service, store):
    """A trade after midnight UTC belongs to the evening before in New York."""
    service.event_apply(trade())
    assert store.applied[0]["day"] == "2026-11-23"


def test_what_the_store_refuses_is_not_published(service, store, published):
    """A repetition, or an event of an overtaken leader, reaches no client."""
    store.accept = False
    service.event_apply(trade())
    assert published == []


def test_a_book_keeps_its_levels_as_text(service, store):
    """Book levels are shown as plain decimals, best first."""
    book = BookChanged(
        symbol="ACME",
        bids=((Price("10.250"), Quantity("100")), (Price("10.2"), Quantity("1"))),
        asks=(),
        last_price=None,
        changed_at=MOMENT,
    )
    service.event_apply(envelope_for(book, producer="m", aggregate_id="ACME", sequence=1, epoch=1))
    assert store.applied[0]["book"]["bids"] == [
        {"price": "10.25", "quantity": "100"},
        {"price": "10.2", "quantity": "1"},
    ]


def test_a_listed_symbol_without_orders_has_an_empty_market(service):
    """A listed instrument that nobody ordered yet has a quote without prices; others are not found."""
    assert service.quote_show("LISTED")["bid"] is None
    assert service.quote_show("LISTED")["volume"] == "0"
    assert service.book_show("LISTED", depth=5)["asks"] == []
    assert service.trades_list("LISTED", limit=5) == []
    for show in (service.quote_show, lambda symbol: service.book_show(symbol, depth=1)):
        with pytest.raises(NotFound):
            show("NONE")


def test_a_burst_of_readers_costs_one_look_into_the_store(service, store):
    """Readers that miss at the same moment share one read."""
    asked, readers, release = [], 8, threading.Event()

    def slow_quote(symbol):
        asked.append(symbol)
        release.wait(10)

    store.quote = slow_quote
    with ThreadPoolExecutor(readers) as pool:
        answers = [pool.submit(service.quote_show, "LISTED") for _ in range(readers)]
        release.set()
        assert {answer.result()["symbol"] for answer in answers} == {"LISTED"}
    assert asked == ["LISTED"]


def test_a_read_that_began_before_an_event_is_not_remembered_after_it(service, store):
    """An old value that arrives late is given to its reader, and not to the next one."""
    versions = ["old", "new"]

    def quote(symbol):
        version = versions.pop(0)
        if version == "old":
            service.event_apply(trade())
        return quote_of(symbol, {b"bid": version.encode()})

    store.quote = quote
    assert service.quote_show("ACME")["bid"] == "old"
    assert service.quote_show("ACME")["bid"] == "new"
