"""Invariants over the whole way of many orders: nothing is made, nothing is lost, all is recorded."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from support.client import expect
from support.matched import history_of
from support.settlement import cash_of, settle_all, shares_of, trades_of
from support.wait import until

from shared.events import codec

pytestmark = pytest.mark.services("orders", "risk", "matching", "settlement", "audit", "gateway")

TRADERS = 6
ORDERS = 240
AS_OF = "2099-12-31"


@pytest.fixture(scope="module")
def session(_shared_market, request):
    """A few hundred random orders of six traders in one symbol, traded out and settled."""
    market, platform = _shared_market, _shared_market.platform
    rng = random.Random(request.config.getoption("--seed"))
    symbol = market.new_symbol()
    traders = [market.new_trader(cash="100000", shares={symbol: "400"}) for _ in range(TRADERS)]
    plan = [
        (
            rng.choice(traders),
            rng.choice(["buy", "sell"]),
            str(rng.randint(1, 20)),
            f"{rng.randint(995, 1005) / 100:.2f}",
        )
        for _ in range(ORDERS)
    ]

    def submit(order):
        trader, side, quantity, price = order
        return expect(trader.submit(symbol, side, quantity, price), 201)["order_id"]

    with ThreadPoolExecutor(4) as pool:
        order_ids = list(pool.map(submit, plan))
    return Session(market, platform, symbol, traders, order_ids)


class Session:
    def __init__(self, market, platform, symbol, traders, order_ids):
        self.operator = market.operator
        self.platform = platform
        self.symbol = symbol
        self.traders = traders
        self.order_ids = order_ids
        history_of(market, traders[0], symbol)
        self.trade_ids = until(self._quiet, timeout=90, message="all executions have reached settlement")
        self.totals = Counter()
        for trader in traders:
            self.totals.update(settle_all(self.operator, AS_OF, trader.account_id))

    def _quiet(self):
        """The trades that matching announced, once settlement has them all."""
        announced = {
            each.payload.trade_id for each in self.events("executions") if each.event_type == "TradeExecuted"
        }
        known = {
            trade["trade_id"]
            for trader in self.traders
            for trade in trades_of(self.operator, trader.account_id)
        }
        return announced if announced == known else None

    def events(self, topic):
        """The events on a topic that are about this symbol."""
        decoded = (codec.decode(message.value) for message in self.platform.kafka.peek(topic, 1_000_000))
        return [each for each in decoded if getattr(each.payload, "symbol", None) == self.symbol]


def test_cash_and_shares_are_conserved(session):
    """However the trades fell, the traders together own what they began with."""
    assert session.totals["settled"] + session.totals["failed"] == len(session.trade_ids)
    assert session.totals["settled"] > 20
    cash = [cash_of(session.operator, trader.account_id) for trader in session.traders]
    shares = [
        shares_of(session.operator, trader.account_id).get(session.symbol, 0) for trader in session.traders
    ]
    assert sum(cash) == TRADERS * 100_000
    assert sum(shares) == TRADERS * 400
    books = expect(session.operator.get("/v1/settlements/reconciliation"), 200)
    assert Decimal(books["difference"]) == Decimal(books["shares_difference"]) == 0
    assert books["mismatched_accounts"] == 0


def test_every_account_is_the_sum_of_its_trades(session):
    """Balances follow from the settled trades and the deposits, trade by trade."""
    for trader in session.traders:
        account = trader.account_id
        trades = [each for each in trades_of(session.operator, account) if each["status"] == "settled"]
        bought = [each for each in trades if each["buy_account_id"] == account]
        sold = [each for each in trades if each["sell_account_id"] == account]
        cash = sum(Decimal(each["cash"]) for each in sold) - sum(Decimal(each["cash"]) for each in bought)
        shares = sum(int(each["quantity"]) for each in bought) - sum(int(each["quantity"]) for each in sold)
        assert cash_of(session.operator, account) == 100_000 + cash
        assert shares_of(session.operator, account).get(session.symbol, 0) == 400 + shares


def test_settlement_moves_what_matching_announced(session):
    """Price times quantity of every announced trade is what settlement books for it."""
    announced = {
        each.payload.trade_id: each.payload
        for each in session.events("executions")
        if each.event_type == "TradeExecuted"
    }
    for trader in session.traders:
        for trade in trades_of(session.operator, trader.account_id):
            event = announced[trade["trade_id"]]
            assert Decimal(trade["cash"]) == event.price.amount * event.quantity.amount
            assert trade["buy_account_id"] == event.buy_account_id
            assert trade["sell_account_id"] == event.sell_account_id


def test_every_event_of_the_orders_is_audited_exactly_once(session):
    """What is on the topics about these orders is in the audit trail, once each."""
    published = {
        each.event_id: each.event_type
        for topic in ("order-commands", "order-events", "executions", "settlements")
        for each in session.events(topic)
    }
    assert set(published.values()) >= {"SubmitOrder", "OrderAccepted", "OrderFilled", "TradeExecuted"}

    def recorded():
        rows = session.platform.sql(
            "audit_db",
            "SELECT event_id, count(*) AS times FROM audit_entry WHERE event_id = ANY(%s) GROUP BY event_id",
            (list(published),),
        )
        return {row["event_id"]: row["times"] for row in rows}

    until(lambda: len(recorded()) == len(published), timeout=90, message="all events are audited")
    assert set(recorded().values()) == {1}


def test_the_chain_verifies_after_heavy_traffic(session):
    """Hundreds of events from several topics make one unbroken chain."""
    verdict = expect(session.operator.get("/v1/audit/verify"), 200)
    assert verdict["valid"]
    assert verdict["entries"] > len(session.order_ids)
