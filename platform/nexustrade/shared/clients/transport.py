"""Pooled connections for asynchronous clients."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import httptools
import httpx

from shared.clients.wire import (
    KEEP_ALIVE,
    MAX_CONNECTIONS,
    Answer,
    Origin,
    connections_opened,
    context_for,
    errors_of_connecting,
    errors_of_exchange,
    hung_up,
    message_of,
)

if TYPE_CHECKING:
    from shared.config.settings import TlsFiles


class PooledTransport(httpx.AsyncBaseTransport):
    """Keeps up to `max_connections` connections per origin; whole bodies, no HEAD.

    `tls` is what to prove our name with to origins that speak HTTPS.
    `keepalive_seconds` must be less than the servers keep an idle connection, or a request would now and then
    meet one that is just being closed.

    Raises what httpx's own transport raises: ConnectError (HandshakeFailed among them), ConnectTimeout,
    PoolTimeout, ReadTimeout, ReadError, RemoteProtocolError.
    """

    def __init__(
        self,
        tls: TlsFiles | None = None,
        *,
        max_connections: int = MAX_CONNECTIONS,
        keepalive_seconds: float = KEEP_ALIVE,
    ) -> None:
        self._tls = tls
        self._keepalive_seconds = keepalive_seconds
        self._max_connections = max_connections
        self._pools: dict[Origin, _Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        times = request.extensions.get("timeout", {})
        pool = self._pool(request)
        connection = await pool.acquire(times.get("pool"), times.get("connect"), request)
        try:
            message = message_of(request, await request.aread())
            with errors_of_exchange(request):
                answer = await connection.exchange(message, times.get("read"))
        finally:
            pool.release(connection)
        return answer.response()

    def _pool(self, request: httpx.Request) -> _Pool:
        origin = Origin.of(request)
        if origin not in self._pools:
            self._pools[origin] = _Pool(origin, self._tls, self._max_connections, self._keepalive_seconds)
        return self._pools[origin]

    async def aclose(self) -> None:
        for pool in self._pools.values():
            pool.close()


class _Pool:
    """The connections of one origin."""

    def __init__(self, origin: Origin, tls: TlsFiles | None, size: int, keepalive_seconds: float) -> None:
        self._origin = origin
        self._tls = tls
        self._slots = asyncio.Semaphore(size)
        self._idle: deque[_Connection] = deque()
        self._keepalive_seconds = keepalive_seconds

    async def acquire(
        self, pool_seconds: float | None, connect_seconds: float | None, request: httpx.Request
    ) -> _Connection:
        if self._slots.locked():
            try:
                await asyncio.wait_for(self._slots.acquire(), pool_seconds)
            except TimeoutError as error:
                raise httpx.PoolTimeout("every connection is in use", request=request) from error
        else:
            await self._slots.acquire()
        try:
            return self._reusable() or await self._connect(connect_seconds, request)
        except BaseException:
            self._slots.release()
            raise

    def release(self, connection: _Connection) -> None:
        self._slots.release()
        if connection.reusable:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _reusable(self) -> _Connection | None:
        oldest = asyncio.get_running_loop().time() - self._keepalive_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, seconds: float | None, request: httpx.Request) -> _Connection:
        loop, origin = asyncio.get_running_loop(), self._origin
        context = context_for(origin, self._tls, request)
        with errors_of_connecting(request):
            async with asyncio.timeout(seconds):
                _, connection = await loop.create_connection(
                    _Connection, origin.host, origin.port, ssl=context, server_hostname=origin.name
                )
        connections_opened.inc()
        return connection


class _Connection(asyncio.Protocol):
    """One connection, one exchange at a time."""

    def __init__(self) -> None:
        self.reusable = True
        self.idle_since = 0.0
        self._transport: Any = None
        self._answer: Answer | None = None
        self._done: asyncio.Future[None] | None = None
        self._lost: Exception | None = None

    async def exchange(self, message: bytes, seconds: float | None) -> Answer:
        self.reusable = False  # until the whole answer is read: a cancelled exchange spoils the connection
        if self._lost is not None:
            raise self._lost
        self._answer, self._done = answer, done = Answer(), asyncio.get_running_loop().create_future()
        self._transport.write(message)
        try:
            async with asyncio.timeout(seconds):
                await done
        finally:
            self._answer = self._done = None
        self.reusable = answer.keep_alive and not self._transport.is_closing()
        return answer

    def close(self) -> None:
        self._transport.abort()  # at once: TLS would first take leave of a peer that may not listen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # bytes that no one asked for
            self.reusable = False
            self._transport.close()
            return
        try:
            self._answer.feed(data)
        except httptools.HttpParserError as error:
            self._end(error)
        if self._answer.complete:
            self._end()

    def connection_lost(self, error: Exception | None) -> None:
        self.reusable = False
        self._lost = error or hung_up()
        self._end(self._lost)

    def _end(self, error: Exception | None = None) -> None:
        if self._done is None or self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)
