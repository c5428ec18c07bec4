"""What happens to orders on a desk: each scenario returns what a test looks at.

Called through `run_in_service`, several at a time.
"""

from __future__ import annotations

import traceback
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.orders.accounts import account_close
from services.orders.clients import ExposureRefused
from services.orders.executions import replacement_apply, trade_apply, trading_status_apply, trigger_apply
from services.orders.models import Instrument, Order
from services.orders.replacements import order_replace
from services.orders.schemas import OrderOut
from shared.errors import Conflict, DependencyUnavailable, ValidationFailed
from shared.events.types import OrderReplaced, OrderTriggered, TradeExecuted, TradingStatusChanged
from shared.money import Price, Quantity
from support.orders_desk import BEGIN, FEE_RATE, OWNER, Desk, desk

CHANGES = frozenset({"SELECT", "INSERT", "UPDATE"})


def play(names: list[str]) -> dict[str, Any]:
    """Plays the scenarios; one that fails gives its traceback as text."""
    outcomes = {}
    for name in names:
        try:
            outcomes[name] = globals()[name]()
        except Exception:  # noqa: BLE001 - the test that looks at it tells
            outcomes[name] = traceback.format_exc()
    return outcomes


def gate(moments: list[str], calendar: str = "XNYS") -> list[dict[str, Any]]:
    """What becomes of an order at each of the moments (ISO 8601), and whether risk was asked."""
    outcomes = []
    for moment in moments:
        with desk(datetime.fromisoformat(moment)) as here:
            order = here.submit(here.instrument(calendar))
            outcomes.append(
                {"status": str(order.status), "reason": order.reason, "asked": len(here.risk.asked)}
            )
    return outcomes


def spread_cost(legs: int) -> dict[str, int]:
    """How many statements and questions to risk a spread takes, in a process that knows its instruments."""
    with desk() as here:
        symbols = [here.instrument() for _ in range(legs)]
        here.submit_spread(*symbols)
        here.risk.asked.clear()
        with CaptureQueriesContext(connection) as queries:
            here.submit_spread(*symbols)
        statements = [query["sql"] for query in queries if query["sql"].split()[0] in CHANGES]
        return {"questions": len(here.risk.asked), "statements": len(statements)}


def spread_fits() -> dict[str, Any]:
    """A spread of three legs that risk allows."""
    with desk() as here:
        symbols = [here.instrument() for _ in range(3)]
        placed = here.submit_spread(*symbols)
        commands = [event.symbol for event in here.told("SubmitOrder")]
        return {
            "status": str(placed.status),
            "states": here.states(),
            "asked": here.risk.asked == [symbols],
            "commanded": commands == symbols,
        }


def spread_without_room() -> dict[str, Any]:
    """A spread whose last leg finds no room."""
    with desk() as here:
        symbols = [here.instrument() for _ in range(3)]
        here.risk.full = {symbols[-1]}
        placed = here.submit_spread(*symbols)
        return {
            "status": str(placed.status),
            "states": here.states(),
            "commands": len(here.told("SubmitOrder")),
            "rejections": len(here.told("OrderRejected")),
        }


def spread_waits(answer: str = "yes") -> dict[str, Any]:
    """A spread that risk does not answer at first, and what becomes of it later."""
    with desk() as here:
        here.risk.answers = ["timeout", answer]
        here.submit_spread(here.instrument(), here.instrument())
        waiting = here.states()
        here.recover()
        return {
            "waiting": waiting,
            "states": here.states(),
            "asked": [len(symbols) for symbols in here.risk.asked],
        }


def spread_waits_and_is_refused() -> dict[str, Any]:
    """A spread that is refused when risk answers."""
    return spread_waits("limit-exceeded")


def spread_after_hours() -> dict[str, Any]:
    """A spread of which one leg's exchange is closed (a Sunday)."""
    with desk(datetime.fromisoformat("2026-07-05T15:00:00+00:00")) as here:
        placed = here.submit_spread(here.instrument(), here.instrument("XNYS"))
        reasons = {order.reason for order in here.orders()}
        return {"status": str(placed.status), "reasons": list(reasons), "asked": here.risk.asked}


def spread_repeated() -> dict[str, Any]:
    """A spread that is sent again, and another one under its key."""
    with desk() as here:
        symbols = [here.instrument(), here.instrument()]
        first = here.submit_spread(*symbols, key="k")
        again = here.submit_spread(*symbols, key="k")
        try:
            here.submit_spread(*reversed(symbols), key="k")
        except ValidationFailed as refused:
            field = refused.field
        return {
            "same": first.spread.spread_id == again.spread.spread_id,
            "legs": [leg.order_id for leg in first.legs] == [leg.order_id for leg in again.legs],
            "orders": len(here.orders()),
            "asked": len(here.risk.asked),
            "field": field,
        }


