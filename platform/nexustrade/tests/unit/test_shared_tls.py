from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvloop
from support.certificates import FORGERIES, Peer, files_of, forged, serving_with

from runtime.authority import Authority
from shared.clients import AsyncServiceClient, Instance, RetryPolicy, ServiceClient, StaticDiscovery
from shared.clients.blocking import BlockingTransport
from shared.clients.wire import HandshakeFailed
from shared.config import ConfigError, Settings
from shared.config.settings import TlsFiles
from shared.errors import DeadlineExceeded, DependencyUnavailable
from shared.security.tls import check, server_context

pytestmark = pytest.mark.services("gateway", "orders")

SECONDS = 30.0


class House:
    """An authority, a caller called orders who has its certificate, and those whom he calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority.create()
        self.orders = files_of(self.authority.equip(folder, "orders"))

    def context(self, name: str) -> Any:
        """What a service of the house called `name` serves with."""
        return server_context(files_of(self.authority.equip(self.folder, name)))

    def shown(self, issued: Any) -> Any:
        return serving_with(issued, self.folder)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


class Caller:
    """Asks risk at ports of this machine, through the one client or the other."""

    def __init__(self, kind: type[Any], house: House, runner: asyncio.Runner) -> None:
        self._kind = kind
        self._house = house
        self._runner = runner
        self._clients: dict[Any, Any] = {}

    def __call__(
        self, *ports: int, path: str = "/", tls: TlsFiles | None = None, timeout: float = SECONDS
    ) -> httpx.Response:
        key = ports, tls or self._house.orders
        if key not in self._clients:
            self._clients[key] = self._make(*key)
        answer = self._clients[key].request("GET", path, timeout=timeout)
        return self._done(answer)

    def _make(self, ports: tuple[int, ...], tls: TlsFiles) -> Any:
        instances = [Instance(f"risk-{port}", "127.0.0.1", port) for port in ports]
        settings: Any = SimpleNamespace(service="orders", service_token_secret="s" * 40, tls=tls)
        retry = RetryPolicy(uniform=lambda _low, _high: 0.0)
        return self._kind("risk", settings, StaticDiscovery({"risk": instances}), retry=retry)

    def _done(self, answer: Any) -> Any:
        return self._runner.run(answer) if self._kind is AsyncServiceClient else answer

    def close(self) -> None:
        for client in self._clients.values():
            self._done(client.close())
        for _ in range(3):  # sockets close with the next turns of the loop
            self._runner.run(asyncio.sleep(0))


@pytest.fixture(params=[ServiceClient, AsyncServiceClient], ids=["blocking", "asynchronous"])
def call(request: pytest.FixtureRequest, house: House) -> Iterator[Caller]:
    """The client under test, on the event loop that services run on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        caller = Caller(request.param, house, runner)
        yield caller
        caller.close()


def test_a_service_of_the_house_is_called(house: House, call: Caller) -> None:
    """Whoever shows a certificate of the authority, made out to the name that is called, gets the request."""
    with Peer(house.context("risk")) as risk:
        assert call(risk.port, path="/v1/x").json() == {}
        assert risk.heard[0].startswith(b"GET /v1/x HTTP/1.1\r\n")


def test_calls_in_a_row_shake_hands_once(house: House, call: Caller) -> None:
    """A connection is kept, so that only the first of ten calls pays for the handshake."""
    with Peer(house.context("risk")) as risk:
        for _ in range(10):
            call(risk.port)
        assert (risk.connections, len(risk.heard)) == (1, 10)


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_certificate_that_proves_nothing_gets_no_request(house: House, call: Caller, kind: str) -> None:
    """The right name does not help who is not vouched for, now, by the authority: nothing is sent."""
    with Peer(house.shown(forged(kind, "risk", house.authority))) as impostor:
        with pytest.raises(DependencyUnavailable):
            pytest.fail(f"answered: {call(impostor.port)}")
        assert impostor.heard == []


def test_another_service_of_the_house_gets_no_request(house: House, call: Caller) -> None:
    """A certificate of the authority opens no door but that of the name it is made out to."""
    with Peer(house.context("notifications")) as other:
        with pytest.raises(DependencyUnavailable):
            call(other.port)
        assert other.heard == []


def test_a_peer_that_is_not_believed_is_not_asked_again(house: House, call: Caller) -> None:
    """Trying once more would not make it honest: a read, which may be repeated, is tried once."""
    with Peer(house.context("notifications")) as other:
        with pytest.raises(DependencyUnavailable) as refused:
            call(other.port)
        assert refused.value.fields["reason"] == HandshakeFailed.__name__
        assert other.connections == 1


