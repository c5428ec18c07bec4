"""Statements of brokers, taken in and compared with our books."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.client import Trader, expect

pytestmark = pytest.mark.services("gateway", "users", "settlement")


def send(trader: Trader, reference: str, positions: dict[str, str], note: str = "") -> Any:
    day = datetime.now(UTC).astimezone(ZoneInfo("America/New_York")).date()
    lines = "".join(f'<position asset="{name}" closing="{amount}"/>' for name, amount in positions.items())
    text = f'<statement day="{day}" reference="{reference}"><note>{note}</note>{lines}</statement>'
    return trader.client.post(
        f"/v1/settlements/statements/{trader.account_id}/imports",
        content=text,
        headers={"Content-Type": "application/xml"},
    )


def test_a_statement_is_compared_with_the_books(new_trader, new_symbol) -> None:
    """Each asset is shown as stated and as booked, with the difference; only equal ones agree."""
    symbol = new_symbol()
    trader = new_trader(cash="1000", shares={symbol: "5"})
    right = expect(send(trader, "r1", {"USD": "1000.00", symbol: "5"}), 201)
    assert right["agrees"] is True
    wrong = expect(send(trader, "r2", {"USD": "999.5"}), 201)
    assert wrong["agrees"] is False
    found = {
        each["asset"]: (each["stated"], each["booked"], each["difference"]) for each in wrong["positions"]
    }
    assert found == {"USD": ("999.5", "1000", "-0.5"), symbol: ("0", "5", "-5")}


def test_a_statement_is_taken_in_once(new_trader) -> None:
    """The same again gives the same answer and no second one; another under its reference is refused."""
    trader = new_trader(cash="10")
    first = expect(send(trader, "r1", {"USD": "10"}, "a"), 201)
    assert expect(send(trader, "r1", {"USD": "10"}, "a"), 200) == first
    expect(send(trader, "r1", {"USD": "11"}, "a"), 409)
    expect(send(trader, "r1", {"USD": "10"}, "b"), 409)


def test_statements_are_listed_page_by_page(new_trader) -> None:
    """The latest comes first, and each once."""
    trader = new_trader(cash="0")
    for number in range(5):
        expect(send(trader, f"r{number}", {}), 201)
    path = f"/v1/settlements/statements/{trader.account_id}/imports"
    found, before = [], ""
    while before is not None:
        page = expect(trader.client.get(f"{path}?limit=2{f'&before={before}' if before else ''}"), 200)
        found += [each["reference"] for each in page["items"]]
        before = page["next"]
    assert found == ["r4", "r3", "r2", "r1", "r0"]
