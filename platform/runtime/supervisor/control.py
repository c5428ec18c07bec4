"""The supervisor's ear: a Unix socket in the seat, JSON lines both ways.

A request is {"op": name, "arguments": {…}}; the answer is any number of {"progress": …} lines and then
{"result": …} or {"error": …}. Only the seat's user can connect: the socket is private.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.seat import Seat


@contextlib.contextmanager
def _short_name(seat: Seat) -> Iterator[str]:
    # A socket's name may have 107 bytes; a state folder's path may be longer.
    folder = os.open(seat.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/control.sock"
    finally:
        os.close(folder)


class ControlServer:
    """Answers requests, each connection in a thread of its own."""

    def __init__(
        self, seat: Seat, handle: Callable[[str, dict[str, Any], Callable[[Any], None]], Any]
    ) -> None:
        self._handle = handle
        self._socket = socket.socket(socket.AF_UNIX)
        old = os.umask(0o177)
        try:
            with _short_name(seat) as name:
                self._socket.bind(name)
        finally:
            os.umask(old)
        self._socket.listen(32)
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def close(self) -> None:
        """Takes no more requests."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="control-client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rw", encoding="utf-8") as stream:

            def send(message: dict[str, Any]) -> None:
                with contextlib.suppress(OSError):  # the client has gone: the work is done all the same
                    stream.write(json.dumps(message) + "\n")
                    stream.flush()

            for line in stream:
                request = json.loads(line)
                try:
                    result = self._handle(
                        request["op"], request["arguments"], lambda progress: send({"progress": progress})
                    )
                except Exception as error:  # noqa: BLE001  # it is the caller's
                    send({"error": pack_error(error)})
                else:
                    send({"result": result})


def call(
    seat: Seat, op: str, arguments: dict[str, Any], progress: Callable[[Any], None] | None = None
) -> Any:
    """Asks the supervisor of `seat`. Raises its RuntimeFault, or NotRunning when there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            with _short_name(seat) as name:
                connection.connect(name)
        except OSError:
            raise errors.NotRunning(seat.path) from None
        with connection.makefile("rw", encoding="utf-8") as stream:
            stream.write(json.dumps({"op": op, "arguments": arguments}) + "\n")
            stream.flush()
            for line in stream:
                answer = json.loads(line)
                if "progress" in answer:
                    if progress is not None:
                        progress(answer["progress"])
                elif "error" in answer:
                    raise unpack_error(answer["error"])
                else:
                    return answer["result"]
    raise errors.NotRunning(seat.path)


def pack_error(error: Exception) -> dict[str, Any]:
    """An error as JSON."""
    fields = {name: str(value) if isinstance(value, Path) else value for name, value in vars(error).items()}
    try:
        json.dumps(fields)
    except (TypeError, ValueError):
        fields = {}
    return {"type": type(error).__name__, "message": str(error), "fields": fields}


def unpack_error(packed: dict[str, Any]) -> Exception:
    """The error again; what is not of the runtime becomes a RuntimeFault."""
    kind = getattr(errors, packed["type"], None)
    if not (isinstance(kind, type) and issubclass(kind, errors.RuntimeFault)):
        return errors.RuntimeFault(
            f"The supervisor failed ({packed['type']}: {packed['message']}): see its log."
        )
    error = kind.__new__(kind)
    error.args = (packed["message"],)
    for name, value in packed["fields"].items():
        setattr(error, name, Path(value) if name == "path" else value)
    return error
