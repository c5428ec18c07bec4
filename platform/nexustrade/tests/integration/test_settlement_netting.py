"""Trading days, their net obligations and their statements, on the running platform."""

import uuid
from datetime import date, timedelta
from decimal import Decimal

import pytest
from support.client import expect
from support.direct import OperatorClient, publish
from support.settlement import cash_of, net_day, nets_of, settle_all, shares_of, statement_of, trades_of
from support.trading_day import at, executed
from support.wait import until

from shared.clock import now, trading_date

pytestmark = pytest.mark.services("settlement")

AS_OF = "2099-12-31"


@pytest.fixture
def desk(platform):
    """An operator's requests to settlement."""
    client = OperatorClient(platform, "settlement")
    yield client
    client.close()


@pytest.fixture
def names():
    """A buyer, a seller and a symbol that nobody else uses."""
    return uuid.uuid4().hex, uuid.uuid4().hex, f"ZN{uuid.uuid4().hex[:8].upper()}"


def taken_in(platform, desk, *envelopes):
    """Publishes executions; the trades once settlement has them all, in the order of execution."""
    publish(platform, list(envelopes))
    account = envelopes[0].payload.buy_account_id
    wanted = {each.payload.trade_id for each in envelopes}

    def known():
        trades = [each for each in trades_of(desk, account) if each["trade_id"] in wanted]
        return sorted(trades, key=lambda each: each["executed_at"]) if len(trades) == len(wanted) else None

    return until(known, message="settlement takes the trades in")


def fund(desk, account, *, cash=None, shares=None):
    if cash:
        body = {"amount": cash, "reference": "start"}
        expect(desk.post(f"/v1/balances/{account}/cash", json=body), 201)
    for symbol, quantity in (shares or {}).items():
        body = {"symbol": symbol, "quantity": quantity, "reference": "start"}
        expect(desk.post(f"/v1/balances/{account}/shares", json=body), 201)


def first_day(platform, account):
    """The exchange's date of the account's first cash entry, by the market clock of the platform."""
    entries = "SELECT min(booked_at) AS first FROM settlement_cash_entry WHERE account = %s"
    return trading_date(platform.sql("users_db", entries, (account,))[0]["first"])


def test_a_day_of_trades_is_one_obligation_per_account(platform, desk, names):
    """Five purchases and two sales net to what is to be received and paid, and to its opposite."""
    buyer, seller, symbol = names
    day = date(2026, 11, 18)
    buys = [
        executed(symbol, buyer, seller, at(day, 10, minute), quantity="10", price=f"20.0{minute}")
        for minute in range(5)
    ]
    sales = [
        executed(symbol, seller, buyer, at(day, 15, minute), quantity="7", price="21") for minute in (1, 2)
    ]
    taken_in(platform, desk, *buys, *sales)
    net_day(desk, day)
    (mine,), (theirs,) = nets_of(desk, buyer), nets_of(desk, seller)
    assert (mine["bought"], mine["sold"], mine["shares"], mine["trades"]) == ("50", "14", "36", 7)
    assert (mine["paid"], mine["received"], mine["cash"]) == ("1001.00", "294.00", "-707.00")
    assert (theirs["shares"], theirs["cash"]) == ("-36", "707.00")
    assert (mine["trade_date"], mine["settlement_date"]) == ("2026-11-18", "2026-11-19")


def test_an_evening_trade_is_netted_with_its_trading_day(platform, desk, names):
    """Bought at noon and sold at 20:30 in New York: one day, one obligation, no shares to deliver."""
    buyer, seller, symbol = names
    day = date(2026, 6, 16)
    noon = executed(symbol, buyer, seller, at(day, 12), quantity="5", price="30")
    evening = executed(symbol, seller, buyer, at(day, 20, 30), quantity="5", price="31")
    trades = taken_in(platform, desk, noon, evening)
    assert [each["trade_date"] for each in trades] == ["2026-06-16", "2026-06-16"]
    net_day(desk, day)
    assert [(each["shares"], each["cash"]) for each in nets_of(desk, buyer)] == [("0", "5.00")]


