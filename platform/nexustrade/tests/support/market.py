"""Who trades, and what is traded."""

from __future__ import annotations

import secrets
import string
import uuid
from typing import Any

from support.client import ApiClient, Trader, expect, log_in


class Market:
    """Makes operators, traders and symbols on one running platform."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform
        self.gateway = platform.url("gateway")
        self._operator: ApiClient | None = None
        self._clients: list[ApiClient] = []

    @property
    def operator(self) -> ApiClient:
        """A client with the operator role."""
        if self._operator is None:
            self._operator = log_in(self.gateway, *self.platform.operator)
            self._clients.append(self._operator)
        return self._operator

    def name(self, prefix: str) -> str:
        """A name that no other run on the same platform has used: names carry no behaviour."""
        return prefix + uuid.uuid4().hex[:12]

    def new_user(self) -> tuple[ApiClient, str, str, str]:
        """Returns (client, username, password, user id)."""
        username, password = self.name("u-"), self.name("Pw-9")
        with_no_token = ApiClient(self.gateway)
        user = expect(
            with_no_token.post(
                "/v1/auth/register",
                json={"username": username, "email": f"{username}@example.com", "password": password},
            ),
            201,
        )
        with_no_token.close()
        client = log_in(self.gateway, username, password)
        self._clients.append(client)
        return client, username, password, user["user_id"]

    def new_trader(
        self,
        *,
        cash: str = "1000000",
        limit: str = "50000000",
        used: str | None = None,
        shares: dict[str, str] | None = None,
    ) -> Trader:
        """A trader with an account, money in US dollars, an exposure limit and, if asked, shares."""
        client, username, password, user_id = self.new_user()
        account = expect(client.post("/v1/accounts", json={"name": "main", "currency": "USD"}), 201)
        account_id = account["account_id"]
        limits = {"limit": limit} | ({"used": used} if used is not None else {})
        expect(self.operator.put(f"/v1/risk/limits/{account_id}", json=limits), 200)
        if cash != "0":
            deposit = {"amount": cash, "reference": f"cash-{account_id}"}
            expect(self.operator.post(f"/v1/balances/{account_id}/cash", json=deposit), 200, 201)
        for symbol, quantity in (shares or {}).items():
            deposit = {"symbol": symbol, "quantity": quantity, "reference": f"{symbol}-{account_id}"}
            expect(self.operator.post(f"/v1/balances/{account_id}/shares", json=deposit), 200, 201)
        return Trader(
            client=client, username=username, password=password, user_id=user_id, account_id=account_id
        )

    def new_symbol(self, *, tick_size: str = "0.01", lot_size: str = "1", calendar: str | None = None) -> str:
        """Lists a new instrument and returns its symbol; without a calendar it has the platform's."""
        symbol = "Z" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(7))
        body = {
            "symbol": symbol,
            "name": f"{symbol} Inc.",
            "tick_size": tick_size,
            "lot_size": lot_size,
            "currency": "USD",
            "calendar": calendar,
        }
        expect(self.operator.post("/v1/instruments", json=body), 201)
        return symbol

    def close(self) -> None:
        for client in self._clients:
            client.close()
