"""Two traders, a market of their own, and what the platform made of their orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import httpx

from lab.case import Incident
from lab.errors import LabError
from lab.market import Market, Trader

#: Seconds that an answer of the platform is waited for, and how long after one never came: what works takes
#: a few hundredths, and a picture is drawn of what does not.
PATIENCE, DISAPPOINTED = 20.0, 0.5
FINAL = frozenset({"filled", "cancelled", "rejected"})
T = TypeVar("T")
_traders: WeakKeyDictionary[Market, tuple[Trader, Trader]] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class Print:
    """One trade as settlement took it from the tape."""

    sequence: int
    price: Decimal
    quantity: Decimal
    buy_order_id: str
    sell_order_id: str
    executed_at: datetime
    trade_date: date
    settlement_date: date


class Desk:
    """A buyer and a seller with plenty of money and shares to sell short, and one new symbol.

    The traders are the same for a whole notebook; the symbol is new every time, so that nothing is left
    over from a run before. `calendar` names the exchange whose sessions the symbol keeps.
    """

    def __init__(
        self, incident: Incident, *, tick_size: str = "0.01", lot_size: str = "1", calendar: str = ""
    ) -> None:
        self.incident = incident
        self._patience = PATIENCE
        check_running(incident)
        if incident.market not in _traders:
            _traders[incident.market] = (new_trader(incident), new_trader(incident))
        self.buyer, self.seller = _traders[incident.market]
        self.symbol = new_symbol(incident, tick_size=tick_size, lot_size=lot_size, calendar=calendar)

    def buy(self, quantity: str | int, price: object = None, **fields: Any) -> str:
        """Sends a buy order that must be accepted; returns its id."""
        return self.send(self.buyer, "buy", quantity, price, **fields)

    def sell(self, quantity: str | int, price: object = None, **fields: Any) -> str:
        """Sends a sell order that must be accepted; returns its id."""
        return self.send(self.seller, "sell", quantity, price, **fields)

    def send(self, trader: Trader, side: str, quantity: str | int, price: object, **fields: Any) -> str:
        """Sends an order; LabError when the platform does not accept it."""
        answer = trader.submit(self.symbol, side, quantity, None if price is None else str(price), **fields)
        return str(accepted(answer)["order_id"])

    def order(self, order_id: str, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """An order of either trader, as soon as `until` is true of it or when patience has run out."""

        def ask() -> dict[str, Any]:
            answer = self.buyer.client.get(f"/v1/orders/{order_id}")
            return dict((answer if answer.status_code == 200 else self._of_seller(order_id)).json())

        return self.wait(ask, until)

    def ended(self, order_id: str) -> dict[str, Any]:
        """An order once nothing can happen to it any more."""
        return self.order(order_id, lambda order: order.get("status") in FINAL)

    def tape(self, done: Callable[[list[Print]], bool] = bool) -> list[Print]:
        """The symbol's trades in the order in which they were made, once `done` is true of them."""
        return self.wait(lambda: prints(self.incident, self.symbol), done)

    def wait(self, ask: Callable[[], T], done: Callable[[T], bool]) -> T:
        """The first answer of which `done` is true, else the last one, once patience has run out."""
        answer = patiently(ask, done, seconds=self._patience)
        if not done(answer):
            self._patience = DISAPPOINTED
        return answer

    def _of_seller(self, order_id: str) -> httpx.Response:
        return self.seller.client.get(f"/v1/orders/{order_id}")


def check_running(incident: Incident) -> None:
    """LabError when services are down; a remark when code was changed but not restarted."""
    if down := incident.platform.failed:
        raise LabError(f"{', '.join(down)} did not come up: mend the code, then incident.restart()")
    if stale := incident.changed():
        print(f"Changed since it was started: {', '.join(stale)}. To run the new code: incident.restart()")


def new_trader(incident: Incident, **fields: Any) -> Trader:
    """A trader with an account of his own; the fields are those of `Market.new_trader`."""
    wealth = {"cash": "1000000000", "limit": "10000000000"}
    return incident.market.new_trader(**(wealth | fields))


def new_symbol(
    incident: Incident, *, tick_size: str = "0.01", lot_size: str = "1", calendar: str = ""
) -> str:
    """Lists an instrument; returns its symbol."""
    named = {"calendar": calendar} if calendar else {}
    return incident.market.new_symbol(tick_size=tick_size, lot_size=lot_size, **named)


def accepted(answer: httpx.Response) -> dict[str, Any]:
    """The order in an answer; LabError when it was not accepted."""
    if answer.status_code != 201:
        raise LabError(f"an order was answered {answer.status_code}: {answer.text[:160]}")
    return dict(answer.json())


def prints(incident: Incident, symbol: str) -> list[Print]:
    """The trades of a symbol that settlement knows by now."""
    rows = incident.platform.sql(
        "orders_db",
        "SELECT sequence, price, quantity, buy_order_id, sell_order_id, executed_at, trade_date,"
        " settlement_date FROM settlement_trade WHERE symbol = %s ORDER BY sequence",
        (symbol,),
    )
    return [Print(**row) for row in rows]


def patiently(ask: Callable[[], T], done: Callable[[T], bool], *, seconds: float = PATIENCE) -> T:
    """The first answer of which `done` is true, else the last one: a picture is drawn of either."""
    deadline = time.monotonic() + seconds
    while not done(answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return answer


@contextmanager
def market_time(incident: Incident) -> Iterator[Callable[[datetime], None]]:
    """Gives the hands of the market clock for a block; afterwards it shows what it showed before."""
    clock = incident.platform.clock
    before = clock.offset
    try:
        yield clock.set
    finally:
        clock.reset()
        clock.advance(before)
