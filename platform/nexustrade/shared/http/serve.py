"""Runs an ASGI application until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from shared.memory import relax_collector
from shared.observability.logging import get_logger

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

    from fastapi import FastAPI

    from shared.config import Settings
    from shared.http.lifecycle import Part

log = get_logger("serve")

FINISH_TIMEOUT = 5  # seconds that requests in hand get at shutdown
KEEP_ALIVE = 60  # seconds; longer than our clients keep idle connections, so it is they who close them


def serve(app: FastAPI, settings: Settings, *, parts: Sequence[Part] = ()) -> None:
    """Serve `app` on the address in `settings` until SIGTERM or SIGINT, then stop gracefully.

    `parts` (Consul registration, consumers, …) are started once the port is open and stopped, in reverse
    order, before it closes.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who a caller is, his connection says, not his headers
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=FINISH_TIMEOUT,
    )
    _Server(config, parts).run()


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
