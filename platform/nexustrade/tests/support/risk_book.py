"""What risk has booked: trades between two traders, margin, price histories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from support.client import ApiClient, Trader, expect
from support.wait import until

FIRST_DAY = date(2026, 1, 5)


def positions_of(trader: Trader) -> list[dict[str, Any]]:
    return expect(trader.client.get(f"/v1/risk/positions/{trader.account_id}"), 200)["positions"]


def position(trader: Trader, symbol: str) -> dict[str, Any]:
    """A trader's position as risk shows it; flat where there is none."""
    flat = {"symbol": symbol, "quantity": "0", "last_price": None}
    return next((each for each in positions_of(trader) if each["symbol"] == symbol), flat)


def cross(buyer: Trader, seller: Trader, symbol: str, quantity: int, price: str) -> None:
    """A trade between the two at that price, once risk has booked it on both sides."""
    wanted = [
        (trader, Decimal(position(trader, symbol)["quantity"]) + signed)
        for trader, signed in ((buyer, quantity), (seller, -quantity))
    ]
    expect(seller.submit(symbol, "sell", quantity, price), 201)
    expect(buyer.submit(symbol, "buy", quantity, price), 201)
    for trader, after in wanted:
        until(
            lambda trader=trader, after=after: booked(position(trader, symbol), after, price),
            message=f"the trade in {symbol} is booked",
        )


def booked(found: dict[str, Any], quantity: Decimal, price: str) -> bool:
    if found["last_price"] is None:
        return False
    return Decimal(found["quantity"]) == quantity and Decimal(found["last_price"]) == Decimal(price)


def margin_of(trader: Trader) -> dict[str, Any]:
    return expect(trader.client.get(f"/v1/risk/margin/{trader.account_id}"), 200)


def deposit(operator: ApiClient, account_id: str, collateral: str, *, cross: bool = False) -> dict[str, Any]:
    """Sets an account's collateral; the margin that results."""
    body = {"collateral": collateral, "cross": cross}
    return expect(operator.put(f"/v1/risk/margin/{account_id}", json=body), 200)


def calls_of(trader: Trader) -> list[dict[str, Any]]:
    return expect(trader.client.get(f"/v1/risk/margin/{trader.account_id}/calls"), 200)["items"]


def profit_of(trader: Trader) -> dict[str, Any]:
    return expect(trader.client.get(f"/v1/risk/pnl/{trader.account_id}"), 200)


def closes(prices: Sequence[str]) -> list[dict[str, str]]:
    """One close a day, as the import takes them."""
    days = (FIRST_DAY + timedelta(days=number) for number in range(len(prices)))
    return [{"day": day.isoformat(), "price": price} for day, price in zip(days, prices, strict=True)]


def import_closes(operator: ApiClient, symbol: str, prices: Sequence[str]) -> None:
    """Official closes of a symbol, one a day."""
    expect(operator.put(f"/v1/risk/closes/{symbol}", json={"closes": closes(prices)}), 200)
