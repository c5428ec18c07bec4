"""Netting: many trades of a day become one obligation per account and symbol."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.trading_day import CALENDAR, DayTrade, at, day_of_trades, total

from services.settlement.netting import Net, net

pytestmark = pytest.mark.services("settlement")

TUESDAY = date(2026, 11, 24)
TRADES = st.builds(
    DayTrade,
    trade_id=st.just("T"),
    symbol=st.sampled_from(["ACME", "BOLT"]),
    currency=st.sampled_from(["USD", "EUR"]),
    quantity=st.decimals(min_value="0.001", max_value="999999999", places=9),
    cash=st.decimals(min_value="0.000001", max_value="999999999999", places=18),
    buy_account_id=st.sampled_from("ab"),
    sell_account_id=st.sampled_from("cd"),
    trade_date=st.just(TUESDAY),
    settlement_date=st.just(TUESDAY + timedelta(days=1)),
)


def trade(buyer="a", seller="b", quantity="10", cash="100", **fields):
    return DayTrade(
        **{
            "trade_id": "T",
            "symbol": "ACME",
            "currency": "USD",
            "quantity": Decimal(quantity),
            "cash": Decimal(cash),
            "buy_account_id": buyer,
            "sell_account_id": seller,
            "trade_date": TUESDAY,
            "settlement_date": TUESDAY + timedelta(days=1),
            **fields,
        }
    )


def figures(nets):
    return {key.account_id: (each.shares, each.cash, each.trades) for key, each in nets.items()}


def test_buys_and_sells_of_a_day_cancel_out():
    """Bought 10 for 100 and sold 4 for 44: six shares to receive, 56 to pay."""
    nets = net([trade(), trade(buyer="b", seller="a", quantity="4", cash="44")])
    assert figures(nets) == {"a": (6, -56, 2), "b": (-6, 56, 2)}


def test_a_round_trip_leaves_only_the_difference_in_cash():
    """Shares bought and sold on one day need no delivery; turnover stays on record."""
    nets = net([trade(cash="100"), trade(buyer="b", seller="a", cash="100.07")])
    assert figures(nets)["a"] == (0, Decimal("0.07"), 2)
    assert next(iter(nets.values())).bought == 10


@pytest.mark.parametrize(
    "other",
    [
        {"symbol": "BOLT"},
        {"currency": "EUR"},
        {"trade_date": TUESDAY + timedelta(days=1)},
    ],
    ids=["symbol", "currency", "day"],
)
def test_what_differs_is_not_netted_together(other):
    """Symbols, currencies and trading days each have obligations of their own."""
    nets = net([trade(), trade(buyer="b", seller="a", **other)])
    assert len(nets) == 4
    assert sorted(each.shares for each in nets.values()) == [-10, -10, 10, 10]


def test_an_account_that_trades_with_itself_nets_to_nothing():
    """Both sides of such a trade count, and cancel."""
    assert figures(net([trade(seller="a")])) == {"a": (0, 0, 2)}


def test_no_trades_make_no_obligations():
    """An empty day has nothing to settle."""
    assert net([]) == {}


@settings(max_examples=40)
@given(trades=st.lists(TRADES, max_size=30))
def test_obligations_of_all_accounts_sum_to_zero(trades):
    """Whatever was traded: what some receive, others deliver, in every symbol and currency, exactly."""
    nets = net(trades)
    for group in {(key.symbol, key.currency) for key in nets}:
        members = [each for key, each in nets.items() if (key.symbol, key.currency) == group]
        assert total(each.shares for each in members) == 0
        assert total(each.cash for each in members) == 0
    assert sum(each.trades for each in nets.values()) == 2 * len(trades)


@settings(max_examples=40)
@given(trades=st.lists(TRADES, max_size=30), order=st.randoms(use_true_random=False))
def test_the_order_of_trades_does_not_matter(trades, order):
    """Trades that arrive in another order, or in two parts, give the same obligations."""
    shuffled = list(trades)
    order.shuffle(shuffled)
    assert net(shuffled) == net(trades)
    cut = len(shuffled) // 2
    first, second = net(shuffled[:cut]), net(shuffled[cut:])
    merged = {key: first.get(key, Net()) + second.get(key, Net()) for key in {*first, *second}}
    assert merged == net(trades)


@settings(max_examples=40)
@given(trades=st.lists(TRADES, min_size=1, max_size=30))
def test_turnover_is_the_sum_of_the_trades(trades):
    """All that was bought and paid is the sum of quantities and of cash, to the last digit."""
    nets = net(trades).values()
    assert total(each.bought for each in nets) == total(each.quantity for each in trades)
    assert total(each.paid for each in nets) == total(each.cash for each in trades)


@settings(max_examples=100)
@given(day=st.dates(date(2020, 1, 1), date(2035, 12, 31)), evening=st.integers(0, 239))
def test_an_evening_in_new_york_belongs_to_its_own_day(day, evening):
    """From 20:00 to midnight a trade is netted with the same day's morning, in winter and in summer."""
    moment = at(day, 20 + evening // 60, evening % 60)
    assert CALENDAR.trading_day(moment) == CALENDAR.trading_day(at(day, 10)) == day


@settings(max_examples=100)
@given(day=st.dates(date(2020, 1, 1), date(2035, 12, 31)), hour=st.integers(0, 23))
def test_a_settlement_date_is_the_first_business_day_after(day, hour):
    """Every trade of a day settles on one date, a business day with none in between."""
    settles = CALENDAR.settlement_date(at(day, hour))
    assert CALENDAR.is_business_day(settles)
    assert settles > day
    assert not any(CALENDAR.is_business_day(day + timedelta(days=n)) for n in range(1, (settles - day).days))


def test_morning_and_evening_of_a_day_are_one_obligation():
    """A purchase at 10:00 and the sale at 19:30 of one New York day net to a difference in cash."""
    dated = [
        replace(
            trade(buyer=buyer, seller=seller, cash=cash),
            trade_date=CALENDAR.trading_day(at(TUESDAY, hour, 30)),
            settlement_date=CALENDAR.settlement_date(at(TUESDAY, hour, 30)),
        )
        for buyer, seller, cash, hour in (("a", "b", "100", 10), ("b", "a", "101.50", 19))
    ]
    nets = net(dated)
    assert figures(nets) == {"a": (0, Decimal("1.50"), 2), "b": (0, Decimal("-1.50"), 2)}
    assert {key.settlement_date for key in nets} == {date(2026, 11, 25)}


def test_the_same_seed_makes_the_same_day(seed):
    """A simulated day can be made again."""
    assert list(day_of_trades(seed, 50)) == list(day_of_trades(seed, 50))
    assert list(day_of_trades(seed, 50)) != list(day_of_trades(seed + 1, 50))
