"""A service that the test plays: a real server, whose answers, delays and end the test decides."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from shared.clients import Instance


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class StandIn:
    """Answers every request with what `reply` makes of it, once `gate` is open.

    `reply` is called in the thread of the request's connection, and can be replaced at any time.
    """

    def __init__(self, service: str, reply: Callable[[Asked], Reply] | None = None) -> None:
        self.service = service
        self.reply = reply or (lambda _asked: Reply())
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[Asked] = []
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._server = _server_of(self)
        port = self._server.server_port
        self.instance = Instance(f"{service}-{port}", "127.0.0.1", port, scheme="http")
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @classmethod
    def answering(cls, service: str, status: int, **headers: str) -> Self:
        return cls(service, lambda _asked: Reply(status, headers=headers))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it as a crash would: nobody listens any more, and every connection is cut."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def connected(self, connection: socket.socket) -> None:
        self.connections += 1
        self._sockets.append(connection)

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        self.gate.wait()
        return self.reply(asked)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Callers that hung up are no news."""


def _server_of(stand_in: StandIn) -> _Server:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer leave together, or the caller waits for an acknowledgement.
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            stand_in.connected(self.connection)

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = stand_in.answer(Asked(self.command, self.path, headers, body))
            content = json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - names that the base calls

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return _Server(("127.0.0.1", 0), Handler)
