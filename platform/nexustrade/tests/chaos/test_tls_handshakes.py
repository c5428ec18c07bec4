"""Handshakes that go wrong hold up nobody, and what they disturbed recovers."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.certificates import Peer, serving_with
from support.client import expect
from support.instances import listed
from support.trading import book_with
from support.wait import until

SILENT = 40
SECONDS = 30.0


@pytest.mark.services("gateway", "orders", "risk", "market-data")
def test_orders_go_on_while_callers_stop_in_their_handshakes(
    platform: Any, new_trader: Any, new_symbol: Any
) -> None:
    """Forty connections to each of three services say half a word or none; orders and reads pass them by."""
    trader, symbol = new_trader(), new_symbol()
    with ExitStack() as stack:
        for service in ("orders", "risk", "market-data"):
            address = str(urlsplit(platform.url(service)).hostname), platform.port(service)
            for number in range(SILENT):
                silent = stack.enter_context(socket.create_connection(address, SECONDS))
                silent.sendall(b"\x16\x03\x01\x02\x00"[: number % 6])
        expect(trader.submit(symbol, "buy", 1, "10"), 201)
        book_with(trader.client, symbol, bids=[("10", "1")], asks=[])


@pytest.mark.services("orders", "matching")
def test_rubbish_on_the_port_of_a_service_leaves_it_as_it_was(platform: Any) -> None:
    """After random bytes, resets and half a greeting it answers those who speak properly."""
    for service in ("orders", "matching"):
        address = str(urlsplit(platform.url(service)).hostname), platform.port(service)
        for length in (1, 5, 100, 20_000):
            with socket.create_connection(address, SECONDS) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.sendall(b"\x16\x03\x01" + os.urandom(length))
        with platform.http(service) as client:
            assert client.get("/health/live").status_code == 200


@pytest.mark.services("gateway", "notifications")
def test_calls_recover_when_a_false_instance_goes(platform: Any, new_trader: Any, tmp_path: Path) -> None:
    """Some calls meet it, and fail at once; the true instance answers the others, and afterwards all."""
    if platform.seat is None:
        pytest.skip("the authority's key is not on this machine")
    trader = new_trader(cash="0")
    other = platform.authority.issue("settlement")  # of the house, and not who is called

    def answered() -> bool:
        path, account = "/v1/notifications", {"account_id": trader.account_id}
        return trader.client.get(path, params=account).status_code == 200

    with (
        Peer(serving_with(other, tmp_path)) as false,
        listed(platform, "notifications", false.port, callers=("gateway",)) as take_out,
    ):
        until(lambda: not answered(), message="a call meets the false instance")
        until(answered, message="the true instance answers")
        assert false.heard == []
        take_out()
        until(lambda: all(answered() for _ in range(10)), message="every call is answered")
