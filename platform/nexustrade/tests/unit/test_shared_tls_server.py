from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.certificates import files_of, forged
from support.wait import until

from runtime.authority import Authority
from runtime.tls import Credentials
from shared.django import tls
from shared.django.server import ThreadedServer
from shared.security.tls import server_context

pytestmark = pytest.mark.services("auth", "users", "orders", "risk", "settlement", "audit")

SECONDS = 60.0


class Running:
    """A server of the house that echoes bodies, and callers of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority.create()
        self.caller = self.authority.equip(folder, "gateway")
        self.requests: list[str] = []
        self.hold = Event()
        self.hold.set()
        settings: Any = SimpleNamespace(host="127.0.0.1", port=0)
        serving = server_context(files_of(self.authority.equip(folder, "risk")))
        self.server = ThreadedServer(self._echo, settings, threads=4, tls=serving)
        self._thread = Thread(target=self._life, daemon=True)
        self._thread.start()

    def _life(self) -> None:
        self.server.run()
        self.server.close()

    def _echo(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.requests.append(environ["wsgi.url_scheme"])
        self.hold.wait(SECONDS)
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def client(self, credentials: Credentials | None = None) -> httpx.Client:
        context = (credentials or self.caller).context()
        return httpx.Client(base_url=f"https://127.0.0.1:{self.server.port}", verify=context, timeout=SECONDS)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), SECONDS)

    def stop(self) -> None:
        self.server.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.stop()


def test_bodies_of_any_size_pass_whole(running: Running) -> None:
    """What fits into a record of TLS and what takes hundreds of them comes back unchanged."""
    with running.client() as client:
        for size in (0, 1, 8_191, 8_192, 16_384, 16_385, 3_000_000):
            body = bytes([size % 251]) * size
            assert client.post("/", content=body).content == body
    assert set(running.requests) == {"https"}


def test_many_callers_are_served_at_once(running: Running) -> None:
    """Sixteen callers with large bodies in both directions get their own back."""

    def call(number: int) -> bool:
        body = bytes([number]) * 400_000
        with running.client() as client:
            return all(client.post("/", content=body).content == body for _ in range(3))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(16)))


def test_requests_in_one_record_are_all_answered(running: Running) -> None:
    """Two requests that arrive in one piece get two answers, though the socket tells of them once."""
    request = b"POST / HTTP/1.1\r\nHost: risk\r\nContent-Length: 3\r\n\r\n"
    with running.caller.context().wrap_socket(running.connect(), server_hostname="risk") as stream:
        stream.sendall(request + b"one" + request + b"two")
        received = b""
        while not received.endswith(b"two"):
            received += stream.recv(65536)
    assert received.count(b"200 OK") == 2


def test_a_caller_without_a_certificate_is_not_served(running: Running) -> None:
    """The handshake ends with an alert, and the application never hears of the request."""
    context = ssl.create_default_context(cafile=running.caller.ca)
    url = f"https://127.0.0.1:{running.server.port}/"
    with httpx.Client(verify=context, timeout=SECONDS) as client, pytest.raises(httpx.TransportError):
        client.get(url)
    assert running.requests == []


@pytest.mark.parametrize("kind", ["self-signed", "another authority", "expired", "not valid yet"])
def test_a_caller_with_a_forged_certificate_is_not_served(running: Running, kind: str) -> None:
    """Callers are checked like the called: vouched for, now, by the authority of the house."""
    credentials = running.authority.equip(running.folder, "x", forged(kind, "gateway", running.authority))
    with running.client(credentials) as client, pytest.raises(httpx.TransportError):
        client.get("/")
    assert running.requests == []


def test_plain_http_is_not_served(running: Running) -> None:
    """Who speaks no TLS gets no HTTP either; the connection ends."""
    with running.connect() as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: risk\r\n\r\n")
        received = b""
        with suppress(ConnectionResetError):  # the server leaves without reading to the end
            while data := plain.recv(1024):
                received += data
    assert b"HTTP" not in received
    assert running.requests == []


def test_an_old_version_of_tls_is_refused(running: Running) -> None:
    """There is one version, the newest."""
    context = ssl.create_default_context(cafile=running.caller.ca)
    context.load_cert_chain(running.caller.certificate, running.caller.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with running.connect() as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock, server_hostname="risk")


def test_connections_that_say_nothing_hold_up_nobody(running: Running) -> None:
    """Fifty callers that stop in the middle of the handshake cost no thread, and others are served."""
    hello = client_hello(running.caller.context())
    with ExitStack() as stack:
        for number in range(50):
            silent = stack.enter_context(running.connect())
            silent.sendall(hello[: number * 4])
        with running.client() as client:
            assert client.post("/", content=b"through").content == b"through"
        assert running.server.threads == 1


def test_a_handshake_that_does_not_end_is_given_up(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the server closes a connection that has said nothing."""
    monkeypatch.setattr(tls, "HANDSHAKE_TIMEOUT", 0.1)
    with running.connect() as silent:
        assert silent.recv(1) == b""


def test_an_established_connection_outlives_the_time_for_handshakes(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is one on the handshake: a request that takes longer is answered."""
    monkeypatch.setattr(tls, "HANDSHAKE_TIMEOUT", 1.0)
    running.hold.clear()
    with running.client() as client, running.connect() as later, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, "/", content=b"slow")
        until(lambda: running.requests, message="the request is in hand")
        assert later.recv(1) == b""  # this one was given up, and the other began before it
        running.hold.set()
        assert answer.result(SECONDS).content == b"slow"


def test_a_caller_that_leaves_during_the_handshake_leaves_nothing(running: Running) -> None:
    """Half a handshake and a reset: the server goes on."""
    for length in (0, 1, 100):
        with running.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.sendall(client_hello(running.caller.context())[:length])
    with running.client() as client:
        assert client.post("/", content=b"on").content == b"on"


def client_hello(context: ssl.SSLContext) -> bytes:
    """The first bytes of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="risk").do_handshake()
    return outgoing.read()
