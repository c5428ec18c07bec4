"""Whose rate a request is counted against."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import HTTPConnection

from services.gateway.api import address_of
from services.gateway.ratelimit import Rate, RateLimiter
from shared.errors import RateLimited

pytestmark = pytest.mark.services("gateway")

PEER = "198.51.100.9"
CLAIMS = [
    (b"x-forwarded-for", b"203.0.113.7"),
    (b"x-real-ip", b"203.0.113.7"),
    (b"forwarded", b"for=203.0.113.7"),
    (b"x-client-id", b"someone-else"),
    (b"x-client-ip", b"203.0.113.7"),
]


def connection(*headers: tuple[bytes, bytes], client: tuple[str, int] | None = (PEER, 40000)):
    return HTTPConnection({"type": "http", "headers": list(headers), "client": client})


@pytest.mark.parametrize("header", CLAIMS, ids=lambda header: header[0].decode())
def test_the_address_is_the_peer_s(header) -> None:
    """A caller has the address that his connection comes from, whatever he writes into a header."""
    assert address_of(connection(header)) == PEER


def test_callers_of_one_proxy_share_its_address() -> None:
    """Two clients that a proxy tells apart in a header are one to the gateway."""
    chains = [b"203.0.113.7, 203.0.113.1", b"203.0.113.8, 203.0.113.1"]
    assert {address_of(connection((b"x-forwarded-for", chain))) for chain in chains} == {PEER}


def test_a_connection_without_a_peer_has_an_address() -> None:
    """Callers over a local socket share one bucket."""
    assert address_of(connection(client=None)) == "unknown"


class Buckets:
    """Stands for Redis: a bucket each of whose names holds a number of tokens and is never filled again."""

    def __init__(self, size: int) -> None:
        self.left: dict[str, int] = {}
        self._size = size

    def register_script(self, _script: str):
        async def take(*, keys: list[str], args: list[float]) -> str:  # noqa: ARG001
            left = self.left.setdefault(keys[0], self._size)
            self.left[keys[0]] = left - 1
            return "0" if left > 0 else "2.5"

        return take


def test_a_user_and_an_address_of_the_same_name_are_two_buckets() -> None:
    """A subject that looks like an address takes nothing from whoever comes from there."""
    buckets = Buckets(1)
    limiter = RateLimiter(buckets, users=Rate(1.0, 1), anonymous=Rate(1.0, 1))

    async def draw() -> None:
        await limiter.check_user(PEER)
        await limiter.check_address(PEER)
        with pytest.raises(RateLimited) as refusal:
            await limiter.check_user(PEER)
        assert refusal.value.fields["retry_after"] == 3

    asyncio.run(draw())
    assert len(buckets.left) == 2