def check_without_answer(answer: str = "timeout") -> dict[str, Any]:
    """An order whose credit check gives no answer twice, then yes."""
    with desk() as here:
        here.risk.answers = [answer, answer]
        order = here.submit(here.instrument())
        first = (str(order.status), order.credit_checks)
        early = here.recover(timedelta(seconds=9))
        here.recover(timedelta(seconds=1))
        (waiting,) = here.orders()
        here.recover()
        return {
            "first": first,
            "early": early,
            "waiting": (waiting.status, waiting.credit_checks, waiting.reason),
            "states": here.states(),
        }


def check_unavailable() -> dict[str, Any]:
    """The same when risk cannot be reached at all."""
    return check_without_answer("unavailable")


def check_refused() -> dict[str, Any]:
    """An order that risk refuses."""
    with desk() as here:
        here.risk.answers = ["limit-exceeded"]
        order = here.submit(here.instrument())
        return {"status": str(order.status), "reason": order.reason, "recovered": here.recover()}


def check_too_often() -> dict[str, Any]:
    """An order whose checks give no answer until it has had three."""
    with desk(attempts=3) as here:
        here.risk.answers = ["timeout"] * 9
        here.submit(here.instrument())
        history = []
        for _ in range(3):
            here.recover()
            history += here.states()
        (order,) = here.orders()
        return {
            "history": history,
            "reason": order.reason,
            "asked": len(here.risk.asked),
            "released": here.risk.released == [order.order_id],
        }


def check_too_old() -> dict[str, Any]:
    """An order that is a minute old when it is taken up, and may be half a minute."""
    with desk(max_age=timedelta(seconds=30)) as here:
        here.risk.answers = ["timeout"]
        here.submit(here.instrument())
        here.recover(timedelta(minutes=1))
        (order,) = here.orders()
        return {"status": order.status, "reason": order.reason, "released": len(here.risk.released)}


def expiry_without_risk() -> dict[str, Any]:
    """An order that is to be given up while risk cannot be told to give its exposure back."""
    with desk(attempts=1) as here:
        here.risk.answers = ["timeout"]
        here.submit(here.instrument())
        here.risk.can_release = False
        try:
            here.recover()
        except DependencyUnavailable:
            meanwhile = here.states()
        here.risk.can_release = True
        here.recover()
        return {"meanwhile": meanwhile, "states": here.states()}


def account_closes() -> dict[str, Any]:
    """An undecided order whose account closes."""
    with desk() as here:
        here.risk.answers = ["timeout"]
        order = here.submit(here.instrument())
        account_close(account_id=here.account_id)
        here.recover()
        (order,) = here.orders()
        released = here.risk.released == [order.order_id]
        return {"status": order.status, "reason": order.reason, "released": released}


def decided_after_the_close() -> dict[str, Any]:
    """An order of 15:59:59 in New York whose credit check succeeds after the close."""
    with desk(datetime.fromisoformat("2020-03-04T20:59:59+00:00")) as here:
        here.risk.answers = ["timeout"]
        here.submit(here.instrument("XNYS"))
        here.recover(timedelta(minutes=5))
        return {"states": here.states()}


def stop_reaches_matching() -> dict[str, Any]:
    """What matching is told of a stop-limit order on the exchange's calendar."""
    with desk() as here:
        symbol = here.instrument("XNYS")
        here.submit(symbol, order_type="stop_limit", stop_price=Decimal("10.50"), price=Decimal("10.60"))
        (command,) = here.told("SubmitOrder")
        return {
            "type": command.order_type,
            "stop_price": str(command.stop_price),
            "price": str(command.price),
            "calendar": command.calendar,
        }


def fills(*parts: tuple[str, str]) -> dict[str, Any]:
    """An order that is filled in parts of (quantity, price); how it is shown afterwards."""
    with desk() as here:
        symbol, quantity = here.instrument(), sum(Decimal(part[0]) for part in parts)
        Instrument.objects.filter(pk=symbol).update(tick_size="0.0001")
        bought = here.submit(symbol, quantity=quantity, price=Decimal(20))
        sold = here.submit(symbol, side="sell", quantity=quantity, price=Decimal(1))
        for number, (filled, price) in enumerate(parts):
            trade = _trade(here, symbol, bought, sold, number, filled, price)
            trade_apply(trade=trade, epoch=1, fee_rate=FEE_RATE)
        shown = OrderOut.of(Order.objects.get(pk=bought.order_id))
        return {
            "status": str(shown.status),
            "filled": shown.filled_quantity,
            "average": shown.average_price,
            "fees": shown.fees,
            "value": f"{Order.objects.get(pk=sold.order_id).filled_value:f}",
        }


