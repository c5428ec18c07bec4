"""Where made-up requests go, who sends them, and the values in them that lead somewhere."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from services.auth.roles import permissions_of
from shared.security import Identity, service_tokens
from support.client import Trader, expect
from support.fuzzing import Served
from support.market import Market
from support.services import METHODS, ask

# Whose tokens an operation that is not for users believes.
INSIDERS = {"auth": "gateway", "risk": "orders"}


def target_of(market: Market, service: str) -> Served:
    """A service, asked straight and with the tokens of services."""
    platform = market.platform
    trader, known = _somebody(market)
    secret = platform.environment(service)["SERVICE_TOKEN_SECRET"]

    def authorize(caller: str, path: str) -> dict[str, str]:
        if caller == "nobody":
            return {}
        roles = ("trader", "operator") if caller == "operator" else ("trader",)
        identity = Identity(
            trader.user_id, roles=roles, permissions=permissions_of(roles), tenant="retail", device="fuzz"
        )
        issuer = INSIDERS[service] if path.startswith("/internal/") else "gateway"
        return _bearer(service_tokens.issue(issuer, service, identity, secret))

    return Served(
        document=ask(platform, service, "/openapi.json").json(),
        url=platform.url(service),
        tls=platform.addresses.tls,
        authorize=authorize,
        known=known,
        examples=10,
    )


def target_behind_gateway(market: Market, service: str) -> Served:
    """What a service offers to users, asked through the gateway and with their tokens."""
    platform = market.platform
    trader, known = _somebody(market)
    tokens = {"operator": market.operator.token, "trader": trader.client.token}
    own = ask(platform, "gateway", "/openapi.json").json()
    return Served(
        document=_as_passed_on(ask(platform, service, "/openapi.json").json(), own),
        url=platform.url("gateway"),
        tls=platform.addresses.tls,
        authorize=lambda caller, _path: _bearer(tokens[caller]) if caller in tokens else {},
        known=known,
        examples=4,  # most of what can go wrong with them is asked of the services themselves
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _as_passed_on(document: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A service's document as clients of the gateway may read it, with the gateway's own refusals."""
    passed_on = deepcopy(document)
    passed_on["paths"] = {}
    for path, item in document["paths"].items():
        part = own["paths"].get("/api" + "/".join(path.split("/")[:3]))
        if part is not None:
            for method in METHODS:
                if method in item:
                    refusals = {k: v for k, v in part[method]["responses"].items() if k != "default"}
                    item[method]["responses"] |= refusals
            passed_on["paths"]["/api" + path] = item
    return passed_on


def _somebody(market: Market) -> tuple[Trader, dict[str, Any]]:
    trader, symbol = market.new_trader(), market.new_symbol()
    order = expect(trader.submit(symbol, "buy", 10, "1.00"), 201)
    tokens = {"username": trader.username, "password": trader.password}
    session = expect(trader.client.post("/v1/auth/login", json=tokens), 200)
    hook = {"url": "http://127.0.0.1:18100/hook"}
    expect(trader.client.put(f"/v1/notifications/webhooks/{trader.account_id}", json=hook), 200)
    leading = {
        "account_id": trader.account_id,
        "from_account": trader.account_id,
        "user_id": trader.user_id,
        "order_id": order["order_id"],
        "symbol": symbol,
        "refresh_token": session["refresh_token"],
    }
    fitting = {
        "side": "buy", "order_type": "limit", "time_in_force": "day", "currency": "USD", "quantity": "10",
        "price": "1.00", "amount": "5.00", "cash": "5.00", "as_of": "2026-11-27", "day": "2026-11-27",
    }  # fmt: skip
    return trader, leading | tokens | hook | fitting
