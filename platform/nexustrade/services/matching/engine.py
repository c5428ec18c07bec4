"""The matching engine of one symbol: commands in, executions out, nothing else.

Deterministic: the same commands in the same order give the same book and the same executions. It knows
neither clocks nor networks; whoever drives it stamps times and stores results.

While the symbol is halted or closed nothing is matched: new orders are refused, a replacement that would lose
its place leaves the order as it is, cancels are taken. So the book is never crossed, and reopening needs no
auction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.matching.commands import OPEN, Cancel, EndSession, Refuse, Replace, SetStatus, Submit
from services.matching.executions import SESSION_END, Replaced, StatusChanged
from services.matching.matcher import Matcher
from services.matching.orders import StopOrder

if TYPE_CHECKING:
    from services.matching.commands import Command
    from services.matching.executions import Execution
    from services.matching.orders import RestingOrder


class MatchingEngine(Matcher):
    """Applies commands to the book of `symbol`, one at a time."""

    __slots__ = ()

    def apply(self, command: Command) -> list[Execution]:
        """Apply one command of the input log and return what it caused, in order."""
        if isinstance(command, Submit):
            return self.submit(command)
        if isinstance(command, Cancel):
            return self.cancel(command.order_id)
        return self._apply_rarer(command)

    def restore(self, order: RestingOrder) -> None:
        """Put back an order that was stored, behind those already there."""
        (self.stops if isinstance(order, StopOrder) else self.book).add(order)

    def open_order(self, order_id: str) -> RestingOrder | None:
        """The order as it rests or waits; None when it does neither."""
        return self.book.orders.get(order_id) or self.stops.orders.get(order_id)

    def replace(self, command: Replace) -> list[Execution]:
        """Change what is open of an order, or its limit; a quantity of nought cancels it.

        A smaller quantity at the same price keeps the order's place; anything else gives it up. Where a new
        order may not trade now, the order stays as it is, and the answer says so.
        """
        order = self.open_order(command.order_id)
        if order is None:
            return []
        if command.quantity <= 0:
            return self.cancel(order.order_id)
        waits = isinstance(order, StopOrder)
        limit = order.limit if waits else order.price
        price = limit if command.price is None or limit is None else command.price
        if price == limit and command.quantity <= order.remaining:
            (self.stops if waits else self.book).reduce(order, order.remaining - command.quantity)
        elif self.status == OPEN and order.calendar not in command.closed:
            return self._enter_again(order, command.quantity, price)
        return [self._replaced(order, order.remaining, limit)]

    def end_session(self, session: int, calendar: str) -> list[Execution]:
        """Expire what lives until a trading date of the calendar that is over: in queue order, then stops."""
        expired = [
            order.order_id
            for order in (*self.book.in_queue_order(), *self.stops.in_arrival_order())
            if order.lapses(session, calendar)
        ]
        return [execution for order_id in expired for execution in self.cancel(order_id, SESSION_END)]

    def set_status(self, status: str) -> list[Execution]:
        if status == self.status:
            return []
        self.status = status
        return [StatusChanged(self.next_sequence(), status)]

    def _apply_rarer(self, command: Replace | Refuse | EndSession | SetStatus) -> list[Execution]:
        match command:
            case Replace():
                return self.replace(command)
            case Refuse(order_id, account_id, quantity, reason):
                return [self._cancelled(order_id, account_id, quantity, reason)]
            case EndSession(session, calendar):
                return self.end_session(session, calendar)
            case SetStatus(status):
                return self.set_status(status)
        raise TypeError(f"no command: {command!r}")

    def _enter_again(self, order: RestingOrder, quantity: int, price: int | None) -> list[Execution]:
        """Take an order out and let it come in anew, behind all others of its price."""
        (self.stops if isinstance(order, StopOrder) else self.book).cancel(order.order_id)
        executions: list[Execution] = [self._replaced(order, quantity, price)]
        changed = order.as_submit()._replace(quantity=quantity, price=price)
        if changed.stop_price is None:
            self._enter(changed, executions)
        else:
            self._wait(changed)
        return self._cascade(executions)

    def _replaced(self, order: RestingOrder, quantity: int, price: int | None) -> Replaced:
        return Replaced(self.next_sequence(), order.order_id, order.account_id, quantity, price)
