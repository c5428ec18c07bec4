"""HTTP/1.1 in whole messages: what the two transports, the blocking one and the asynchronous one, share.

Services send each other small requests and small answers. Whole messages, a C parser and no streaming cost
about a tenth of what httpcore does, measured on the way of an order; everything above the wire (requests,
time-outs, errors) stays httpx.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import httptools
import httpx

from shared.observability.metrics import counter
from shared.security.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.config.settings import TlsFiles

MAX_CONNECTIONS = 32  # per origin: a slow one fills its own pool, not that of the others
KEEP_ALIVE = 20.0  # seconds; shorter than the servers keep idle connections open

connections_opened = counter("client_connections", "Connections opened to services")


class HandshakeFailed(httpx.ConnectError):
    """Who answered did not prove to be the service that was called, or did not accept us as a caller."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request goes; with `name`, over TLS, and only to whoever proves to have that name."""

    host: str
    port: int
    name: str | None

    @classmethod
    def of(cls, request: httpx.Request) -> Self:
        """By the request's address, and the name in its extension `sni_hostname` if that is another."""
        url = request.url
        if url.scheme != "https":
            return cls(url.host, url.port or 80, None)
        return cls(url.host, url.port or 443, request.extensions.get("sni_hostname", url.host))


class Answer:
    """One response, as far as it has arrived; the `on_` methods are the parser's callbacks."""

    def __init__(self) -> None:
        self.complete = False
        self.keep_alive = False
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection; HttpParserError when they are no HTTP."""
        self._parser.feed_data(data)

    def response(self) -> httpx.Response:
        return httpx.Response(self._status, headers=self._headers, content=b"".join(self._body))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()
        self.complete = True


def message_of(request: httpx.Request, body: bytes) -> bytes:
    """The request as it goes over the wire."""
    lines = [request.method.encode(), b" ", request.url.raw_path, b" HTTP/1.1\r\n"]
    for name, value in request.headers.raw:
        lines += (name, b": ", value, b"\r\n")
    return b"".join((*lines, b"\r\n", body))


def hung_up() -> ConnectionResetError:
    return ConnectionResetError("the service hung up before it answered")


def context_for(origin: Origin, files: TlsFiles | None, request: httpx.Request) -> ssl.SSLContext | None:
    """What to speak TLS with; None where it is not spoken."""
    if origin.name is None:
        return None
    if files is None:
        raise httpx.UnsupportedProtocol("no certificate to call https with", request=request)
    return client_context(files)


@contextmanager
def errors_of_connecting(request: httpx.Request) -> Iterator[None]:
    """Failures to connect, as httpx names them."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ConnectTimeout("no connection in time", request=request) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise httpx.ConnectError("the service hung up", request=request) from error
    except ssl.SSLError as error:
        raise HandshakeFailed(str(error), request=request) from error
    except OSError as error:
        raise httpx.ConnectError(str(error), request=request) from error


@contextmanager
def errors_of_exchange(request: httpx.Request) -> Iterator[None]:
    """Failures of a connection in use, as httpx names them."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time", request=request) from error
    except httptools.HttpParserError as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise httpx.ReadError("the service hung up", request=request) from error
    except ssl.SSLError as error:  # TLS 1.3: that our certificate was refused arrives in place of an answer
        raise HandshakeFailed(str(error), request=request) from error
    except OSError as error:
        raise httpx.ReadError(str(error), request=request) from error
