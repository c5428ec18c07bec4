"""Pooled connections for blocking clients; the twin of `shared.clients.transport`."""

from __future__ import annotations

import select
import socket
from collections import deque
from threading import Semaphore
from typing import TYPE_CHECKING

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
from shared.clock import monotonic

if TYPE_CHECKING:
    from shared.config.settings import TlsFiles

READ_BYTES = 65536


class BlockingTransport(httpx.BaseTransport):
    """Keeps up to `max_connections` connections per origin, for any number of threads.

    Whole bodies, no HEAD; raises what `PooledTransport` raises.
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

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        times = request.extensions.get("timeout", {})
        pool = self._pool(request)
        connection = pool.acquire(times.get("pool"), times.get("connect"), request)
        try:
            message = message_of(request, request.read())
            with errors_of_exchange(request):
                answer = connection.exchange(message, times.get("read"))
        finally:
            pool.release(connection)
        return answer.response()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def _pool(self, request: httpx.Request) -> _Pool:
        origin = Origin.of(request)
        known = self._pools.get(origin)
        # One step, so that of two threads with the first requests both get the same pool.
        return known or self._pools.setdefault(
            origin, _Pool(origin, self._tls, self._max_connections, self._keepalive_seconds)
        )


class _Pool:
    """The connections of one origin."""

    def __init__(self, origin: Origin, tls: TlsFiles | None, size: int, keepalive_seconds: float) -> None:
        self._origin = origin
        self._tls = tls
        self._slots = Semaphore(size)
        self._idle: deque[_Connection] = deque()
        self._keepalive_seconds = keepalive_seconds

    def acquire(
        self, pool_seconds: float | None, connect_seconds: float | None, request: httpx.Request
    ) -> _Connection:
        if not self._slots.acquire(timeout=pool_seconds):
            raise httpx.PoolTimeout("every connection is in use", request=request)
        try:
            return self._reusable() or self._connect(connect_seconds, request)
        except BaseException:
            self._slots.release()
            raise

    def release(self, connection: _Connection) -> None:
        if connection.reusable:
            connection.idle_since = monotonic()
            self._idle.append(connection)
        else:
            connection.close()
        self._slots.release()

    def close(self) -> None:
        while (connection := self._take()) is not None:
            connection.close()

    def _reusable(self) -> _Connection | None:
        oldest = monotonic() - self._keepalive_seconds
        while (connection := self._take()) is not None:
            if connection.idle_since > oldest and connection.silent():
                return connection
            connection.close()
        return None

    def _take(self) -> _Connection | None:
        try:
            return self._idle.pop()
        except IndexError:  # another thread was quicker, or there is none
            return None

    def _connect(self, seconds: float | None, request: httpx.Request) -> _Connection:
        origin, context = self._origin, context_for(self._origin, self._tls, request)
        with errors_of_connecting(request):
            give_up = None if seconds is None else monotonic() + seconds
            sock = socket.create_connection((origin.host, origin.port), seconds)
            if context is not None:
                sock.settimeout(None if give_up is None else max(0.001, give_up - monotonic()))
                sock = context.wrap_socket(sock, server_hostname=origin.name)
        connections_opened.inc()
        return _Connection(sock)


class _Connection:
    """One connection, one exchange at a time."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reusable = True
        self.idle_since = 0.0
        self._socket = sock
        self._arrivals = select.poll()
        self._arrivals.register(sock, select.POLLIN)

    def exchange(self, message: bytes, seconds: float | None) -> Answer:
        self.reusable = False  # until the whole answer is read: a late one spoils the connection
        give_up = None if seconds is None else monotonic() + seconds
        answer = Answer()
        self._socket.settimeout(seconds)
        self._socket.sendall(message)
        while not answer.complete:
            if give_up is not None:
                # Zero would mean "do not wait at all", and fail in another way.
                self._socket.settimeout(max(0.001, give_up - monotonic()))
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise hung_up()
            answer.feed(data)
        self.reusable = answer.keep_alive
        return answer

    def silent(self) -> bool:
        """Whether nothing came in meanwhile: the end of the connection, or bytes that no one asked for."""
        return not self._arrivals.poll(0)

    def close(self) -> None:
        self._socket.close()