@pytest.mark.parametrize(
    ("day", "settles"),
    [
        (date(2026, 11, 20), "2026-11-23"),
        (date(2026, 11, 25), "2026-11-27"),
        (date(2026, 7, 2), "2026-07-06"),
        (date(2025, 12, 31), "2026-01-02"),
    ],
    ids=["weekend", "thanksgiving", "observed holiday", "new year"],
)
def test_settlement_waits_for_a_business_day(platform, desk, names, day, settles):
    """A trade before a weekend or a holiday is due on the first business day after it, not before."""
    buyer, seller, symbol = names
    fund(desk, buyer, cash="100")
    fund(desk, seller, shares={symbol: "1"})
    (trade,) = taken_in(platform, desk, executed(symbol, buyer, seller, at(day, 11)))
    assert trade["settlement_date"] == settles
    eve = date.fromisoformat(settles) - timedelta(days=1)
    assert settle_all(desk, eve.isoformat(), buyer) == {"settled": 0, "failed": 0}
    assert settle_all(desk, settles, buyer) == {"settled": 1, "failed": 0}


def test_netting_again_changes_nothing_and_late_trades_are_added(platform, desk, names):
    """Each trade is in its obligation once, however often the day is netted and whenever it arrived."""
    buyer, seller, symbol = names
    day = date(2026, 11, 17)
    taken_in(platform, desk, executed(symbol, buyer, seller, at(day, 10), quantity="3"))
    for _ in range(3):
        net_day(desk, day)
    assert [each["shares"] for each in nets_of(desk, buyer)] == ["3"]
    taken_in(platform, desk, executed(symbol, buyer, seller, at(day, 10), quantity="4"))
    net_day(desk, day)
    assert [(each["shares"], each["cash"], each["trades"]) for each in nets_of(desk, buyer)] == [
        ("7", "-70.00", 2)
    ]


def test_a_day_that_is_over_is_netted_by_itself(platform, desk, names):
    """Nobody has to ask: trades of past days reach the obligations."""
    buyer, seller, symbol = names
    taken_in(platform, desk, executed(symbol, buyer, seller, at(date(2019, 3, 5), 10), quantity="8"))
    nets = until(lambda: nets_of(desk, buyer), message="the past day is netted")
    assert [each["shares"] for each in nets] == ["8"]


def test_obligations_are_paged_by_key(platform, desk, names):
    """Small pages give every obligation once, in the same order as one large page."""
    buyer, seller, symbol = names
    days = [date(2026, 9, number) for number in (1, 2, 3, 4, 8)]
    taken_in(platform, desk, *(executed(symbol, buyer, seller, at(day, 10)) for day in days))
    for day in days:
        net_day(desk, day)
    whole = nets_of(desk, buyer)
    assert sorted(each["trade_date"] for each in whole) == [day.isoformat() for day in days]
    assert nets_of(desk, buyer, limit=2) == whole
    assert len(nets_of(desk, buyer, trade_date="2026-09-03")) == 1


def test_the_obligations_prove_to_be_the_sum_of_their_trades(platform, desk, names, rng):
    """After netting a day of random trades: no obligation differs, all together are zero, none is left."""
    buyer, seller, symbol = names
    day = date(2020, 1, 2) + timedelta(days=rng.randrange(1500))
    trades = [
        executed(symbol, *pair, at(day, 11), quantity=f"{n}.5", price=f"1{n}.0{n}")
        for n in range(1, 9)
        for pair in ((buyer, seller), (seller, buyer))
    ]
    taken_in(platform, desk, *trades)
    net_day(desk, day)
    proof = expect(
        desk.get("/v1/settlements/reconciliation/nets", params={"trade_date": day.isoformat()}), 200
    )
    assert proof["obligations"] >= 2
    assert (proof["shares"], proof["cash"], proof["mismatched"], proof["to_net"]) == ("0", "0", 0, 0)


