"""Deposits, transfers, fees, and the proof that nothing was made or lost."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from support.client import expect
from support.settlement import cash_of, make_trade, run, shares_of
from support.wait import until

pytestmark = pytest.mark.services("settlement", "gateway")


def deposit(operator, account_id, amount, reference, **fields):
    body = {"amount": amount, "reference": reference, **fields}
    return operator.post(f"/v1/balances/{account_id}/cash", json=body)


def test_a_deposit_is_booked_once_per_reference(operator, new_trader):
    """Sending a deposit again changes nothing; another reference is another deposit."""
    account = new_trader(cash="0").account_id
    assert deposit(operator, account, "100.50", "wire-1").status_code == 201
    assert deposit(operator, account, "100.50", "wire-1").status_code == 200
    assert deposit(operator, account, "0.50", "wire-2").status_code == 201
    assert cash_of(operator, account) == Decimal("101.00")


def test_a_reference_used_for_another_amount_is_refused(operator, new_trader):
    """The same reference cannot stand for two different deposits of one account."""
    account = new_trader(cash="0").account_id
    expect(deposit(operator, account, "100", "wire-1"), 201)
    assert deposit(operator, account, "100.01", "wire-1").status_code == 409
    assert deposit(operator, account, "100", "wire-1", currency="EUR").status_code == 409
    assert cash_of(operator, account) == 100


def test_references_of_two_accounts_or_symbols_do_not_collide(operator, new_trader, new_symbol):
    """A reference is the account's, and for shares the symbol's, own; long ones are told apart to the end."""
    one, two = new_trader(cash="0").account_id, new_trader(cash="0").account_id
    long = "statement-" + "9" * 80
    for account in (one, two):
        expect(deposit(operator, account, "10", f"{long}1"), 201)
    expect(deposit(operator, one, "10", f"{long}2"), 201)
    assert (cash_of(operator, one), cash_of(operator, two)) == (20, 10)
    symbols = new_symbol(), new_symbol()
    for symbol in symbols:
        body = {"symbol": symbol, "quantity": "3", "reference": "ipo"}
        expect(operator.post(f"/v1/balances/{one}/shares", json=body), 201)
    assert shares_of(operator, one) == dict.fromkeys(symbols, Decimal(3))


def test_simultaneous_deposits_under_one_reference_are_booked_once(operator, new_trader):
    """Of eight equal deposits at the same time one is booked, and all are answered."""
    account = new_trader(cash="0").account_id
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: deposit(operator, account, "7", "wire").status_code, range(8)))
    assert sorted(answers) == [200] * 7 + [201]
    assert cash_of(operator, account) == 7


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "1e999", "ten", "0.0000000001"])
def test_an_amount_that_is_no_deposit_is_refused(operator, new_trader, amount):
    """Zero, negative, endless and meaningless amounts are answered with 422."""
    assert deposit(operator, new_trader(cash="0").account_id, amount, "wire").status_code == 422


def test_balances_belong_to_their_owner(new_trader):
    """Owners see their balances and cannot credit them; others see nothing."""
    owner, other = new_trader(), new_trader(cash="0")
    path = f"/v1/balances/{owner.account_id}"
    assert Decimal(expect(owner.client.get(path), 200)["cash"]["amount"]) == 1000000
    assert other.client.get(path).status_code == 404
    assert owner.client.post(f"{path}/cash", json={"amount": "1", "reference": "x"}).status_code == 403


def test_the_books_reconcile(operator, new_trader, new_symbol):
    """After settled and failed trades, what customers hold is what was deposited, to the last digit."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(cash="0", shares={symbol: "7"})
    for quantity in ("5", "2", "1"):
        trade = make_trade(operator, buyer, seller, symbol, quantity, "3.33")
    report = run(operator, trade["settlement_date"], buyer.account_id)
    assert (report["settled"], report["failed"]) == (2, 1)
    books = expect(operator.get("/v1/settlements/reconciliation"), 200)
    assert Decimal(books["difference"]) == Decimal(books["shares_difference"]) == 0
    assert books["mismatched_accounts"] == 0
    assert Decimal(books["cash_total"]) <= Decimal(books["deposits_total"])


def transfer(operator, source, target, symbol, cash="10", quantity="1", reference="move"):
    body = {"from_account": source, "to_account": target, "cash": cash, "symbol": symbol}
    return operator.post(
        "/v1/balances/transfers", json={**body, "quantity": quantity, "reference": reference}
    )


