"""Which operations name an object of a user, and one user who has an object of every kind."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from support.client import ApiClient, Trader, expect, log_in
from support.services import METHODS, NAMES, ask
from support.settlement import make_trade
from support.webhooks import set_webhook

# Names in paths that are nobody's: what is traded, and what somebody may be.
NOBODYS = {"symbol", "role"}


def object_operations(platform: Any) -> set[tuple[str, str]]:
    """(method, path) of all operations of all services that name an object of a user.

    Whatever a path names is taken for one, unless it is in NOBODYS; and so is what a query or a body calls an
    id or an account.
    """
    found = set()
    for service in NAMES:
        document = ask(platform, service, "/openapi.json").json()
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item and _names_object(item[method], item, document):
                    found.add((method.upper(), path))
    return found


def service_of(path: str, platform: Any) -> str:
    """The service that publishes a path."""
    documents = {name: ask(platform, name, "/openapi.json").json() for name in NAMES}
    return next(name for name, document in documents.items() if path in document["paths"])


def _names_object(operation: dict[str, Any], item: dict[str, Any], document: dict[str, Any]) -> bool:
    parameters = operation.get("parameters", []) + item.get("parameters", [])
    if any(each["in"] == "path" and each["name"] not in NOBODYS for each in parameters):
        return True
    names = {each["name"] for each in parameters if each["in"] == "query"}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        names |= set(_fields(content.get("schema", {}), document, set()))
    return any(name.endswith(("_id", "_ids", "account", "accounts")) for name in names)


def _fields(schema: Any, document: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """The names of all fields of a body, those of what is in it included."""
    if isinstance(schema, list):
        for each in schema:
            yield from _fields(each, document, seen)
    elif isinstance(schema, dict):
        reference = schema.get("$ref", "")
        if reference and reference not in seen:
            seen.add(reference)
            yield from _fields(
                document["components"]["schemas"][reference.rpartition("/")[2]], document, seen
            )
        properties = schema.get("properties", {})
        yield from properties
        for part in ("items", "allOf", "anyOf", "oneOf", "additionalProperties"):
            yield from _fields(schema.get(part), document, seen)
        yield from _fields(list(properties.values()), document, seen)


class Victim:
    """A trader whose objects are made when their names are first asked for: `victim["order_id"]`."""

    def __init__(self, market: Any) -> None:
        self._market = market
        self.trader: Trader = market.new_trader(cash="1000000")
        self._made: dict[str, str] = {"role": "auditor"}

    def __getitem__(self, name: str) -> str:
        if name not in self._made:
            made: Callable[[], str] = getattr(self, f"_{name}")
            self._made[name] = made()
        return self._made[name]

    def prepare(self, text: Any) -> Any:
        """`text`, or what is in it, with the ids of the victim's objects for "{order_id}" and the like."""
        if isinstance(text, dict):
            return {name: self.prepare(each) for name, each in text.items()}
        if isinstance(text, list):
            return [self.prepare(each) for each in text]
        return text.format_map(self) if isinstance(text, str) else text

    def request(
        self, client: ApiClient, method: str, path: str, *, content: str | None = None, **parts: Any
    ) -> httpx.Response:
        """Sends a request about the victim's objects for any caller."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        if content is not None:
            parts["content"] = self.prepare(content)
            headers["Content-Type"] = "application/xml"
        for part in ("params", "json"):
            if part in parts:
                parts[part] = self.prepare(parts[part])
        return client.request(method, self.prepare(path), headers=headers, **parts)

    def _account_id(self) -> str:
        return self.trader.account_id

    def _second_account(self) -> str:
        account = expect(self.trader.client.post("/v1/accounts", json={"name": "second"}), 201)
        return str(account["account_id"])

    def _symbol(self) -> str:
        """What the victim has a share of."""
        symbol: str = self._market.new_symbol()
        body = {"symbol": symbol, "quantity": "10", "reference": uuid.uuid4().hex}
        path = f"/v1/balances/{self.trader.account_id}/shares"
        expect(self._market.operator.post(path, json=body), 201)
        return symbol

    def _order_id(self) -> str:
        order = expect(self.trader.submit(self["symbol"], "buy", "10", "1.00"), 201)
        return str(order["order_id"])

    def _spread_id(self) -> str:
        legs = [self.trader.leg(self["symbol"], "buy", "1", price) for price in ("1.00", "1.01")]
        return str(expect(self.trader.submit_spread(*legs), 201)["spread_id"])

    def _trade_id(self) -> str:
        seller = self._market.new_trader(cash="0")
        symbol = self._market.new_symbol()
        return str(make_trade(self._market.operator, self.trader, seller, symbol, "1", "1.00")["trade_id"])

    def _user_id(self) -> str:
        expect(self.trader.client.put("/v1/users/me", json={"display_name": "Ada"}), 200)
        return self.trader.user_id

    def _username(self) -> str:
        return self.trader.username

    def _key_id(self) -> str:
        body = {"name": "bot", "permissions": ["orders:read"]}
        return str(expect(self.trader.client.post("/v1/auth/api-keys", json=body), 201)["key_id"])

    def _session_id(self) -> str:
        """Another one than that of the victim's client."""
        known = self._sessions()
        log_in(self._market.gateway, self.trader.username, self.trader.password).close()
        (session,) = self._sessions() - known
        return session

    def _sessions(self) -> set[str]:
        listed = expect(self.trader.client.get("/v1/auth/sessions"), 200)["items"]
        return {each["session_id"] for each in listed}

    def _webhook(self) -> str:
        """The account that has a webhook."""
        set_webhook(self.trader, "https://hooks.example.invalid/x")
        return self.trader.account_id
