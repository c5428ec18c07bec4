"""After busy trading, everyone who keeps a record of it keeps the same one."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from support.client import expect
from support.executions import assert_no_double_fill, assert_ordered, executions_of, trades_in
from support.settlement import trades_of as settlements_of
from support.trading import levels, place, shown, trades_of
from support.wait import until

from services.matching.codec import to_command
from services.matching.engine import MatchingEngine
from services.matching.executions import Trade
from services.matching.published import levels as priced
from services.matching.published import trade_event
from shared.config import Settings
from shared.events.codec import decode
from shared.events.producer import EventProducer
from shared.money import plain

pytestmark = pytest.mark.services(
    "gateway", "orders", "matching", "market-data", "risk", "settlement", "audit"
)


class Session:
    """Some traders, one symbol, and every order that they placed: id → (trader, side, quantity)."""

    def __init__(self, market, rng, traders=3):
        self.market, self.rng = market, rng
        self.symbol = market.new_symbol()
        shares = {self.symbol: "100000"}
        self.traders = [market.new_trader(shares=shares) for _ in range(traders)]
        self.orders = {}

    def draw(self, traders=None):
        trader = self.rng.choice(traders or self.traders)
        side, price = self.rng.choice(["buy", "sell"]), self.rng.randint(995, 1005)
        quantity, tif = self.rng.randint(1, 20), self.rng.choice(["day", "gtc", "gtc", "ioc", "fok"])
        return trader, side, quantity, str(Decimal(price) / 100), tif

    def place(self, drawn):
        trader, side, quantity, price, tif = drawn
        order_id = place(trader, self.symbol, side, quantity, price, time_in_force=tif)
        self.orders[order_id] = (trader, side, quantity)
        return order_id

    def trade(self, count):
        for _ in range(count):
            self.place(self.draw())

    def quiet(self):
        """Waits until every command in the log has been applied, and returns the executions."""
        trader = self.traders[0]
        sentinel = place(trader, self.symbol, "buy", 1, "1", time_in_force="gtc")
        self.orders[sentinel] = (trader, "buy", 1)
        path = f"/v1/matching/books/{self.symbol}?depth=1000"
        shown(self.market.operator, path, lambda book: ("1", "1") in levels(book["bids"]), timeout=30)
        sequence = expect(self.market.operator.get(path), 200)["sequence"]
        return until(
            lambda: (history := self.history()) and history[-1].sequence >= sequence and history,
            message="everything is published",
        )

    def history(self):
        return executions_of(self.market.platform, self.symbol)

    def ordered(self):
        return {order_id: quantity for order_id, (_, _, quantity) in self.orders.items()}

    def commands(self):
        messages = self.market.platform.kafka.peek("order-commands", 20_000)
        return [message for message in messages if message.key == self.symbol]


@pytest.fixture
def session(market, rng):
    return Session(market, rng)


def test_all_stores_agree_on_the_trades(session, operator):
    """Market data, orders, positions, settlement and audit show the trades that matching published."""
    session.trade(25)
    history = session.quiet()
    trades = trades_in(history)
    assert trades
    assert_ordered(history)
    assert_no_double_fill(history, session.ordered())

    facts = [(trade.trade_id, plain(trade.price.amount), plain(trade.quantity.amount)) for trade in trades]
    until(lambda: len(trades_of(operator, session.symbol)) >= len(trades), message="market data catches up")
    public = trades_of(operator, session.symbol)
    assert [(each["trade_id"], each["price"], each["quantity"]) for each in public] == facts

    filled, positions = defaultdict(Decimal), defaultdict(Decimal)
    for trade in trades:
        for order_id, account_id, sign in (
            (trade.buy_order_id, trade.buy_account_id, 1),
            (trade.sell_order_id, trade.sell_account_id, -1),
        ):
            filled[order_id] += trade.quantity.amount
            positions[account_id] += sign * trade.quantity.amount
    for order_id, (trader, _, _) in session.orders.items():
        until(
            lambda order_id=order_id, trader=trader: (
                Decimal(trader.order(order_id)["filled_quantity"]) == filled[order_id]
            ),
            message=f"order {order_id} shows {filled[order_id]} filled",
        )
    for trader in session.traders:
        account_id = trader.account_id
        shown(
            operator,
            f"/v1/risk/positions/{account_id}",
            lambda answer, account_id=account_id: (
                sum(
                    (Decimal(p["quantity"]) for p in answer["positions"] if p["symbol"] == session.symbol),
                    Decimal(0),
                )
                == positions[account_id]
            ),
        )
        mine = {t.trade_id for t in trades if account_id in {t.buy_account_id, t.sell_account_id}}
        until(
            lambda account_id=account_id, mine=mine: (
                {each["trade_id"] for each in settlements_of(operator, account_id)} == mine
            ),
            message="settlement has the account's trades",
        )
    shown(
        operator,
        f"/v1/audit/entries?aggregate_id={session.symbol}&limit=200",
        lambda answer: sum(item["event_type"] == "TradeExecuted" for item in answer["items"]) == len(trades),
    )


def test_replaying_the_commands_gives_the_live_book_and_trades(session, operator):
    """A fresh engine that is fed the command log arrives where the live one is."""
    session.trade(25)
    history = session.quiet()
    engine, replayed = MatchingEngine(session.symbol), []
    for message in session.commands():
        command = to_command(decode(message.value).payload)
        replayed += [each for each in engine.apply(command) if isinstance(each, Trade)]

    def facts(trade):
        return trade.price, trade.quantity, trade.buy_order_id, trade.sell_order_id, trade.aggressor_side

    published = trades_in(history)
    assert published
    moment = published[0].executed_at
    assert [facts(trade_event(each, session.symbol, moment)) for each in replayed] == [
        facts(each) for each in published
    ]
    live = expect(operator.get(f"/v1/matching/books/{session.symbol}?depth=1000"), 200)
    for side, name in ((engine.book.bids, "bids"), (engine.book.asks, "asks")):
        rows = [(plain(p.amount), plain(q.amount)) for p, q in priced(side.depth(1000))]
        assert rows == levels(live[name])


def test_commands_that_are_repeated_change_nothing(session, platform):
    """When every command arrives a second time, no order executes again."""
    session.trade(15)
    before = session.quiet()
    producer = EventProducer(Settings.from_mapping(dict(platform.environment("orders"))))
    try:
        for message in session.commands():
            producer.send("order-commands", message.key, message.value, message.headers)
    finally:
        producer.close()
    place(session.traders[0], session.symbol, "buy", 7, "2", time_in_force="gtc")
    path = f"/v1/matching/books/{session.symbol}?depth=1000"
    shown(session.market.operator, path, lambda book: ("2", "7") in levels(book["bids"]), timeout=30)
    after = until(
        lambda: (history := session.history()) and len(history) > len(before) and history,
        message="the sentinel is published",
    )
    assert trades_in(after) == trades_in(before)
    assert len(after) == len(before) + 1


def test_traders_at_once_conserve_quantity(session):
    """Of orders sent side by side, as much is bought as is sold, and none executes beyond itself."""
    plans = [[session.draw([trader]) for _ in range(8)] for trader in session.traders]
    with ThreadPoolExecutor(len(plans)) as pool:
        list(pool.map(lambda plan: [session.place(drawn) for drawn in plan], plans))
    history = session.quiet()
    assert_ordered(history)
    assert_no_double_fill(history, session.ordered())
    expected = Counter()
    for trade in trades_in(history):
        expected[trade.buy_order_id] += int(trade.quantity.amount)
        expected[trade.sell_order_id] += int(trade.quantity.amount)

    def shown_filled():
        return {
            order_id: int(Decimal(trader.order(order_id)["filled_quantity"]))
            for order_id, (trader, _, _) in session.orders.items()
        }

    until(
        lambda: shown_filled() == {order_id: expected[order_id] for order_id in session.orders},
        message="orders show what was executed",
    )
    sums = Counter()
    for order_id, (_, side, _) in session.orders.items():
        sums[side] += expected[order_id]
    assert sums["buy"] == sums["sell"] > 0
