"""The internal interface of risk, called the way the orders service calls it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Self

import httpx

from shared.security import Identity, service_tokens
from support.burst import in_flight
from support.client import expect
from support.race import held_row


class RiskDesk:
    """Reserves and releases exposure at the risk service itself, without gateway and orders."""

    def __init__(self, platform: Any, *, issuer: str = "orders", identity: Identity | None = None) -> None:
        self._platform = platform
        self._issuer = issuer
        self._identity = identity
        self._secret = platform.environment("risk")["SERVICE_TOKEN_SECRET"]
        self.http: httpx.Client = platform.http("risk")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        token = service_tokens.issue(self._issuer, "risk", self._identity, self._secret)
        return self.http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)

    def reserve(
        self,
        account_id: str,
        *,
        price: str | None,
        quantity: str = "100",
        symbol: str = "AAPL",
        side: str = "buy",
        order_id: str | None = None,
    ) -> httpx.Response:
        body = {
            "order_id": order_id or str(uuid.uuid4()),
            "account_id": account_id,
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "price": price,
        }
        return self.request("POST", "/internal/v1/reservations", json=body)

    def reserve_batch(self, *legs: dict[str, Any]) -> httpx.Response:
        """Reserves legs made by `leg` all or none."""
        return self.request("POST", "/internal/v1/reservations/batch", json={"reservations": legs})

    def replace(self, order_id: str, quantity: str, price: str | None) -> httpx.Response:
        body = {"quantity": quantity, "price": price}
        return self.request("PATCH", f"/internal/v1/reservations/{order_id}", json=body)

    def release(self, order_id: str) -> httpx.Response:
        return self.request("DELETE", f"/internal/v1/reservations/{order_id}")

    def reserve_together(self, account_id: str, *, count: int, price: str) -> list[httpx.Response]:
        """Sends `count` reservations of 100 shares that all reach the limit's row before any goes on."""
        with held_row(self._platform, account_id) as row:
            calls = [lambda: self.reserve(account_id, price=price)] * count
            with in_flight(calls) as futures:
                row.release_when_settled(count)
            return [future.result() for future in futures]

    def used(self, account_id: str) -> Decimal:
        """The exposure in use, as the table says."""
        rows = self._platform.sql(
            "orders_db", "SELECT used FROM risk_exposurelimit WHERE account_id = %s", (account_id,)
        )
        return Decimal(rows[0]["used"])


def leg(account_id: str, price: str, **fields: str) -> dict[str, Any]:
    """An order of 100 shares, for a batch."""
    order = {"order_id": str(uuid.uuid4()), "account_id": account_id, "symbol": "AAPL", "side": "buy"}
    return {**order, "quantity": "100", "price": price, **fields}


def statuses(responses: Iterable[httpx.Response]) -> Counter[int]:
    """How often each status was answered."""
    return Counter(response.status_code for response in responses)


def set_limit(market: Any, account_id: str, limit: str, used: str | None = None) -> None:
    """Gives an account a limit, whether it is anybody's or not."""
    body = {"limit": limit} | ({"used": used} if used is not None else {})
    expect(market.operator.put(f"/v1/risk/limits/{account_id}", json=body), 200)
