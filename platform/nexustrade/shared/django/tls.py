"""waitress's connections over TLS."""

from __future__ import annotations

import ssl
import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel

from shared.clock import monotonic
from shared.observability.logging import get_logger

if TYPE_CHECKING:
    import socket

log = get_logger("serve")

HANDSHAKE_TIMEOUT = 10.0  # seconds until a connection that does not finish its handshake is closed

_NOT_YET = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TlsChannel(HTTPChannel):  # type: ignore[misc]
    """One connection. The loop takes its handshake a step further whenever bytes arrive, and never waits.

    The loop's thread reads while a worker may be writing; OpenSSL allows one of them at a time.
    """

    def __init__(self, server: Any, sock: ssl.SSLSocket, address: Any, adjustments: Any, map: Any) -> None:  # noqa: A002 - waitress's name
        self._one_at_a_time = Lock()
        self._established = False
        self._give_up = monotonic() + HANDSHAKE_TIMEOUT
        super().__init__(server, sock, address, adjustments, map=map)

    def readable(self) -> bool:
        """Whether to wait for bytes; asked in every turn of the loop, so it is here that patience ends."""
        if not self._established and monotonic() > self._give_up:
            self.will_close = True
        return bool(super().readable())

    def handle_read(self) -> None:
        """Take what has arrived: a step of the handshake, or requests."""
        try:
            with self._one_at_a_time:
                if not self._established:
                    self.socket.do_handshake()
                    self._established = True
                data = self.socket.recv(self.adj.recv_bytes)
                # The rest of a record that was decrypted: the socket itself has nothing more to tell.
                while more := self.socket.pending():
                    data += self.socket.recv(more)
        except _NOT_YET:
            return
        except OSError as error:
            if not self._established:
                log.info("handshake failed", reason=str(error), peer=str(self.addr[0]))
            data = b""
        if not data:
            self.handle_close()
            return
        self.last_activity = time.time()
        self.received(data)

    def send(self, data: bytes, do_close: bool = True) -> int:
        """How many bytes were taken; 0 when the peer has to read first."""
        with self._one_at_a_time:
            try:
                return int(super().send(data, do_close))
            except _NOT_YET:
                return 0


def secure(server: Any, context: ssl.SSLContext) -> None:
    """Make a waitress server speak TLS with all who connect from now on."""

    def channel(server: Any, sock: socket.socket, address: Any, adjustments: Any, map: Any) -> None:  # noqa: A002 - waitress's name
        try:
            sock.getpeername()  # of one that has gone, ssl would take the descriptor and lose it
            wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError:
            sock.close()
            return
        TlsChannel(server, wrapped, address, adjustments, map)

    server.channel_class = channel
