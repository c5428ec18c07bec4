"""A trading day in four symbols: a fund's bids, each filled bit by bit, then settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lab.case import Incident
from lab.errors import LabError
from lab.market import Trader, expect
from lab.pennies.record import Bid, Day, Fill
from lab.trading.desk import (
    FINAL,
    Print,
    accepted,
    check_running,
    new_symbol,
    new_trader,
    patiently,
    prints,
)

TICK, CENT = "0.0001", Decimal("0.01")
LAST_DAY = "2099-12-31"
#: Seconds for the trades of a symbol to reach settlement; what works takes a few hundredths.
PATIENCE = 30.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is traded in one symbol: the fund's bids one after another, each filled in these parts."""

    bids: tuple[Decimal, ...]
    sizes: tuple[int, ...]


def _plan(bids: str, sizes: Sequence[int]) -> Plan:
    return Plan(bids=tuple(Decimal(text) for text in bids.split()), sizes=tuple(sizes))


PLANS = (
    _plan("2.4222 2.4309 2.4131 2.4122 2.4231 2.4349", (156, 143, 88, 154, 55)),
    _plan("3.3568 3.3467 3.3527 3.3414 3.3417 3.3438", (80, 33, 56, 113, 62)),
    _plan("5.8627 5.8889 5.8690 5.8874 5.8847 5.8838", (46, 105, 64, 87, 35)),
    _plan("8.0704 8.0983 8.0954 8.0792 8.0768 8.0976", (18, 67, 64, 14, 43)),
)


def day(incident: Incident, *, plans: Sequence[Plan] = PLANS) -> Day:
    """Trades the plans on new accounts, settles what was traded, and reads the books."""
    check_running(incident)
    sold = {new_symbol(incident, tick_size=TICK): plan for plan in plans}
    shares = {symbol: str(len(plan.bids) * sum(plan.sizes)) for symbol, plan in sold.items()}
    fund, seller = new_trader(incident), new_trader(incident, shares=shares)
    sent = [
        (symbol, price, *_trade(fund, seller, symbol, price, plan.sizes))
        for symbol, plan in sold.items()
        for price in plan.bids
    ]
    tapes = {
        symbol: _tape(incident, symbol, len(plan.bids) * len(plan.sizes)) for symbol, plan in sold.items()
    }
    _settle(incident, fund)
    values, fees = _values(incident, fund), _fees(incident, fund)
    return Day(
        account_id=fund.account_id,
        bids=tuple(
            Bid(
                order_id=order_id,
                symbol=symbol,
                price=price,
                value=values[order_id],
                refused=refused,
                fills=tuple(_fills(tapes[symbol], order_id, price, fees.get(symbol, {}))),
            )
            for symbol, price, order_id, refused in sent
        ),
    )


def _fills(tape: Sequence[Print], order_id: str, bid: Decimal, fees: Mapping[int, Decimal]) -> Iterator[Fill]:
    for trade in tape:
        if trade.buy_order_id == order_id:
            fee = fees.get(trade.sequence, Decimal(0))
            yield Fill(
                offer=trade.sell_order_id, bid=bid, price=trade.price, quantity=trade.quantity, fee=fee
            )


def _trade(
    fund: Trader, seller: Trader, symbol: str, price: Decimal, sizes: Sequence[int]
) -> tuple[str, str]:
    """Bids, and sells to the bid in parts; the bid's id, and that of an offer at its price that failed."""
    bid = _send(fund, symbol, "buy", sum(sizes), price, "gtc")
    first = _send(seller, symbol, "sell", sizes[0], price, "ioc")
    met = patiently(lambda: seller.order(first), lambda order: order["status"] in FINAL)["status"] == "filled"
    for size in sizes[1:] if met else sizes:
        # A seller in a hurry takes a cent less, and is owed what the bid says.
        _send(seller, symbol, "sell", size, price - CENT, "ioc")
    return bid, "" if met else first


def _send(trader: Trader, symbol: str, side: str, quantity: int, price: Decimal, lives: str) -> str:
    answer = trader.submit(symbol, side, quantity, str(price), time_in_force=lives)
    return str(accepted(answer)["order_id"])


def _tape(incident: Incident, symbol: str, count: int) -> list[Print]:
    tape = patiently(lambda: prints(incident, symbol), lambda rows: len(rows) >= count, seconds=PATIENCE)
    if len(tape) != count:
        raise LabError(f"{len(tape)} of {count} trades in {symbol} were made: see incident.logs('matching')")
    return tape


def _settle(incident: Incident, trader: Trader) -> None:
    body = {"as_of": LAST_DAY, "account_id": trader.account_id}
    report: dict[str, Any] = {"remaining": 1}
    while report["remaining"]:
        report = expect(incident.market.operator.post("/v1/settlements/run", json=body), 200)
        if report["failed"]:
            raise LabError(f"{report['failed']} trades could not be settled: see incident.logs('settlement')")


def _values(incident: Incident, trader: Trader) -> dict[str, Decimal]:
    """What orders says that each order cost, once all of them are filled."""
    query = "SELECT order_id, filled_value, status FROM orders_order WHERE account_id = %s"
    rows = patiently(
        lambda: incident.platform.sql("orders_db", query, (trader.account_id,)),
        lambda rows: all(row["status"] == "filled" for row in rows),
        seconds=PATIENCE,
    )
    return {row["order_id"]: row["filled_value"] for row in rows}


def _fees(incident: Incident, trader: Trader) -> dict[str, dict[int, Decimal]]:
    """The fee kept for each of the account's trades, by symbol and the trade's sequence in it."""
    query = (
        "SELECT t.symbol, t.sequence, a.amount FROM settlement_fee_accrual a"
        " JOIN settlement_trade t USING (trade_id) WHERE a.account_id = %s"
    )
    fees: dict[str, dict[int, Decimal]] = {}
    for row in incident.platform.sql("orders_db", query, (trader.account_id,)):
        fees.setdefault(row["symbol"], {})[row["sequence"]] = row["amount"]
    return fees
