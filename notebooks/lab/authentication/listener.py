"""Somebody who listens like a service, with a certificate of his own making, and is entered in Consul."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, Self

from runtime.authority import Authority, Issued, self_signed

#: What impostors show. All but the last name the service that they play.
KINDS = ("self-signed", "of another authority", "expired", "not valid yet", "of settlement")
_SECONDS = 30.0
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def certificate(kind: str, service: str, house: Authority) -> Issued:
    """A certificate that nobody should take for `service`, made by (or despite) the seat's authority."""
    now, day = datetime.now(UTC), timedelta(days=1)
    made = {
        "self-signed": lambda: self_signed(service),
        "of another authority": lambda: Authority.create().issue(service),
        "expired": lambda: house.issue(service, starts=now - 2 * day, life=day),
        "not valid yet": lambda: house.issue(service, starts=now + day, life=day),
        "of settlement": lambda: house.issue("settlement"),
    }
    return made[kind]()


class Listener:
    """Takes connections with this certificate, and answers every request with an empty object.

    `heard` are the requests, `turned_away` counts callers that ended the handshake.
    """

    def __init__(self, shown: Issued, folder: Path) -> None:
        self.heard: list[bytes] = []
        self.turned_away = 0
        shown.write(folder, "shown")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "shown.crt", folder / "shown.key")
        self._open: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = Thread(target=self._accept, daemon=True)

    @property
    def tried(self) -> bool:
        return bool(self.heard or self.turned_away)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._socket, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join(_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(client)
            Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(_SECONDS)
        try:
            secure = self._context.wrap_socket(client, server_side=True)
        except OSError:
            self.turned_away += 1
            return
        self._open.append(secure)
        with suppress(OSError):
            while data := secure.recv(65536):
                self.heard.append(data)
                secure.sendall(_ANSWER)


@contextmanager
def entered(platform: Any, service: str, port: int) -> Iterator[None]:
    """Consul names 127.0.0.1:`port` as one more healthy instance of a service."""
    agent, name = platform.consul.agent, f"{service}-{port}"
    check = {"CheckID": f"check:{name}", "TTL": "600s"}
    agent.service.register(service, service_id=name, address="127.0.0.1", port=port, check=check)
    try:
        agent.check.ttl_pass(f"check:{name}")
        yield
    finally:
        agent.service.deregister(name)
