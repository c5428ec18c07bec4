"""The platform's public API as a client sees it."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx


class ApiClient:
    """A logged-in caller of the gateway. Paths are given without the `/api` prefix: `/v1/orders`."""

    def __init__(self, base_url: str, token: str | None = None, *, timeout: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.token = token
        self.http = httpx.Client(
            base_url=f"{base_url}/api",
            headers=headers,
            timeout=timeout,
            verify=False,  # noqa: S501 - the way is plain HTTP; loading certificates takes 40 ms
        )

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        return self.http.request(method, path, **kwargs)

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("PUT", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> httpx.Response:
        return self.request("DELETE", path, **kwargs)

    def close(self) -> None:
        self.http.close()


def expect(response: httpx.Response, *statuses: int) -> Any:
    """Returns the response's JSON body; AssertionError with the body when the status is another."""
    assert response.status_code in statuses, (
        f"{response.request.method} {response.request.url.path}: "
        f"{response.status_code} instead of {statuses}: {response.text[:500]}"
    )
    return response.json() if response.content else None


class Session(ApiClient):
    """A caller who logs in, and again before his access token (five minutes) runs out."""

    RENEW_SECONDS = 200.0

    def __init__(self, base_url: str, username: str, password: str) -> None:
        super().__init__(base_url)
        self._credentials = {"username": username, "password": password}
        self._renew_at = 0.0
        self._lock = threading.Lock()
        try:
            self._log_in()
        except BaseException:
            self.close()
            raise

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        with self._lock:
            if time.monotonic() > self._renew_at:
                self._log_in()
        return super().request(method, path, **kwargs)

    def _log_in(self) -> None:
        tokens = expect(self.http.post("/v1/auth/login", json=self._credentials), 200)
        self.token = tokens["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self._renew_at = time.monotonic() + self.RENEW_SECONDS


def log_in(base_url: str, username: str, password: str) -> Session:
    """Returns a client with a fresh access token."""
    return Session(base_url, username, password)


@dataclass(kw_only=True)
class Trader:
    """A user with one account."""

    client: ApiClient
    username: str
    password: str
    user_id: str
    account_id: str

    def order_body(
        self,
        symbol: str,
        side: str,
        quantity: str | int,
        price: str | Decimal | None,
        **fields: Any,
    ) -> dict[str, Any]:
        return {
            "account_id": self.account_id,
            "symbol": symbol,
            "side": side,
            "order_type": "market" if price is None else "limit",
            "time_in_force": "ioc" if price is None else "day",
            "quantity": str(quantity),
            "price": None if price is None else str(price),
            **fields,
        }

    def submit(
        self,
        symbol: str,
        side: str,
        quantity: str | int,
        price: str | Decimal | None = None,
        *,
        key: str | None = None,
        **fields: Any,
    ) -> httpx.Response:
        """Sends an order: limit where a price is given, otherwise market (immediate or cancel)."""
        return self.client.post(
            "/v1/orders",
            json=self.order_body(symbol, side, quantity, price, **fields),
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
        )

    def leg(self, symbol: str, side: str, quantity: str | int, price: str, **fields: Any) -> dict[str, Any]:
        """An order of a spread."""
        body = self.order_body(symbol, side, quantity, price, **fields)
        return {name: value for name, value in body.items() if name != "account_id"}

    def submit_spread(self, *legs: dict[str, Any], key: str | None = None, **fields: Any) -> httpx.Response:
        """Sends orders that are to be approved as one."""
        return self.client.post(
            "/v1/spreads",
            json={"account_id": self.account_id, "legs": list(legs), **fields},
            headers={"Idempotency-Key": key or uuid.uuid4().hex},
        )

    def order(self, order_id: str) -> dict[str, Any]:
        order: dict[str, Any] = expect(self.client.get(f"/v1/orders/{order_id}"), 200)
        return order

    def limit(self) -> dict[str, Any]:
        limit: dict[str, Any] = expect(self.client.get(f"/v1/risk/limits/{self.account_id}"), 200)
        return limit
