"""The control channel of a Python part: one JSON object a line, on a loopback port with a token.

A port and not a Unix socket, whose path may be no longer than a hundred characters. The token is in
the part's record, which only its user can read, so that any process of that user may hold a handle.

Request: {"token": …, "call": name, "arguments": {…}} → {"result": …} or {"error": text}.
"""

import hmac
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from runtime.errors import RuntimeFault

_SECONDS = 10.0
_LINE_LIMIT = 1 << 20

Handler = Callable[..., Any]


def call(port: int, token: str, name: str, /, **arguments: Any) -> Any:
    """Calls `name` in the part whose control channel is `port`; RuntimeFault when it refuses or is gone."""
    request = json.dumps({"token": token, "call": name, "arguments": arguments})
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
            connection.sendall(request.encode() + b"\n")
            line = connection.makefile("rb").readline(_LINE_LIMIT)
    except OSError as error:
        raise RuntimeFault(
            f"The part that should do {name} does not answer ({error}): start it again."
        ) from error
    answer = json.loads(line) if line else {"error": "it ended while it did so"}
    if "error" in answer:
        raise RuntimeFault(f"{name} was refused: {answer['error']}.")
    return answer["result"]


class ControlServer:
    """Answers calls by `handlers`, one at a time, on a thread of its own; `port` is free-chosen."""

    def __init__(self, handlers: Mapping[str, Handler], token: str) -> None:
        self._handlers = handlers
        self._token = token
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        threading.Thread(target=self._serve, name="control", daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            try:
                with connection:
                    connection.settimeout(_SECONDS)
                    line = connection.makefile("rb").readline(_LINE_LIMIT)
                    connection.sendall(json.dumps(self._answer(line)).encode() + b"\n")
            except OSError as error:  # that caller is gone; the next one is served
                print(f"control: {error}", file=sys.stderr, flush=True)

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            if not hmac.compare_digest(str(request.get("token")), self._token):
                return {"error": "wrong token"}
            handler = self._handlers.get(request["call"])
            if handler is None:
                return {"error": f"unknown call {request['call']!r}"}
            return {"result": handler(**request.get("arguments", {}))}
        except Exception as error:  # noqa: BLE001  # the caller gets it as text
            return {"error": f"{type(error).__name__}: {error}"}


def read_configuration() -> dict[str, Any]:
    """The first line of standard input, see `Part._launch_module`; then watches it for its end.

    The end of the input is the end of the owner, and then of this process.
    """
    configuration: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, name="owner-watch", daemon=True).start()
    return configuration


def report_ready(**facts: Any) -> None:
    """Tells the owner that the part answers, and how it is reached."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)
