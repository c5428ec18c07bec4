"""What market data costs per event and per reader, in counts."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import threading
import uuid
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi import FastAPI
from support.round_trips import counted_redis
from support.trading import next_message, streaming
from support.wait import until
from websockets.sync.client import connect as websocket

from services.market_data import stream
from services.market_data.hub import Hub
from services.market_data.services import MarketDataService
from services.market_data.store import MarketStore
from services.market_data.stream import make_stream_router
from shared import clock
from shared.config import Settings
from shared.events import envelope_for
from shared.events.producer import EventProducer
from shared.events.types import BookChanged
from shared.money import Price, Quantity
from shared.security import Identity
from shared.security.service_tokens import TokenIssuer

pytestmark = pytest.mark.services("gateway", "market-data")


def book(symbol, sequence, *, depth=1):
    levels = tuple((Price(1000 - level), Quantity(sequence)) for level in range(depth))
    event = BookChanged(symbol=symbol, bids=levels, asks=(), last_price=None, changed_at=clock.now())
    return envelope_for(event, producer="matching", aggregate_id=symbol, epoch=1, sequence=sequence)


@pytest.fixture
def producer(platform):
    producer = EventProducer(Settings.from_mapping(dict(platform.environment("matching"))))
    yield producer
    producer.close()


def publish_all(producer, symbol, count, **options):
    sent = [
        producer.publish("executions", symbol, book(symbol, sequence, **options), wait=False)
        for sequence in range(1, count + 1)
    ]
    for future in sent:
        producer.result(future)


def test_every_client_gets_every_update_once(platform, operator, new_symbol, producer):
    """Ten clients of one symbol each receive all thirty books, in order, none twice."""
    symbol, events = new_symbol(), 30
    with ExitStack() as stack:
        streams = [
            stack.enter_context(streaming(operator, platform.url("gateway"), symbol)) for _ in range(10)
        ]
        for stream in streams:
            next_message(stream, "snapshot")
        publish_all(producer, symbol, events)
        for stream in streams:
            received = [next_message(stream, "book")["sequence"] for _ in range(events)]
            assert received == list(range(1, events + 1))


class Streams:
    """The stream router behind a server of its own; `publish` is what the Kafka consumer would call."""

    def __init__(self):
        secret = uuid.uuid4().hex
        self.settings = SimpleNamespace(service="market-data", service_token_secret=secret)
        self.hub = Hub()
        app = FastAPI(lifespan=self._lifespan)
        app.include_router(make_stream_router(SimpleNamespace(snapshot=str), self.hub, self.settings))
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(app, ws="websockets-sansio", log_config=None, timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})

    @asynccontextmanager
    async def _lifespan(self, _app):
        self._loop = asyncio.get_running_loop()
        yield

    def publish(self, symbol, message):
        """Hands a message over and returns how many clients it was queued for."""

        async def call():
            return self.hub.publish(symbol, message)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(15)

    def connect(self, symbol, **options):
        return websocket(
            f"ws://127.0.0.1:{self.port}/v1/stream?symbols={symbol}",
            additional_headers=dict([self.authorization()]),
            proxy=None,
            **options,
        )

    def authorization(self):
        tokens = TokenIssuer("gateway", self.settings.service_token_secret)
        return "Authorization", f"Bearer {tokens.token('market-data', Identity('test'))}"

    def __enter__(self):
        self._thread.start()
        until(lambda: self._server.started, message="the server listens")
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(15)


def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(monkeypatch):
    """While one client stops reading, another one gets every update; the first is told why it was dropped."""
    monkeypatch.setattr(stream, "CLOSE_TIMEOUT", 100.0)  # the farewell waits for its reader
    with Streams() as streams, stuck_client(streams, "A") as stuck, streams.connect("A") as quick:
        assert quick.recv(timeout=15) == "A"
        until(lambda: streams.hub.listeners("A") == 2, message="both clients listen")
        reached = []
        for number in range(600):
            reached.append(streams.publish("A", f"{number:06}".ljust(65_536, ".")))
            assert int(quick.recv(timeout=15)[:6]) == number
        assert (reached[0], reached[-1]) == (2, 1)
        assert read_to_end(stuck).endswith(b"\x11\x38too slow")


def stuck_client(streams, symbol):
    """A raw WebSocket with the smallest buffer, which reads nothing after the handshake was sent."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(15)
    client.connect(("127.0.0.1", streams.port))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET /v1/stream?symbols={symbol} HTTP/1.1",
        "Host: market-data",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        ": ".join(streams.authorization()),
    ]
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    return client


def read_to_end(client):
    """The last bytes that come before the close frame's end, read as the server sends them."""
    tail = b""
    while not tail.endswith(b"too slow"):
        data = client.recv(65536)
        assert data, f"the connection ended without a farewell after {tail!r}"
        tail = (tail + data)[-64:]
    return tail


def test_an_event_is_one_round_trip_and_so_are_all_reads_until_the_next(platform, new_symbol):
    """Applying an event asks Redis once, whatever its depth; so do all readers between two events."""
    symbol, published = new_symbol(), []
    with counted_redis(platform.environment("market-data")["REDIS_URL"]) as (redis, trips):
        service = MarketDataService(
            MarketStore(redis),
            is_listed=lambda _: True,
            publish=lambda _, message: published.append(json.loads(message)["type"]),
            cache_seconds=3600,
        )
        service.event_apply(book(symbol, 1))
        applied = [
            trips.of(partial(service.event_apply, book(symbol, sequence, depth=depth)))
            for sequence, depth in ((2, 1), (3, 10), (4, 100))
        ]
        assert applied == [1, 1, 1]
        for show in (partial(service.quote_show, symbol), partial(service.book_show, symbol, depth=10)):
            assert [trips.of(show) for _ in range(3)] == [1, 0, 0]
        service.event_apply(book(symbol, 5))
        assert trips.of(partial(service.quote_show, symbol)) == 1
        assert published == ["book", "quote"] * 5
