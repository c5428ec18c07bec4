"""Two orders meet, their trade is settled and audited: through the gateway on its published port."""

import json
import os
import ssl
import time
import urllib.error
import urllib.request
import uuid
from decimal import Decimal
from typing import Any

GATEWAY = os.environ.get("NEXUS_URL_GATEWAY", "http://127.0.0.1:8000")
SERVICES = range(8000, 8010)
OPERATOR_PASSWORD = os.environ.get("OPERATOR_PASSWORD", "operator-for-development")


class Api:
    def __init__(self, token: str = "") -> None:
        self._headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {token}"} if token else {}
        )

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{GATEWAY}/api/v1{path}", data, sent, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from None


def log_in(username: str, password: str) -> Api:
    answer = Api()("POST", "/auth/login", {"username": username, "password": password})
    return Api(answer["access_token"])


def trader(operator: Api, symbol: str) -> tuple[Api, str]:
    name, password = f"u{uuid.uuid4().hex[:10]}", uuid.uuid4().hex
    Api()("POST", "/auth/register", {"username": name, "email": f"{name}@example.com", "password": password})
    api = log_in(name, password)
    account = api("POST", "/accounts", {"name": "main"})["account_id"]
    operator("PUT", f"/risk/limits/{account}", {"limit": "1000000"})
    operator("POST", f"/balances/{account}/cash", {"amount": "10000", "reference": "start"})
    shares = {"symbol": symbol, "quantity": "100", "reference": "start"}
    operator("POST", f"/balances/{account}/shares", shares)
    return api, account


def wait_for(what: str, probe: Any) -> Any:
    deadline = time.monotonic() + 30
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within 30 s")
        time.sleep(0.2)
    print("ok:", what)
    return answer


def main() -> None:
    for port in SERVICES:
        url = f"{'http' if port == 8000 else 'https'}://127.0.0.1:{port}/health/ready"
        wait_for(f"service on {port} is ready", lambda url=url: ready(url))
    operator = log_in("operator", OPERATOR_PASSWORD)
    symbol = "C" + uuid.uuid4().hex[:6].upper()
    operator("POST", "/instruments", {"symbol": symbol, "name": symbol})
    (buyer, bought), (seller, sold) = trader(operator, symbol), trader(operator, symbol)
    for api, account, side in ((seller, sold, "sell"), (buyer, bought, "buy")):
        order = {"account_id": account, "symbol": symbol, "side": side, "order_type": "limit"}
        order |= {"quantity": "10", "price": "12.50"}
        api("POST", "/orders", order, Idempotency_Key=uuid.uuid4().hex)
    path = f"/settlements?account_id={bought}"
    (trade,) = wait_for("the trade reaches settlement", lambda: operator("GET", path)["items"])
    operator("POST", "/settlements/run", {"as_of": trade["settlement_date"], "account_id": bought})
    cash = Decimal(operator("GET", f"/balances/{sold}")["cash"]["amount"])
    assert cash == Decimal(10125), cash
    wait_for(
        "the settlement is audited",
        lambda: operator("GET", f"/audit/entries?aggregate_id={trade['trade_id']}")["items"],
    )
    assert operator("GET", "/audit/verify")["valid"]
    print("ok: an order was placed, matched, settled and audited")


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5, context=tls()) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def tls() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=os.environ["NEXUS_TLS_CA"])
    context.load_cert_chain(os.environ["NEXUS_TLS_CERT"], os.environ["NEXUS_TLS_KEY"])
    return context


if __name__ == "__main__":
    main()
