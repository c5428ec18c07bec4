"""Serves a WSGI application with real threads, and stops without cutting requests short."""

from __future__ import annotations

import logging
import signal
from threading import Event, Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher

from shared.django.tls import secure

if TYPE_CHECKING:
    import ssl
    from types import FrameType
    from wsgiref.types import WSGIApplication

    from shared.config import Settings

FINISH_TIMEOUT = 5.0  # seconds that requests in hand get at shutdown
MAX_CONNECTIONS = 1000


class GrowingDispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """waitress's threads, each started when a request finds all others busy: an idle service has few."""

    def __init__(self) -> None:
        super().__init__()
        self._limit = 0
        self._adding = Lock()

    def set_thread_count(self, count: int) -> None:
        """Run at most `count` threads; 0 ends them."""
        self._limit = count
        super().set_thread_count(min(count, self._running()))

    def add_task(self, task: Any) -> None:
        """Hand a request to a thread."""
        with self._adding:  # nobody else takes the idle thread that was counted on
            running = self._running()
            if running - self.active_count <= len(self.queue) and running < self._limit:
                super().set_thread_count(running + 1)
            super().add_task(task)

    def _running(self) -> int:
        return int(len(self.threads) - self.stop_count)


class ThreadedServer:
    """waitress on the address in `settings`, over TLS with `tls`; the port is open once the object exists."""

    def __init__(
        self,
        application: WSGIApplication,
        settings: Settings,
        *,
        threads: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        # It warns whenever a request waits for a thread, which is what the queue is for.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._stopping = Event()
        self._channels: dict[int, Any] = {}
        self._dispatcher = GrowingDispatcher()
        self._dispatcher.set_thread_count(threads)
        self._server: Any = create_server(
            application,
            map=self._channels,
            host=settings.host,
            port=settings.port,
            threads=threads,
            connection_limit=MAX_CONNECTIONS,
            asyncore_use_poll=True,
            ident=None,
            url_scheme="http" if tls is None else "https",
            _dispatcher=self._dispatcher,
        )
        if tls is not None:
            secure(self._server, tls)

    def stop_on_signals(self) -> None:
        """Let SIGTERM and SIGINT end `run`; to be called from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    @property
    def threads(self) -> int:
        """How many threads serve requests at the moment."""
        return len(self._dispatcher.threads)

    @property
    def port(self) -> int:
        return int(self._server.effective_port)

    def stop(self) -> None:
        """Let `run` return; may be called from any thread and from a signal handler."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._server.pull_trigger()

    def run(self) -> None:
        """Serve until told to stop."""
        while not self._stopping.is_set():
            self._poll(1.0)

    def close(self) -> None:
        """Stop accepting, finish the requests in hand, close."""
        wasyncore.dispatcher.close(self._server)  # the listening socket alone
        give_up = monotonic() + FINISH_TIMEOUT
        while self._busy() and monotonic() < give_up:
            self._poll(0.05)
        self._server.task_dispatcher.shutdown(timeout=0.5)
        wasyncore.close_all(self._channels)

    def _busy(self) -> bool:
        busy = False
        for channel in list(self._server.active_channels.values()):
            if channel.requests or channel.total_outbufs_len:
                busy = True
            else:
                channel.will_close = True
        return busy

    def _poll(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._channels, count=1)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()