def fills_below_a_cent() -> dict[str, Any]:
    """A hundred fills of one share at a price with four places."""
    return fills(*[("1", "10.0049")] * 100)


def fills_of_thirds() -> dict[str, Any]:
    """Three fills whose values end below a cent in different ways."""
    return fills(("1", "10.0001"), ("1", "10.0002"), ("1", "10.0003"))


def replaced_larger() -> dict[str, Any]:
    """An order of 100 at 10, of which 40 are filled: its whole quantity becomes 150."""
    return _replaced([], {"quantity": "150"})


def replaced_dearer() -> dict[str, Any]:
    """Its price becomes 11."""
    return _replaced([], {"price": "11"})


def replaced_smaller() -> dict[str, Any]:
    """Its whole quantity becomes 70."""
    return _replaced([], {"quantity": "70"})


def replaced_without_room() -> dict[str, Any]:
    """Its whole quantity would become 150, and risk refuses."""
    return _replaced(["limit-exceeded"], {"quantity": "150"})


def replaced_without_answer() -> dict[str, Any]:
    """Its whole quantity would become 150, and risk is silent."""
    return _replaced(["unavailable"], {"quantity": "150"})


def replaced_below_the_fills() -> dict[str, Any]:
    """Its whole quantity would become what is filled already."""
    return _replaced([], {"quantity": "40"})


def confirmed() -> dict[str, Any]:
    """Matching confirms that 110 are open at 11."""
    with desk() as here:
        order = _partly_filled(here)
        event = OrderReplaced(
            order_id=order.order_id,
            account_id=order.account_id,
            symbol=order.symbol,
            quantity=Quantity(110),
            price=Price("11"),
            replaced_at=BEGIN,
        )
        replacement_apply(replaced=event, epoch=1)
        replacement_apply(replaced=replace(event, quantity=Quantity(1)), epoch=0)
        order.refresh_from_db()
        shown = OrderOut.of(order)
        return {"quantity": shown.quantity, "price": shown.price, "status": str(shown.status)}


def triggered() -> dict[str, Any]:
    """Matching tells that a stop order became active."""
    with desk() as here:
        symbol = here.instrument()
        order = here.submit(symbol, order_type="stop", price=None, stop_price=Decimal("10.50"))
        event = OrderTriggered(
            order_id=order.order_id,
            account_id=order.account_id,
            symbol=symbol,
            trigger_price=Price("10.50"),
            triggered_at=BEGIN + timedelta(minutes=1),
        )
        trigger_apply(triggered=event, epoch=1)
        order.refresh_from_db()
        return {"status": order.status, "after": (order.triggered_at - BEGIN).total_seconds()}


def halted() -> list[str]:
    """Matching tells that a symbol is halted, and a leader that was replaced says otherwise."""
    with desk() as here:
        symbol = here.instrument()
        event = TradingStatusChanged(symbol=symbol, status="halted", changed_at=BEGIN)
        trading_status_apply(changed=event, epoch=2)
        trading_status_apply(changed=replace(event, status="open"), epoch=1)
        return [Instrument.objects.get(pk=symbol).trading_status]


def _replaced(answers: list[str], change: dict[str, str]) -> dict[str, Any]:
    with desk() as here:
        order = _partly_filled(here)
        here.risk.answers = answers
        wanted = {name: Decimal(change[name]) if name in change else None for name in ("quantity", "price")}
        try:
            order_replace(order_id=order.order_id, identity=OWNER, risk=here.risk, **wanted)
            error = None
        except (ExposureRefused, DependencyUnavailable, Conflict) as raised:
            error = type(raised).__name__
        commands = [(str(each.quantity), str(each.price)) for each in here.told("ReplaceOrder")]
        return {"amended": here.risk.amended, "commands": commands, "error": error}


def _partly_filled(here: Desk) -> Order:
    symbol = here.instrument()
    bought, sold = here.submit(symbol), here.submit(symbol, side="sell")
    trade_apply(trade=_trade(here, symbol, bought, sold, 0, "40", "10"), epoch=1, fee_rate=FEE_RATE)
    return bought


def _trade(
    here: Desk, symbol: str, bought: Order, sold: Order, number: int, quantity: str, price: str
) -> TradeExecuted:
    return TradeExecuted(
        trade_id=f"{symbol}-{number}",
        symbol=symbol,
        price=Price(price),
        quantity=Quantity(quantity),
        buy_order_id=bought.order_id,
        sell_order_id=sold.order_id,
        buy_account_id=here.account_id,
        sell_account_id=here.account_id,
        aggressor_side="buy",
        executed_at=BEGIN,
    )
