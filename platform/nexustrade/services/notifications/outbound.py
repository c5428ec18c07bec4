"""Sending to addresses that others chose: every connection is made to an address that was checked.

The name of each hop is resolved once, what it gives is checked, and the connection goes to that address and
no other: neither a redirect nor a name that changes its address leads elsewhere. Time, size and the number
of redirects are bounded.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpcore

from shared.clock import monotonic
from shared.errors import NexusError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.notifications.reach import Reach

REPEATED, FETCHED = (307, 308), (301, 302, 303)


class DeliveryFailed(NexusError):
    """The receiver did not take a delivery; it may later."""

    status = 503
    problem_type = "delivery-failed"
    title = "The delivery failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receiver answered in the end; `excerpt` is the beginning of its body."""

    url: str
    status: int
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class Courier:
    """Sends a POST and follows redirects. `seconds` bounds a delivery from its first byte to its last."""

    reach: Reach
    seconds: float
    max_bytes: int
    max_redirects: int

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Receipt:
        """The receiver's answer, whatever its status; AddressRefused, AddressUnknown, DeliveryFailed."""
        until = monotonic() + self.seconds
        method, content = "POST", body
        for _ in range(self.max_redirects + 1):
            answer, following = self._exchange(method, url, content, headers, until)
            if following is None:
                return answer
            url = following
            if answer.status in FETCHED:
                method, content = "GET", b""
        raise DeliveryFailed("too many redirects")

    def _exchange(
        self, method: str, url: str, content: bytes, headers: Mapping[str, str], until: float
    ) -> tuple[Receipt, str | None]:
        network = BoundedNetwork(self.reach, until)
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._trust, network_backend=network) as pool,
                pool.stream(method, url, headers=dict(headers), content=content) as answer,
            ):
                excerpt = _beginning(answer, self.max_bytes).decode("utf-8", "replace")
                return Receipt(url, answer.status, excerpt), _following(answer, url)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise DeliveryFailed(f"{type(error).__name__} on the way") from error
        except (httpcore.UnsupportedProtocol, ValueError) as error:
            raise DeliveryFailed("led to something that is not HTTP") from error

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _beginning(answer: httpcore.Response, size: int) -> bytes:
    content = b""
    for part in answer.iter_stream():
        content += part
        if len(content) >= size:
            break
    return content[:size]


def _following(answer: httpcore.Response, url: str) -> str | None:
    """Where a redirect leads; None when the answer is none."""
    if answer.status not in (*REPEATED, *FETCHED):
        return None
    found = [value for name, value in answer.headers if name.lower() == b"location"]
    following = urljoin(url, found[0].decode("ascii")) if found else None
    if following is not None and urlsplit(following).scheme not in {"http", "https"}:
        raise ValueError(following)
    return following


class BoundedNetwork(httpcore.NetworkBackend):
    """Connections to checked addresses, all of whose steps end before `until` (monotonic seconds)."""

    def __init__(self, reach: Reach, until: float) -> None:
        self._reach = reach
        self._until = until
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - what is left of the whole counts
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        address = self._reach.addresses(host, port)[0]
        left = _left(self._until, httpcore.ConnectTimeout)
        stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
        return BoundedStream(stream, self._until)


class BoundedStream(httpcore.NetworkStream):
    """A stream whose every step has only what is left of the whole: a peer that trickles gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, _left(self._until, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, _left(self._until, httpcore.WriteTimeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = _left(self._until, httpcore.ConnectTimeout)
        return BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _left(until: float, late: type[Exception]) -> float:
    left = until - monotonic()
    if left <= 0:
        raise late
    return left
