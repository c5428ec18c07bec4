"""The WebSocket stream: a snapshot of every symbol asked for, then each update as it happens.

`/v1/stream?symbols=ACME,INIT` sends JSON text messages {"type", "symbol", "sequence", "data"} with the types
snapshot, trade, book and quote. Messages of a symbol carry rising sequence numbers; those up to the
snapshot's may repeat what the snapshot shows. Close codes are listed in `errors`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from services.market_data.errors import CLOSE_BAD_REQUEST, CLOSE_TOO_SLOW, CLOSE_UNAUTHENTICATED
from services.market_data.hub import Hub, Subscriber
from shared.errors import Unauthenticated
from shared.http.fastapi import bearer_token
from shared.observability import gauge, get_logger
from shared.security import service_tokens

if TYPE_CHECKING:
    from services.market_data.services import MarketDataService
    from shared.config import Settings

log = get_logger(__name__)
CLIENTS = gauge("market_data_stream_clients", "Streaming clients connected")

MAX_SYMBOLS: Final = 50

# Seconds that a client which was dropped has to read on, and to be told why.
CLOSE_TIMEOUT: Final = 5.0


def make_stream_router(service: MarketDataService, hub: Hub, settings: Settings) -> APIRouter:
    router = APIRouter()

    @router.websocket("/v1/stream")
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            _authenticate(websocket, settings)
        except Unauthenticated as error:
            await websocket.close(CLOSE_UNAUTHENTICATED, error.message)
            return
        symbols = _symbols(websocket.query_params.get("symbols", ""))
        if not 1 <= len(symbols) <= MAX_SYMBOLS:
            await websocket.close(CLOSE_BAD_REQUEST, f"1 to {MAX_SYMBOLS} symbols, separated by commas")
            return
        await _serve(websocket, Subscriber(symbols), service, hub)

    return router


def _authenticate(websocket: WebSocket, settings: Settings) -> None:
    authorization = websocket.headers.get("authorization")
    if authorization is None:
        raise Unauthenticated("a service token is required")
    service_tokens.verify(bearer_token(authorization), settings.service, settings.service_token_secret)


def _symbols(text: str) -> list[str]:
    return [symbol for part in text.split(",") if (symbol := part.strip())]


async def _serve(websocket: WebSocket, subscriber: Subscriber, service: MarketDataService, hub: Hub) -> None:
    """Stream until the client leaves or falls behind."""
    # Listen first: what happens while the snapshot is read comes after it.
    hub.subscribe(subscriber)
    CLIENTS.inc()
    tasks = {
        asyncio.create_task(_wait_until_left(websocket)),
        asyncio.create_task(_send(websocket, subscriber, service)),
        asyncio.create_task(subscriber.dropped.wait()),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.unsubscribe(subscriber)
        CLIENTS.dec()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if subscriber.dropped.is_set():
        log.warning("slow_client_dropped", symbols=len(subscriber.symbols))
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            await asyncio.wait_for(websocket.close(CLOSE_TOO_SLOW, "too slow"), CLOSE_TIMEOUT)


async def _send(websocket: WebSocket, subscriber: Subscriber, service: MarketDataService) -> None:
    for symbol in sorted(subscriber.symbols):
        await websocket.send_text(await asyncio.to_thread(service.snapshot, symbol))
    while True:
        await websocket.send_text(await subscriber.next())


async def _wait_until_left(websocket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await websocket.receive_text()
