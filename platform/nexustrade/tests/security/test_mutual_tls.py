"""Inside the network, too: who calls and who is called prove who they are, on the running platform."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from support.certificates import FORGERIES, Peer, forged, serving_with
from support.instances import listed
from support.services import NAMES, every_service
from support.wait import until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

INTERNAL = tuple(name for name in NAMES if name != "gateway")
SECONDS = 30.0


@pytest.fixture
def authority(platform: Any) -> Any:
    """The authority of the running platform."""
    if platform.seat is None:
        pytest.skip("the authority's key is not on this machine")
    return platform.authority


def outside(platform: Any) -> ssl.SSLContext:
    """One who trusts the house and has no certificate of it."""
    return ssl.create_default_context(cafile=platform.addresses.credentials.ca)


def refused(platform: Any, service: str, context: ssl.SSLContext) -> bool:
    """Whether `service` ends the connection of who calls with `context`; AssertionError when it answers."""
    with httpx.Client(verify=context, timeout=SECONDS) as client:
        try:
            answer = client.get(platform.url(service) + "/health/live")
        except httpx.TransportError:
            return True
    pytest.fail(f"{service} answered {answer.status_code}")


@every_service(*INTERNAL)
def test_a_caller_without_a_certificate_gets_no_answer(platform: Any, service: str) -> None:
    """Not even to the question whether it lives: no request is read before the handshake is complete."""
    assert refused(platform, service, outside(platform))


@every_service("orders", "matching", "notifications")
def test_a_caller_with_a_forged_certificate_gets_no_answer(
    platform: Any, authority: Any, tmp_path: Path, service: str
) -> None:
    """Of another authority, self-signed, expired or not valid yet: the name in it does not matter."""
    for kind in FORGERIES:
        context = outside(platform)
        forged(kind, "gateway", authority).write(tmp_path, "shown")
        context.load_cert_chain(tmp_path / "shown.crt", tmp_path / "shown.key")
        assert refused(platform, service, context)


@every_service("users", "market-data")
def test_plain_http_gets_no_answer(platform: Any, service: str) -> None:
    """The port of a service speaks TLS and nothing else."""
    with pytest.raises(httpx.TransportError):
        httpx.get(platform.url(service).replace("https", "http", 1) + "/health/live", timeout=SECONDS)


@every_service(*INTERNAL)
def test_a_service_proves_its_own_name_and_no_other(platform: Any, service: str) -> None:
    """Its certificate is made out to it alone: as any other service it is not accepted."""
    address = str(urlsplit(platform.url(service)).hostname), platform.port(service)
    accepted = set()
    for name in (*NAMES, "payments", "127.0.0.2"):
        with (
            socket.create_connection(address, SECONDS) as sock,
            suppress(ssl.SSLCertVerificationError),
            platform.addresses.tls.wrap_socket(sock, server_hostname=name),
        ):
            accepted.add(name)
    assert accepted == {service}


@pytest.mark.services("gateway")
def test_the_front_door_is_open_to_those_without_certificates(platform: Any) -> None:
    """Users have tokens, not certificates; TLS ends at the ingress before the gateway."""
    assert httpx.get(platform.url("gateway") + "/health/live", timeout=SECONDS).status_code == 200


@pytest.mark.services("gateway")
def test_keys_are_readable_by_their_user_alone(platform: Any) -> None:
    """Nobody else on the machine can take a service's name."""
    if platform.seat is None:
        pytest.skip("the seat is not on this machine")
    folder = platform.seat / "tls"
    assert folder.stat().st_mode & 0o077 == 0
    assert {file.stat().st_mode & 0o777 for file in folder.glob("*.key")} == {0o600}


@pytest.mark.services("gateway", "notifications", "users")
@pytest.mark.parametrize("kind", ["self-signed", "another authority"])
@pytest.mark.parametrize("target", ["notifications", "users"])  # called by the gateway, and by notifications
def test_an_impostor_in_the_catalogue_is_sent_nothing(
    platform: Any, new_trader: Any, authority: Any, tmp_path: Path, target: str, kind: str
) -> None:
    """Consul says where, the certificate says who: callers turn away from whoever cannot prove it."""
    trader = new_trader(cash="0")
    answers: set[str] = set()

    def notifications() -> httpx.Response:
        return trader.client.get("/v1/notifications", params={"account_id": trader.account_id})

    with Peer(serving_with(forged(kind, target, authority), tmp_path)) as impostor:

        def ask() -> bool:
            answer = notifications()
            answers.add("ok" if answer.status_code == 200 else answer.json()["type"].rsplit("/", 1)[-1])
            return bool(impostor.turned_away or impostor.heard)

        with listed(platform, target, impostor.port, callers=("gateway", "notifications")) as take_out:
            until(ask, message="the caller tries the impostor")
            assert impostor.heard == []
            assert answers <= {"ok", "dependency-unavailable"}
            take_out()
            until(lambda: notifications().status_code == 200, message="all is as before")


@pytest.mark.services("gateway", "market-data")
def test_a_stream_is_not_fed_by_an_impostor(
    platform: Any, operator: Any, authority: Any, new_symbol: Any, tmp_path: Path
) -> None:
    """Prices come from who can prove to be market-data; the token for it goes nowhere else."""
    symbol = new_symbol()
    url = platform.url("gateway").replace("http", "ws", 1)
    headers = {"Authorization": operator.http.headers["Authorization"]}
    shown = forged("self-signed", "market-data", authority)
    statuses: set[int] = set()
    with Peer(serving_with(shown, tmp_path)) as impostor:

        def ask() -> bool:
            try:
                with connect(
                    f"{url}/api/v1/market/stream?symbols={symbol}",
                    additional_headers=headers,
                    proxy=None,
                    open_timeout=SECONDS,
                ):
                    pass
            except InvalidStatus as error:
                statuses.add(error.response.status_code)
            return bool(impostor.turned_away or impostor.heard)

        with listed(platform, "market-data", impostor.port, callers=("gateway",)):
            until(ask, message="the gateway tries the impostor")
        assert impostor.heard == []
    assert statuses <= {503}
