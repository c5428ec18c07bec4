"""WebSocket: the stream of market data, passed through."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from services.gateway.api import address_of
from shared.errors import DependencyUnavailable, NexusError
from shared.http import problems
from shared.http.fastapi import problem_response
from shared.observability.logging import get_logger

if TYPE_CHECKING:
    import ssl

    from fastapi import FastAPI
    from websockets.asyncio.client import ClientConnection

    from services.gateway.services import Gateway
    from shared.clients import Discovery
    from shared.security import Identity
    from shared.security.service_tokens import TokenIssuer

TARGET = "market-data"
# The peer is told to come back later: the service went away, not the client.
TRY_AGAIN_LATER = 1013
# Codes that say how a connection was found to have ended; they may not be sent (RFC 6455, 7.4.1).
NEVER_SENT = (1005, 1006, 1015)

_log = get_logger(__name__)


class MarketStream:
    """Connects a client's socket with one of market-data's, in both directions, until either side ends it.

    `open_timeout` (seconds) bounds the handshake with market-data.
    """

    def __init__(
        self, *, discovery: Discovery, tokens: TokenIssuer, tls: ssl.SSLContext, open_timeout: float
    ) -> None:
        self._open_timeout = open_timeout
        self._tls = tls
        self._discovery = discovery
        self._tokens = tokens

    async def join(self, client: WebSocket, identity: Identity) -> None:
        """Accepts `client` once the service has; DependencyUnavailable when it does not."""
        upstream = await self._connect(client.scope["query_string"].decode("latin-1"), identity)
        async with upstream:
            await client.accept()
            pumps = {asyncio.create_task(_down(upstream, client)), asyncio.create_task(_up(client, upstream))}
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)

    async def _connect(self, query: str, identity: Identity) -> ClientConnection:
        instance = await asyncio.to_thread(self._discovery.pick, TARGET)
        wanted = "&".join(part for part in query.split("&") if not part.startswith("token="))
        try:
            return await connect(
                f"wss://{instance.host}:{instance.port}/v1/stream?{wanted}",
                ssl=self._tls,
                server_hostname=TARGET,
                additional_headers={"Authorization": f"Bearer {self._tokens.token(TARGET, identity)}"},
                open_timeout=self._open_timeout,
                compression=None,
                proxy=None,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise DependencyUnavailable("no market data at the moment", target=TARGET) from error


def add_stream(app: FastAPI, gateway: Gateway, stream: MarketStream) -> None:
    """Serves /api/v1/market/stream; the access token comes as header or as query parameter `token`."""

    async def endpoint(client: WebSocket) -> None:
        token = client.query_params.get("token")
        authorization = f"Bearer {token}" if token else client.headers.get("authorization")
        try:
            identity = await gateway.admit(authorization=authorization, address=address_of(client))
            await stream.join(client, identity)
        except NexusError as error:
            _log.info("stream refused", reason=error.message)
            await client.send_denial_response(problem_response(problems.problem_of(error)))

    app.add_api_websocket_route("/api/v1/market/stream", endpoint)


async def _down(upstream: ClientConnection, client: WebSocket) -> None:
    with suppress(ConnectionClosed):
        while True:
            message = await upstream.recv()
            if isinstance(message, str):
                await client.send_text(message)
            else:
                await client.send_bytes(message)
    gone = upstream.close_code in {None, *NEVER_SENT}
    await client.close(TRY_AGAIN_LATER if gone else upstream.close_code, upstream.close_reason)


async def _up(client: WebSocket, upstream: ClientConnection) -> None:
    while True:
        message = await client.receive()
        if message["type"] == "websocket.disconnect":
            return
        content = message.get("text")
        await upstream.send(message["bytes"] if content is None else content)
