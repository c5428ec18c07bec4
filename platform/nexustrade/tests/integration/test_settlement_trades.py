"""Trades settle over both databases, or leave everything as it was."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from support.client import expect
from support.settlement import cash_of, make_trade, run, saga_steps, shares_of, trades_of
from support.wait import until

from services.settlement.calendar import ExchangeCalendar
from shared.sessions import calendar_named

pytestmark = pytest.mark.services("settlement", "orders", "matching", "gateway")


@pytest.fixture
def pair(new_trader, new_symbol):
    """A buyer with a million dollars, a seller with 100 shares."""
    symbol = new_symbol()
    return new_trader(), new_trader(cash="0", shares={symbol: "100"}), symbol


def test_a_trade_settles_on_the_next_business_day(operator, pair):
    """Before its settlement date nothing moves; on it, cash and shares change hands."""
    buyer, seller, symbol = pair
    trade = make_trade(operator, buyer, seller, symbol, "40", "12.34")
    executed_at = datetime.fromisoformat(trade["executed_at"])
    expected = ExchangeCalendar(calendar_named("XNYS")).settlement_date(executed_at)
    assert trade["settlement_date"] == expected.isoformat()
    early = (expected - timedelta(days=1)).isoformat()
    assert run(operator, early, buyer.account_id)["trades"] == 0
    assert cash_of(operator, buyer.account_id) == Decimal(1000000)

    report = run(operator, trade["settlement_date"], buyer.account_id)
    assert (report["settled"], report["failed"], report["cash"]) == (1, 0, "493.60")
    assert cash_of(operator, buyer.account_id) == Decimal("999506.40")
    assert cash_of(operator, seller.account_id) == Decimal("493.60")
    assert shares_of(operator, buyer.account_id) == {symbol: 40}
    assert shares_of(operator, seller.account_id) == {symbol: 60}


def test_settlement_is_booked_in_both_databases(platform, operator, pair):
    """Cash entries are in users_db, share entries in orders_db, and each posting sums to zero."""
    buyer, seller, symbol = pair
    trade = make_trade(operator, buyer, seller, symbol, "10", "5.00")
    run(operator, trade["settlement_date"], buyer.account_id)
    for database, table, steps in [
        ("users_db", "settlement_cash_entry", {"cash_debit", "cash_credit"}),
        ("orders_db", "settlement_share_entry", {"shares_debit", "shares_credit"}),
    ]:
        rows = platform.sql(
            database,
            f"SELECT posting_id, sum(amount) AS total, count(*) AS lines FROM {table} "
            "WHERE starts_with(posting_id, %s) GROUP BY posting_id",
            (f"{trade['trade_id']}#1:",),
        )
        assert {row["posting_id"].rpartition(":")[2] for row in rows} == steps
        assert all(row["total"] == 0 and row["lines"] == 2 for row in rows)


def test_running_again_settles_nothing_twice(operator, pair):
    """A second run for the same day finds nothing due."""
    buyer, seller, symbol = pair
    trade = make_trade(operator, buyer, seller, symbol, "10", "5.00")
    run(operator, trade["settlement_date"], buyer.account_id)
    again = run(operator, trade["settlement_date"], buyer.account_id)
    assert (again["trades"], again["settled"]) == (0, 0)
    assert cash_of(operator, seller.account_id) == Decimal(50)


def test_a_seller_without_shares_fails_the_settlement(operator, new_trader, new_symbol):
    """A delivery that cannot be made gives the buyer's cash back and says why."""
    buyer, seller, symbol = new_trader(), new_trader(cash="0"), new_symbol()
    trade = make_trade(operator, buyer, seller, symbol, "10", "5.00")
    report = run(operator, trade["settlement_date"], buyer.account_id)
    assert (report["settled"], report["failed"]) == (0, 1)
    assert cash_of(operator, buyer.account_id) == Decimal(1000000)
    assert cash_of(operator, seller.account_id) == 0
    assert shares_of(operator, buyer.account_id) == {}
    failed = expect(operator.get(f"/v1/settlements/{trade['trade_id']}"), 200)
    assert failed["status"] == "failed"
    assert symbol in failed["reason"]


