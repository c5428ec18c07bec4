"""A whole trading day of ten thousand trades: nothing is made, nothing is lost, to the last digit."""

from collections import Counter, defaultdict
from decimal import Decimal
from types import SimpleNamespace

import pytest
from support.trading_day import MemoryBook, MemoryLog, day_of_trades, total

from services.settlement.fees import FeeSchedule, charge
from services.settlement.ledger import DEPOSITS, FEES, is_customer, transfer
from services.settlement.netting import net
from services.settlement.saga import Mark, Saga, trade_steps
from shared.money import EXACT, Money

pytestmark = pytest.mark.services("settlement")

TRADES = 10_000
CASH, SHARES = Decimal(10_000_000_000), Decimal(1_000_000_000)
RATE = Decimal("0.5")


@pytest.fixture(scope="module")
def day(seed):
    """The day's trades, settled one by one in books in memory, and then their fees charged."""
    trades = list(day_of_trades(seed, TRADES))
    cash, shares, log = MemoryBook(), MemoryBook(), MemoryLog()
    accounts = sorted({side for each in trades for side in (each.buy_account_id, each.sell_account_id)})
    symbols = sorted({each.symbol for each in trades})
    for account in accounts:
        cash.post(transfer(f"d:{account}", "USD", source=DEPOSITS, target=account, amount=CASH))
        for symbol in symbols:
            posting_id = f"d:{account}:{symbol}"
            shares.post(transfer(posting_id, symbol, source=DEPOSITS, target=account, amount=SHARES))
    for each in trades:
        assert Saga(each.trade_id, trade_steps(each.legs, cash=cash, shares=shares), log).run().completed
    fees = defaultdict(list)
    for each in trades:
        fee = FeeSchedule(RATE).fee(Money(each.cash))
        fees[each.buy_account_id].append(fee)
        fees[each.sell_account_id].append(fee)
    charges = {account: charge(owed, "USD") for account, owed in fees.items()}
    for account, owed in charges.items():
        cash.post(transfer(f"fee:{account}", "USD", source=account, target=FEES, amount=owed.amount))
    return SimpleNamespace(
        trades=trades,
        nets=net(trades),
        cash=cash,
        shares=shares,
        log=log,
        accounts=accounts,
        symbols=symbols,
        charges=charges,
    )


def test_every_trade_of_the_day_settles(day):
    """Ten thousand sagas come to their end, none is taken back, and each posts twice per book."""
    assert day.log.marks() == {Mark.DONE}
    assert len(day.cash.posted) == 2 * TRADES + len(day.accounts) + len(day.charges)
    assert len(day.shares.posted) == 2 * TRADES + len(day.accounts) * len(day.symbols)


def test_every_asset_sums_to_zero_over_customers_house_and_outside(day):
    """Customers and house accounts hold exactly what came in; clearing is empty."""
    for book in (day.cash, day.shares):
        assets = defaultdict(list)
        for (account, asset), amount in book.balances.items():
            assets[asset].append(amount)
            assert not account.startswith("clearing:") or amount == 0
        assert {asset: total(amounts) for asset, amounts in assets.items()} == dict.fromkeys(assets, 0)


def test_balances_follow_from_the_net_obligations(day):
    """What an account has at the end is what it had, its nets, and its one charge."""
    for account in day.accounts:
        nets = {key: each for key, each in day.nets.items() if key.account_id == account}
        cash = EXACT.add(CASH, total(each.cash for each in nets.values()))
        assert day.cash.balances[account, "USD"] == cash - day.charges[account].amount
        for key, each in nets.items():
            assert day.shares.balances[account, key.symbol] == EXACT.add(SHARES, each.shares)


def test_the_fee_account_is_within_half_a_cent_per_account_of_the_exact_fees(day):
    """Ten thousand trades do not drift: the house has the exact fees, rounded once for each account."""
    traded = total(each.cash for each in day.trades)
    exact = 2 * EXACT.multiply(traded, EXACT.multiply(RATE, Decimal("0.0001")))
    collected = day.cash.balances[FEES, "USD"]
    assert collected == total(each.amount for each in day.charges.values())
    assert abs(EXACT.subtract(collected, exact)) <= len(day.accounts) * Decimal("0.005")


def test_the_obligations_are_few_and_of_one_day(day):
    """An account has one obligation per symbol, whatever it traded, and all settle on one date."""
    keys = Counter((key.account_id, key.symbol) for key in day.nets)
    assert set(keys.values()) == {1}
    assert len({(key.trade_date, key.settlement_date) for key in day.nets}) == 1
    assert sum(is_customer(key.account_id) for key in day.nets) == len(day.nets)
    assert sum(each.trades for each in day.nets.values()) == 2 * TRADES
