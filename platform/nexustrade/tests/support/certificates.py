"""Certificates, good and bad, and peers that show them."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Self

from runtime.authority import Authority, Issued, self_signed
from runtime.tls import Credentials
from shared.config.settings import TlsFiles

SECONDS = 30.0
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"

# What an impostor may show: each names the service rightly, and none should be believed.
FORGERIES = ("self-signed", "another authority", "expired", "not valid yet")


def forged(kind: str, name: str, house: Authority) -> Issued:
    """A certificate for `name` that must not be believed by those who trust `house`."""
    now = datetime.now(UTC)
    day = timedelta(days=1)
    match kind:
        case "self-signed":
            return self_signed(name)
        case "another authority":
            return Authority.create().issue(name)
        case "expired":
            return house.issue(name, starts=now - 2 * day, life=day)
        case "not valid yet":
            return house.issue(name, starts=now + day, life=day)
    raise ValueError(kind)


def files_of(credentials: Credentials) -> TlsFiles:
    """The same files as services know them."""
    return TlsFiles(ca=credentials.ca, certificate=credentials.certificate, key=credentials.key)


def serving_with(issued: Issued, folder: Path) -> ssl.SSLContext:
    """Serves anyone, with this certificate."""
    issued.write(folder, "shown")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "shown.crt", folder / "shown.key")
    return context


class Peer:
    """Listens like a service, over TLS with `context`, and answers every request with an empty object.

    `heard` is what callers have sent, `connections` how many came, `turned_away` how many of them ended the
    handshake. Without a context it is plain HTTP; with `silent`, it takes connections and says nothing.
    """

    def __init__(self, context: ssl.SSLContext | None = None, *, silent: bool = False) -> None:
        self.heard: list[bytes] = []
        self.connections = 0
        self.turned_away = 0
        self._context = context
        self._silent = silent
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(SECONDS)
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(client)
            if not self._silent:
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            client.settimeout(SECONDS)
            if self._context is not None:
                try:
                    client = self._context.wrap_socket(client, server_side=True)
                except OSError:
                    self.turned_away += 1
                    return
            while data := client.recv(65536):
                self.heard.append(data)
                client.sendall(ANSWER)
        client.close()
