from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.services("gateway", "auth", "market-data")


@pytest.fixture
def stream_url(platform: Any) -> str:
    return platform.url("gateway").replace("http", "ws", 1) + "/api/v1/market/stream"


@pytest.mark.parametrize("query", ["", "?token=made.up.token"])
def test_the_stream_needs_an_access_token(stream_url: str, query: str) -> None:
    """Without a valid token the connection is refused with 401 before it opens."""
    with pytest.raises(InvalidStatus) as refused:
        connect(stream_url + query, proxy=None, open_timeout=30)
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("as_header", [True, False])
@pytest.mark.services("orders")
def test_a_trader_follows_a_symbol(
    stream_url: str, market: Any, new_symbol: Callable[..., str], as_header: bool
) -> None:
    """With a token, as header or in the query, the stream opens and starts with the symbol's snapshot."""
    client, *_ = market.new_user()
    symbol = new_symbol()
    headers = {"Authorization": f"Bearer {client.token}"} if as_header else {}
    query = f"?symbols={symbol}" + ("" if as_header else f"&token={client.token}")
    with connect(stream_url + query, additional_headers=headers, proxy=None, open_timeout=30) as stream:
        first = json.loads(stream.recv(timeout=10))
    assert (first["type"], first["symbol"]) == ("snapshot", symbol)


def test_the_service_tells_why_it_ends_a_stream(stream_url: str, market: Any) -> None:
    """The code and the reason with which market-data closes reach the client."""
    client, *_ = market.new_user()
    with (
        connect(f"{stream_url}?token={client.token}", proxy=None, open_timeout=30) as stream,
        pytest.raises(ConnectionClosed) as closed,
    ):
        stream.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code >= 4000
    assert "symbols" in closed.value.rcvd.reason