def test_a_transfer_moves_cash_and_shares_once(operator, new_trader, new_symbol):
    """Both arrive; the same reference again moves nothing more."""
    symbol = new_symbol()
    source, target = new_trader(cash="100", shares={symbol: "10"}), new_trader(cash="0")
    for _ in range(2):
        expect(transfer(operator, source.account_id, target.account_id, symbol, "40", "4"), 201)
    assert cash_of(operator, source.account_id) == 60
    assert cash_of(operator, target.account_id) == 40
    assert shares_of(operator, target.account_id) == {symbol: 4}


def test_a_reference_is_not_taken_for_another_transfer(operator, new_trader, new_symbol):
    """The same reference with other amounts is refused, and moves nothing."""
    symbol = new_symbol()
    source, target = new_trader(cash="100", shares={symbol: "10"}), new_trader(cash="0")
    expect(transfer(operator, source.account_id, target.account_id, symbol, "40", "4"), 201)
    for cash, quantity in (("41", "4"), ("40", "5")):
        answer = transfer(operator, source.account_id, target.account_id, symbol, cash, quantity)
        assert answer.status_code == 409
    assert cash_of(operator, target.account_id) == 40
    assert shares_of(operator, target.account_id) == {symbol: 4}


def test_a_transfer_without_cover_moves_nothing(platform, operator, new_trader, new_symbol):
    """Too few shares leave the cash where it is, and no prepared transaction behind."""
    symbol = new_symbol()
    source, target = new_trader(cash="100", shares={symbol: "3"}), new_trader(cash="0")
    assert transfer(operator, source.account_id, target.account_id, symbol, "40", "4").status_code == 409
    assert cash_of(operator, source.account_id) == 100
    assert cash_of(operator, target.account_id) == 0
    assert platform.sql("users_db", "SELECT gid FROM pg_prepared_xacts WHERE gid LIKE 'settlement:%%'") == []


@pytest.mark.parametrize("decided", [True, False], ids=["decided", "undecided"])
def test_a_prepared_transaction_of_a_crashed_coordinator_is_finished(platform, operator, new_trader, decided):
    """What was decided is committed, what was not is rolled back; no row stays locked."""
    account = new_trader(cash="100").account_id
    transaction_id = f"settlement:{account}"
    if decided:
        with platform.connect("orders_db") as connection:
            connection.execute("INSERT INTO settlement_commit_decision VALUES (%s, now())", (transaction_id,))
    with platform.connect("users_db") as connection:
        connection.execute(
            "UPDATE settlement_cash_balance SET amount = amount + 1 WHERE account_id = %s", (account,)
        )
        connection.execute(f"PREPARE TRANSACTION '{transaction_id}@users'")
    prepared = "SELECT gid FROM pg_prepared_xacts WHERE starts_with(gid, %s)"
    until(
        lambda: not platform.sql("users_db", prepared, (transaction_id,)),
        message="recovery finishes the transaction",
    )
    assert cash_of(operator, account) == (101 if decided else 100)
    with platform.connect("users_db") as connection:
        connection.execute(
            "UPDATE settlement_cash_balance SET amount = 100 WHERE account_id = %s", (account,)
        )


@pytest.mark.services("orders", "matching")
def test_fees_accrue_exactly_and_are_rounded_once(operator, new_trader, new_symbol):
    """Three fees of a fraction of a cent are charged as one sum, and clear the accrual."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(cash="0", shares={symbol: "3"})
    for _ in range(3):
        trade = make_trade(operator, buyer, seller, symbol, "1", "61.00")
    run(operator, trade["settlement_date"], buyer.account_id)
    fees = f"/v1/settlements/fees?account_id={buyer.account_id}"
    rate = Decimal("0.00005")
    assert Decimal(expect(buyer.client.get(fees), 200)["accrued"]) == 3 * 61 * rate
    body = {"as_of": trade["settlement_date"], "account_id": buyer.account_id}
    charges = expect(operator.post("/v1/settlements/fees/charge", json=body), 200)["items"]
    assert [(charge["amount"], charge["booked"]) for charge in charges] == [("0.01", True)]
    assert Decimal(expect(buyer.client.get(fees), 200)["accrued"]) == 0
    assert cash_of(operator, buyer.account_id) == Decimal(1000000) - 183 - Decimal("0.01")
    assert expect(operator.post("/v1/settlements/fees/charge", json=body), 200)["items"] == []
