"""A receiver of webhooks on this machine, on a port that webhooks may or may not lead to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

# As in the configuration of tests and notebooks: notifications.webhooks.permitted.
PERMITTED = range(18100, 18200)
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thank you"


class Receiver:
    """Answers every request with `answer`, or what that gives for it, and keeps what it received."""

    def __init__(
        self, *, inside: bool = False, answer: Answer | Callable[[Received], Answer] | None = None
    ) -> None:
        self.received: list[Received] = []
        self.answer = answer or Answer()
        self._server = _listening([0] if inside else PERMITTED)
        self._server.receiver = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/hook", host: str = HOST) -> str:
        return f"http://{host}:{self.port}{path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    allow_reuse_address = False  # two receivers on one port would share its connections
    allow_reuse_port = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away early is none of a test's business."""


def _listening(ports: Any) -> ThreadingHTTPServer:
    for port in ports:
        try:
            return _Server((HOST, port), _Handler)
        except OSError:
            continue
    raise AssertionError("every port that webhooks may lead to is taken")


class _Handler(BaseHTTPRequestHandler):
    def _handle(self) -> None:
        receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(self.command, self.path, headers, body)
        receiver.received.append(received)
        answer = receiver.answer(received) if callable(receiver.answer) else receiver.answer
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 - its base looks for these

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base's word
        """Tests look at `received`."""
