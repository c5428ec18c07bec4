"""Trades that are due, and what is on the accounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from support.client import ApiClient, Trader, expect
from support.wait import until


def cash_of(operator: ApiClient, account_id: str) -> Decimal:
    return Decimal(expect(operator.get(f"/v1/balances/{account_id}"), 200)["cash"]["amount"])


def shares_of(operator: ApiClient, account_id: str) -> dict[str, Decimal]:
    shares = expect(operator.get(f"/v1/balances/{account_id}"), 200)["shares"]
    return {each["symbol"]: Decimal(each["quantity"]) for each in shares}


def trades_of(operator: ApiClient, account_id: str) -> list[dict[str, Any]]:
    """All trades of an account that settlement knows."""
    items: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        params = {"account_id": account_id, "after": after, "limit": 200}
        page = expect(operator.get("/v1/settlements", params=params), 200)
        items += page["items"]
        after = page["next"]
    return items


def make_trade(
    operator: ApiClient, buyer: Trader, seller: Trader, symbol: str, quantity: str, price: str
) -> dict[str, Any]:
    """The next trade between two traders, once settlement has taken it in."""
    known = {each["trade_id"] for each in trades_of(operator, buyer.account_id)}
    expect(seller.submit(symbol, "sell", quantity, price), 201)
    expect(buyer.submit(symbol, "buy", quantity, price), 201)

    def arrived() -> list[dict[str, Any]]:
        trades = trades_of(operator, buyer.account_id)
        return [each for each in trades if each["trade_id"] not in known]

    return until(arrived, message=f"the trade in {symbol} reaches settlement")[0]


def run(operator: ApiClient, as_of: str, account_id: str) -> dict[str, Any]:
    """Settles what is due of one account."""
    return expect(operator.post("/v1/settlements/run", json={"as_of": as_of, "account_id": account_id}), 200)


def settle_all(operator: ApiClient, as_of: str, account_id: str) -> dict[str, int]:
    """Runs until nothing of the account is due any more; the totals over all runs."""
    totals = {"settled": 0, "failed": 0}
    while True:
        report = run(operator, as_of, account_id)
        totals = {name: totals[name] + report[name] for name in totals}
        if not report["remaining"]:
            return totals


def saga_steps(platform: Any, trade_id: str, attempt: int = 1) -> list[tuple[str, str]]:
    """The saga log of a trade, as (step, mark)."""
    rows = platform.sql(
        "orders_db",
        "SELECT step, mark FROM settlement_saga_step WHERE saga_id = %s ORDER BY id",
        (f"{trade_id}#{attempt}",),
    )
    return [(row["step"], row["mark"]) for row in rows]


def net_day(operator: Any, day: date) -> dict[str, Any]:
    """Nets a trading day until none of its trades is left; the last report."""
    while True:
        body = {"trade_date": day.isoformat()}
        report = expect(operator.post("/v1/settlements/netting", json=body), 200)
        if not report["remaining"]:
            return report


def nets_of(operator: Any, account_id: str, *, limit: int = 200, **params: str) -> list[dict[str, Any]]:
    """All net obligations of an account, read in pages of `limit`."""
    items: list[dict[str, Any]] = []
    after = "0"
    while after is not None:
        wanted = {"account_id": account_id, "after": after, "limit": limit, **params}
        page = expect(operator.get("/v1/settlements/nets", params=wanted), 200)
        items += page["items"]
        after = page["next"]
    return items


def statement_of(operator: Any, account_id: str, day: date, *, limit: int = 200) -> dict[str, Any]:
    """An account's statement of a day with all its lines, read in pages of `limit`."""
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        wanted = {"day": day.isoformat(), "after": after, "limit": limit}
        page = expect(operator.get(f"/v1/settlements/statements/{account_id}", params=wanted), 200)
        items += page["items"]
        if page["next"] is None:
            return {**page, "items": items}
        after = page["next"]
