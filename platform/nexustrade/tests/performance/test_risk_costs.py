"""What the risk desk's answers cost the database."""

from __future__ import annotations

import pytest
from support.burst import all_at_once
from support.in_service import run_in_service
from support.risk_book import cross, profit_of

pytestmark = pytest.mark.services("risk")


@pytest.mark.services("gateway", "orders", "matching")
def test_a_profit_figure_that_holds_costs_one_statement(platform, new_trader, new_symbol) -> None:
    """Worked out once, the figure of three symbols is handed out for one look at what it depends on."""
    trader, other = new_trader(), new_trader()
    for _ in range(3):
        cross(trader, other, new_symbol(), 1, "10.00")
    found = run_in_service(
        platform, "risk", "support.risk_probe:read_profits", account_id=trader.account_id, times=20
    )
    assert found["statements"][1:] == [1] * 19
    assert found["statements"][0] <= 3
    assert (found["hits"], found["misses"]) == (19, 1)


@pytest.mark.services("gateway", "orders", "matching")
def test_readers_at_once_share_the_work(new_trader, new_symbol) -> None:
    """Forty readings by eight readers side by side work the figure out once each at the most."""
    trader, other = new_trader(), new_trader()
    cross(trader, other, new_symbol(), 1, "10.00")
    before = profit_of(trader)["as_of"]
    readings = all_at_once([lambda: [profit_of(trader)["as_of"] for _ in range(5)]] * 8)
    assert {moment for each in readings for moment in each} == {before}


def test_statements_of_a_batch_grow_by_two_a_leg(platform) -> None:
    """Each further leg costs its own row and its place under the limit, in small and large batches."""
    one, two, eight, twenty = run_in_service(
        platform,
        "risk",
        "support.risk_probe:reserve_batches",
        account_id="perf-batch",
        sizes=[1, 2, 8, 20],
    )[-4:]
    assert (eight - two, twenty - two) == (12, 36)
    assert two - one <= 2


@pytest.mark.services("gateway", "users")
def test_accounts_without_a_limit_of_the_value_at_risk_pay_nothing_for_it(platform, new_trader) -> None:
    """An order of an ordinary account reads no closes; that of a bounded account does."""
    account_id = new_trader().account_id
    ordinary, bounded = run_in_service(
        platform, "risk", "support.risk_probe:reserve_bounded", account_id=account_id, symbol="ZHIST"
    )
    assert not any("risk_close" in statement for statement in ordinary)
    assert any("risk_close" in statement for statement in bounded)
