"""What TLS costs is paid once per connection, not once per call."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.client import expect

OPENED = "client_connections_total"
CALLS = 60
AT_ONCE = 6


@pytest.mark.services("gateway", "orders")
def test_calls_through_the_gateway_share_connections(platform: Any, new_trader: Any) -> None:
    """Sixty reads, six at a time, need no more handshakes than are under way at once."""
    trader = new_trader(cash="0")

    def read(_number: int) -> None:
        expect(trader.client.get(f"/v1/orders?account_id={trader.account_id}"), 200)

    before = platform.metrics("gateway").get(OPENED, 0.0)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(read, range(CALLS)))
    assert platform.metrics("gateway").get(OPENED, 0.0) - before <= 2 * AT_ONCE


@pytest.mark.services("gateway", "orders", "risk", "users")
def test_orders_in_a_row_open_no_connections(platform: Any, new_trader: Any, new_symbol: Any) -> None:
    """What orders asks users and risk for travels on connections that it keeps."""
    trader, symbol = new_trader(), new_symbol()
    expect(trader.submit(symbol, "buy", 1, "10"), 201)
    before = platform.metrics("orders").get(OPENED, 0.0)
    for _ in range(20):
        expect(trader.submit(symbol, "buy", 1, "10"), 201)
    assert platform.metrics("orders").get(OPENED, 0.0) - before <= 5
