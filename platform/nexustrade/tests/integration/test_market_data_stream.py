"""Market data over HTTP and WebSocket."""

from __future__ import annotations

import json

import pytest
from support.client import expect
from support.trading import book_with, next_message, place, shown, streaming
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from shared import clock
from shared.config import Settings
from shared.events import envelope_for
from shared.events.producer import EventProducer
from shared.events.types import BookChanged
from shared.money import Price, Quantity

pytestmark = pytest.mark.services("gateway", "market-data", "matching")


@pytest.fixture
def publish(platform):
    """Publishes books of any epoch and sequence, as a matching engine would."""
    settings = Settings.from_mapping(dict(platform.environment("matching")))
    producer = EventProducer(settings)

    def send(symbol, price, *, epoch, sequence):
        event = BookChanged(
            symbol=symbol,
            bids=((Price(price), Quantity(1)),),
            asks=(),
            last_price=None,
            changed_at=clock.now(),
        )
        envelope = envelope_for(
            event, producer="matching", aggregate_id=symbol, epoch=epoch, sequence=sequence
        )
        producer.publish("executions", symbol, envelope)

    yield send
    producer.close()


def test_the_stream_starts_with_a_snapshot_and_goes_on_with_every_trade(platform, new_trader, new_symbol):
    """A client sees the present book first, then the trade, the book after it, and the quote."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(shares={symbol: "10"})
    place(seller, symbol, "sell", 5, "12")
    book_with(seller.client, symbol, bids=[], asks=[("12", "5")])
    with streaming(buyer.client, platform.url("gateway"), symbol) as stream:
        snapshot = next_message(stream, "snapshot")
        assert snapshot["data"]["quote"]["ask"] == "12"
        place(buyer, symbol, "buy", 2, "12")
        trade = next_message(stream, "trade")
        assert (trade["symbol"], trade["data"]["price"], trade["data"]["quantity"]) == (symbol, "12", "2")
        book = next_message(stream, "book")
        assert book["data"]["asks"] == [{"price": "12", "quantity": "3"}]
        assert snapshot["sequence"] < trade["sequence"] < book["sequence"]


def test_a_stream_carries_only_the_symbols_asked_for(platform, new_trader, new_symbol):
    """What happens in other markets does not appear."""
    wanted, other = new_symbol(), new_symbol()
    trader = new_trader()
    with streaming(trader.client, platform.url("gateway"), wanted) as stream:
        next_message(stream, "snapshot")
        place(trader, other, "buy", 1, "5")
        book_with(trader.client, other, bids=[("5", "1")], asks=[])
        place(trader, wanted, "buy", 1, "6")
        assert json.loads(stream.recv(timeout=15))["symbol"] == wanted


def test_the_gateways_stream_needs_a_token(platform):
    """Without an access token there is no stream."""
    url = platform.url("gateway").replace("http", "ws", 1)
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"{url}/api/v1/market/stream?symbols=ACME", proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 401


def test_the_services_own_stream_tells_why_it_ends(platform):
    """A caller without a service token is told by the close code."""
    url = platform.url("market-data").replace("http", "ws", 1)
    with connect(f"{url}/v1/stream?symbols=ACME", proxy=None, ssl=platform.addresses.tls) as stream:
        with pytest.raises(ConnectionClosedError):
            stream.recv(timeout=15)
        assert stream.close_code == 4401


def test_unknown_symbols_are_not_found(operator):
    """Quote, book and trades of a symbol that is not listed are problems of type not-found."""
    for kind in ("quotes", "books", "trades"):
        problem = expect(operator.get(f"/v1/market/{kind}/NOSUCH"), 404)
        assert problem["type"].endswith("/not-found")


def test_a_listed_symbol_has_an_empty_market_at_first(operator, new_symbol):
    """An instrument without orders has a quote without prices, an empty book and no trades."""
    symbol = new_symbol()
    assert expect(operator.get(f"/v1/market/quotes/{symbol}"), 200)["bid"] is None
    assert expect(operator.get(f"/v1/market/books/{symbol}"), 200)["bids"] == []
    assert expect(operator.get(f"/v1/market/trades/{symbol}"), 200)["items"] == []


def test_an_overtaken_leader_and_repetitions_change_nothing(operator, new_symbol, publish):
    """An older epoch is refused whatever its sequence says, and so is a sequence already seen."""
    symbol = new_symbol()
    publish(symbol, "10", epoch=5, sequence=1)
    publish(symbol, "11", epoch=4, sequence=2)
    publish(symbol, "12", epoch=5, sequence=1)
    publish(symbol, "13", epoch=5, sequence=3)
    quote = shown(operator, f"/v1/market/quotes/{symbol}", lambda quote: quote["bid"] == "13")
    publish(symbol, "14", epoch=4, sequence=9)
    publish(symbol, "15", epoch=5, sequence=4)
    seen = [quote["bid"]]

    def last(quote):
        seen.append(quote["bid"])
        return quote["bid"] == "15"

    shown(operator, f"/v1/market/quotes/{symbol}", last)
    assert set(seen) == {"13", "15"}


def test_depth_limits_the_levels(operator, new_symbol, new_trader):
    """A book is shown as deep as asked for; a depth below one is refused."""
    symbol, trader = new_symbol(), new_trader()
    for price in ("10", "11", "12"):
        place(trader, symbol, "buy", 1, price)
    book_with(operator, symbol, bids=[("12", "1"), ("11", "1"), ("10", "1")], asks=[])
    book = expect(operator.get(f"/v1/market/books/{symbol}?depth=2"), 200)
    assert [level["price"] for level in book["bids"]] == ["12", "11"]
    expect(operator.get(f"/v1/market/books/{symbol}?depth=0"), 422)