def test_a_peer_that_speaks_no_tls_gets_no_request(call: Caller) -> None:
    """A plain HTTP server under the address of a service is a dependency that does not answer."""
    with Peer() as plain:
        with pytest.raises(DependencyUnavailable):
            call(plain.port)
        assert not any(b"HTTP/1.1" in each for each in plain.heard)


def test_a_caller_of_another_house_is_not_let_in(house: House, call: Caller, tmp_path: Path) -> None:
    """The called service demands a certificate of its authority; for the caller it is unavailable."""
    (tmp_path / "other").mkdir()
    stranger = Authority.create().equip(tmp_path / "other", "orders")
    files = TlsFiles(ca=house.orders.ca, certificate=stranger.certificate, key=stranger.key)
    with Peer(house.context("risk")) as risk:
        with pytest.raises(DependencyUnavailable):
            call(risk.port, tls=files)
        assert risk.heard == []


def test_a_peer_that_never_shakes_hands_costs_the_time_that_there_is(call: Caller) -> None:
    """A connection that is taken and then says nothing ends with the deadline."""
    with Peer(silent=True) as silent, pytest.raises(DeadlineExceeded):
        call(silent.port, timeout=0.3)


def test_a_name_has_connections_of_its_own(house: House) -> None:
    """A connection on which one service has proved its name is not used to call another at its address."""
    transport = BlockingTransport(house.orders)

    def ask(name: str) -> httpx.Response:
        url, extensions = f"https://127.0.0.1:{risk.port}/", {"sni_hostname": name}
        return transport.handle_request(httpx.Request("GET", url, extensions=extensions))

    with Peer(house.context("risk")) as risk:
        assert ask("risk").status_code == 200
        with pytest.raises(HandshakeFailed):
            ask("settlement")
        assert len(risk.heard) == 1
        transport.close()


def test_https_without_a_certificate_of_ones_own_is_refused() -> None:
    """A transport that was given no files calls nobody who might ask for them."""
    request = httpx.Request("GET", "https://127.0.0.1:1/")
    with pytest.raises(httpx.UnsupportedProtocol):
        BlockingTransport().handle_request(request)


@pytest.mark.parametrize(
    ("field", "variable"),
    [("ca", "NEXUS_TLS_CA"), ("certificate", "NEXUS_TLS_CERT"), ("key", "NEXUS_TLS_KEY")],
)
@pytest.mark.parametrize(
    "content", [None, b"", b"-----BEGIN NONSENSE-----\n"], ids=["missing", "empty", "damaged"]
)
def test_a_file_of_no_use_is_named_with_its_variable(
    house: House, field: str, variable: str, content: bytes | None
) -> None:
    """An operator reads in one line which variable names which file, and what is wrong with it."""
    file = Path(getattr(house.orders, field))
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(
        ConfigError, match=f"^NEXUS_TLS_[^\n]*{variable}[^\n]*$|^{variable} [^\n]*$"
    ) as refused:
        check(house.orders)
    assert str(file) in refused.value.message


def test_a_key_of_another_certificate_is_of_no_use(house: House) -> None:
    """Certificate and key have to belong together."""
    house.authority.issue("orders").write(house.folder, "again")
    files = TlsFiles(
        ca=house.orders.ca, certificate=house.orders.certificate, key=str(house.folder / "again.key")
    )
    with pytest.raises(ConfigError, match=r"NEXUS_TLS_CERT .*does not go with NEXUS_TLS_KEY"):
        check(files)


def test_a_service_does_not_start_without_its_certificate(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with the status of a wrong configuration and one line, before it opens a port."""
    variables = {"NEXUS_SERVICE": "risk", "NEXUS_PORT": "1", "SERVICE_TOKEN_SECRET": "s" * 32}
    variables |= dict.fromkeys(("REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "CONSUL_HTTP_ADDR"), "there")
    variables |= {"NEXUS_TLS_CA": house.orders.ca, "NEXUS_TLS_CERT": house.orders.certificate}
    for name, value in (variables | {"NEXUS_TLS_KEY": "/nowhere/risk.key"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        Settings.from_env()
    assert end.value.code == 78
    assert capsys.readouterr().err == "NEXUS_TLS_KEY names /nowhere/risk.key: No such file or directory\n"


def test_a_certificate_lives_for_days_and_its_authority_longer(house: House) -> None:
    """What is issued is short-lived, and ends before what vouches for it."""
    issued, own = house.authority.issue("risk").certificate, house.authority.own.certificate
    assert issued.not_valid_after_utc - issued.not_valid_before_utc <= timedelta(days=31)
    assert issued.not_valid_after_utc < own.not_valid_after_utc