def test_a_failure_at_the_last_step_undoes_all_others_in_reverse(platform, operator, new_trader, new_symbol):
    """Cash that cannot be credited brings shares and cash back, the last step first."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(cash="0", shares={symbol: "10"})
    euros = {"amount": "1.00", "currency": "EUR", "reference": "euro"}
    expect(operator.post(f"/v1/balances/{seller.account_id}/cash", json=euros), 201)
    trade = make_trade(operator, buyer, seller, symbol, "10", "5.00")
    assert run(operator, trade["settlement_date"], buyer.account_id)["failed"] == 1
    assert saga_steps(platform, trade["trade_id"]) == [
        ("cash_debit", "done"),
        ("shares_debit", "done"),
        ("shares_credit", "done"),
        ("cash_credit", "refused"),
        ("shares_credit", "undone"),
        ("shares_debit", "undone"),
        ("cash_debit", "undone"),
    ]
    assert cash_of(operator, buyer.account_id) == Decimal(1000000)
    assert shares_of(operator, seller.account_id) == {symbol: 10}
    assert shares_of(operator, buyer.account_id) == {}


def test_a_failed_trade_settles_when_it_is_retried_with_cover(operator, new_trader, new_symbol):
    """Once the shares are there, a retry puts the trade back in line and it settles."""
    buyer, seller, symbol = new_trader(), new_trader(cash="0"), new_symbol()
    trade = make_trade(operator, buyer, seller, symbol, "10", "5.00")
    path = f"/v1/settlements/{trade['trade_id']}/retry"
    expect(operator.post(path), 409)
    assert run(operator, trade["settlement_date"], buyer.account_id)["failed"] == 1
    deposit = {"symbol": symbol, "quantity": "10", "reference": "cover"}
    expect(operator.post(f"/v1/balances/{seller.account_id}/shares", json=deposit), 201)
    assert expect(operator.post(path), 200)["status"] == "pending"
    assert run(operator, trade["settlement_date"], buyer.account_id)["settled"] == 1
    assert cash_of(operator, seller.account_id) == Decimal(50)


def test_trades_are_shown_to_their_parties_only(operator, pair, new_trader):
    """Buyer and seller see the trade, a third trader does not, and only an operator runs settlement."""
    buyer, seller, symbol = pair
    trade = make_trade(operator, buyer, seller, symbol, "1", "5.00")
    path = f"/v1/settlements/{trade['trade_id']}"
    stranger = new_trader(cash="0")
    assert [each.client.get(path).status_code for each in (buyer, seller, stranger)] == [200, 200, 404]
    params = {"account_id": buyer.account_id}
    assert stranger.client.get("/v1/settlements", params=params).status_code == 404
    assert len(expect(buyer.client.get("/v1/settlements", params=params), 200)["items"]) == 1
    assert stranger.client.get("/v1/settlements").status_code == 403
    body = {"as_of": date.max.isoformat()}
    assert stranger.client.post("/v1/settlements/run", json=body).status_code == 403


def test_every_fill_of_an_order_is_settled(operator, new_trader, new_symbol):
    """An order that fills against three others settles as three trades of the right total."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(cash="0", shares={symbol: "30"})
    for price in ("5.00", "5.01", "5.02"):
        expect(seller.submit(symbol, "sell", "10", price), 201)
    expect(buyer.submit(symbol, "buy", "30", "5.02"), 201)
    trades = until(
        lambda: len(found := trades_of(operator, buyer.account_id)) == 3 and found, message="three trades"
    )
    report = run(operator, trades[0]["settlement_date"], buyer.account_id)
    assert (report["settled"], Decimal(report["cash"])) == (3, Decimal("150.30"))
