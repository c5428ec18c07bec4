"""Orders and what becomes of them, as clients of the gateway see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from support.client import ApiClient, Trader, expect
from support.wait import PATIENCE, until


def place(trader: Trader, *args: Any, **fields: Any) -> str:
    """Submits an order that must be taken; returns its id."""
    return expect(trader.submit(*args, **fields), 201)["order_id"]


def reaches(trader: Trader, order_id: str, status: str, *, timeout: float = PATIENCE) -> dict[str, Any]:
    """The order once it has that status."""

    def probe() -> dict[str, Any] | None:
        order = trader.order(order_id)
        return order if order["status"] == status else None

    return until(probe, timeout=timeout, message=f"order {order_id} becomes {status}")


def restarted(platform: Any, service: str, trader: Trader) -> None:
    """Starts orders or risk again, and waits until the gateway, too, has noticed."""
    platform.start_service(service)
    path = {"orders": "/v1/orders", "risk": f"/v1/risk/limits/{trader.account_id}"}[service]
    until(
        lambda: trader.client.get(path).status_code == 200, message=f"{service} answers through the gateway"
    )


def shown(client: ApiClient, path: str, accept: Callable[[Any], bool], *, timeout: float = PATIENCE) -> Any:
    """The JSON at `path` once `accept` is true of it; a service that is still coming up is waited for."""

    def probe() -> Any:
        response = client.get(path)
        if response.status_code == 503:
            return None
        answer = expect(response, 200)
        return answer if accept(answer) else None

    return until(probe, timeout=timeout, message=f"{path} shows what is expected")


def levels(rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(row["price"], row["quantity"]) for row in rows]


def book_with(client: ApiClient, symbol: str, *, bids: list[Any], asks: list[Any]) -> dict[str, Any]:
    """The public book once it shows exactly these (price, quantity) levels."""
    return shown(
        client,
        f"/v1/market/books/{symbol}",
        lambda book: levels(book["bids"]) == bids and levels(book["asks"]) == asks,
    )


def trades_of(client: ApiClient, symbol: str) -> list[dict[str, Any]]:
    """The last public trades, oldest first."""
    return expect(client.get(f"/v1/market/trades/{symbol}?limit=1000"), 200)["items"][::-1]


@contextmanager
def streaming(client: ApiClient, gateway: str, *symbols: str, **options: Any) -> Any:
    """A market data stream through the gateway; its snapshots have not been read yet."""
    url = gateway.replace("http", "ws", 1) + f"/api/v1/market/stream?symbols={','.join(symbols)}"
    headers = {"Authorization": f"Bearer {client.token}"}
    options = {"open_timeout": PATIENCE} | options
    with connect(url, additional_headers=headers, proxy=None, **options) as stream:
        yield stream


def next_message(stream: ClientConnection, kind: str, *, timeout: float = PATIENCE) -> dict[str, Any]:
    """The next message of that type; others before it are skipped."""
    while True:
        message = json.loads(stream.recv(timeout=timeout))
        if message["type"] == kind:
            return message
