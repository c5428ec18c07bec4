"""Runs an ASGI application until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.memory import relax_collector
from shared.observability.logging import get_logger
from shared.security.tls import server_context

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

    from shared.config import Settings
    from shared.http.lifecycle import Part

log = get_logger("serve")

FINISH_TIMEOUT = 5  # seconds that requests in hand get at shutdown
LEAVE_TIMEOUT = 0.1  # seconds that an idle caller gets to say goodbye
KEEP_ALIVE = 60  # seconds; longer than our clients keep idle connections, so it is they who close them


def serve(app: FastAPI, settings: Settings, *, parts: Sequence[Part] = (), public: bool = False) -> None:
    """Serve `app` on the address in `settings` until SIGTERM or SIGINT, then stop gracefully.

    `parts` (Consul registration, consumers, …) are started once the port is open and stopped, in reverse
    order, before it closes. Callers must prove by certificate that they belong to the house; with `public`
    they need not, and it is plain HTTP: TLS ends at the ingress before it.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=_Connection,
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who a caller is, his connection says, not his headers
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=FINISH_TIMEOUT,
        ssl_context_factory=None if public else lambda _config, _default: server_context(settings.tls),
    )
    _Server(config, parts).run()


class _Connection(HttpToolsProtocol):
    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(LEAVE_TIMEOUT, self._leave)

    def _leave(self) -> None:
        # TLS waits for the other side's goodbye, and a caller who only keeps a connection may not say one.
        if self in self.connections and self.transport.get_write_buffer_size() == 0:
            self.transport.abort()
        elif self in self.connections:
            self.loop.call_later(LEAVE_TIMEOUT, self._leave)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, parts: Sequence[Part]) -> None:
        super().__init__(config)
        self._parts = parts

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own version raises the signal once more when it is done, and the process would end with
        # the signal's status instead of 0.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for part in self._parts:
            await asyncio.to_thread(part.start)
        relax_collector()
        log.info("serving", host=self.config.host, port=self.config.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for part in reversed(self._parts):
            await asyncio.to_thread(part.stop)
        await super().shutdown(sockets)
        log.info("stopped")
