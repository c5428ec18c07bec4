"""Users on their devices: log-ins under a device's name, refreshes, requests that need rights."""

from __future__ import annotations

from typing import Any

import httpx

from support.client import ApiClient, expect


class Device:
    """An app that is logged in: it holds tokens, and may have several tabs open."""

    def __init__(self, gateway: str, username: str, password: str, name: str | None) -> None:
        self._http = ApiClient(gateway)
        credentials = {"username": username, "password": password}
        named = credentials if name is None else credentials | {"device": name}
        self.username, self.password = username, password
        self.tokens: dict[str, Any] = expect(self._http.post("/v1/auth/login", json=named), 200)

    @property
    def refresh_token(self) -> str:
        token: str = self.tokens["refresh_token"]
        return token

    def refresh(self, token: str | None = None, **headers: str) -> httpx.Response:
        """Trades a refresh token, by default that of the log-in."""
        body = {"refresh_token": token or self.refresh_token}
        return self._http.post("/v1/auth/refresh", json=body, headers=headers)

    def renew(self) -> dict[str, Any]:
        """Refreshes, and goes on with the new tokens."""
        self.tokens = expect(self.refresh(), 200)
        return self.tokens

    def request(self, method: str, path: str, access_token: str | None = None, **kwargs: Any) -> Any:
        """A request with an access token, by default the newest."""
        bearer = {"Authorization": f"Bearer {access_token or self.tokens['access_token']}"}
        return self._http.request(method, path, headers=bearer, **kwargs)

    def open_account(self, access_token: str | None = None) -> int:
        """The status of a request that takes a trader's rights."""
        answer = self.request("POST", "/v1/accounts", access_token, json={"name": "main"})
        return int(answer.status_code)

    def close(self) -> None:
        self._http.close()


class Devices:
    """Makes users and their devices on one platform."""

    def __init__(self, platform: Any, market: Any) -> None:
        self._gateway = platform.url("gateway")
        self._market = market
        self._made: list[Device] = []

    def new(self, name: str | None = "phone") -> Device:
        """A device of a user of its own."""
        _, username, password, _ = self._market.new_user()
        return self.of(username, password, name)

    def of(self, username: str, password: str, name: str | None = "phone") -> Device:
        """One more device of a user."""
        self._made.append(Device(self._gateway, username, password, name))
        return self._made[-1]

    def close(self) -> None:
        for each in self._made:
            each.close()