def test_a_statement_adds_up_to_the_balance(platform, desk, names):
    """Opening, movements and fees are the closing figures, which are what is on the account."""
    buyer, seller, symbol = names
    fund(desk, buyer, cash="1000.123456789")
    fund(desk, seller, shares={symbol: "9"})
    trades = taken_in(
        platform,
        desk,
        *(executed(symbol, buyer, seller, now(), quantity="3", price="61.37") for _ in range(3)),
    )
    settle_all(desk, AS_OF, buyer)
    body = {"as_of": AS_OF, "account_id": buyer}
    expect(desk.post("/v1/settlements/fees/charge", json=body), 200)
    statement = statement_of(desk, buyer, first_day(platform, buyer))
    positions = {each["asset"]: each for each in statement["positions"]}
    assert set(positions) == {"USD", symbol}
    for each in positions.values():
        assert Decimal(each["opening"]) + Decimal(each["movements"]) + Decimal(each["fees"]) == Decimal(
            each["closing"]
        )
    # Half a basis point of 552.33 dollars is 2.8 cents.
    assert (positions["USD"]["opening"], positions["USD"]["fees"]) == ("0", "-0.03")
    assert Decimal(positions["USD"]["closing"]) == cash_of(desk, buyer)
    assert Decimal(positions[symbol]["closing"]) == shares_of(desk, buyer)[symbol] == 9
    kinds = sorted((each["kind"], each["asset"]) for each in statement["items"])
    assert kinds == sorted([("deposit", "USD"), ("fee", "USD"), *[("trade", "USD"), ("trade", symbol)] * 3])
    assert len(trades) == 3


def test_the_lines_of_a_statement_are_its_movements_page_by_page(platform, desk, names):
    """Pages of two give each line once, and all lines of an asset sum to its movements."""
    account, _, symbol = names
    fund(desk, account, cash="10", shares={symbol: "4"})
    for number in range(4):
        body = {"amount": f"0.0{number + 1}", "reference": f"more-{number}"}
        expect(desk.post(f"/v1/balances/{account}/cash", json=body), 201)
    day = first_day(platform, account)
    small, large = statement_of(desk, account, day, limit=2), statement_of(desk, account, day)
    assert small["items"] == large["items"]
    assert len({each["key"] for each in large["items"]}) == 6
    for position in large["positions"]:
        lines = [Decimal(each["amount"]) for each in large["items"] if each["asset"] == position["asset"]]
        assert sum(lines) == Decimal(position["movements"])


def test_the_next_day_opens_with_what_the_day_before_closed(platform, desk, names):
    """Tomorrow's statement has no movements yet, yesterday's was before there was anything."""
    account, _, _ = names
    fund(desk, account, cash="77.70")
    day = first_day(platform, account)
    (opened,) = statement_of(desk, account, day + timedelta(days=1))["positions"]
    assert (opened["opening"], opened["movements"], opened["closing"]) == ("77.7", "0", "77.7")
    assert statement_of(desk, account, day - timedelta(days=1))["positions"] == []


def test_each_asset_is_proved_by_itself(platform, desk, names):
    """Of one symbol, what was issued is with customers or in clearing, whatever happens to others."""
    buyer, seller, symbol = names
    fund(desk, buyer, cash="100")
    fund(desk, seller, shares={symbol: "12.5"})
    taken_in(platform, desk, executed(symbol, buyer, seller, now(), quantity="2"))
    settle_all(desk, AS_OF, buyer)
    params = {"asset": symbol}
    (proof,) = expect(desk.get("/v1/settlements/reconciliation/assets", params=params), 200)["items"]
    assert (proof["issued"], proof["customers"], proof["house"], proof["difference"]) == (
        "12.5",
        "12.5",
        "0",
        "0",
    )


def test_small_fees_of_many_trades_are_owed_in_full(platform, desk, names):
    """A dozen trades of 37 dollars cost 2.2 cents together, not a dozen times nothing."""
    buyer, seller, symbol = names
    fund(desk, buyer, cash="1000")
    fund(desk, seller, shares={symbol: "20"})
    taken_in(platform, desk, *(executed(symbol, buyer, seller, now(), price="37") for _ in range(12)))
    assert settle_all(desk, AS_OF, buyer)["settled"] == 12
    for account in (buyer, seller):
        accrued = expect(desk.get("/v1/settlements/fees", params={"account_id": account}), 200)["accrued"]
        assert Decimal(accrued) == Decimal("0.0222")
    body = {"as_of": AS_OF, "account_id": buyer}
    charges = expect(desk.post("/v1/settlements/fees/charge", json=body), 200)["items"]
    assert [each["amount"] for each in charges] == ["0.02"]
    assert cash_of(desk, buyer) == Decimal("555.98")
