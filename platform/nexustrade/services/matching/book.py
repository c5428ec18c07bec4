"""One symbol's engine together with what makes its steps repeatable: position, known commands, numbering."""

from __future__ import annotations

from collections import OrderedDict
from itertools import chain
from typing import TYPE_CHECKING

from services.matching.codec import encode_order
from services.matching.commands import Submit
from services.matching.engine import MatchingEngine
from services.matching.executions import StatusChanged, Trade
from services.matching.published import BOOK_DEPTH
from services.matching.store import REMEMBERED_COMMANDS, Position, Snapshot, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.matching.commands import Command
    from services.matching.executions import Execution

Depth = tuple[tuple[int, int], ...]


class SymbolBook:
    """The live book of one symbol. Not safe for threads: its owner holds a lock."""

    def __init__(self, symbol: str, snapshot: Snapshot) -> None:
        self.engine = MatchingEngine(
            symbol,
            sequence=snapshot.sequence,
            arrivals=snapshot.arrivals,
            last_price=snapshot.last_price,
            status=snapshot.status,
        )
        for order in snapshot.orders:
            self.engine.restore(order)
        self.position: Position | None = snapshot.position
        self.commands = snapshot.commands
        self._known: OrderedDict[str, None] = OrderedDict.fromkeys(snapshot.command_ids)

    def has_applied(self, command_id: str, position: Position) -> bool:
        """Whether a command is a redelivery (by its position) or a repetition (by its id)."""
        return command_id in self._known or (self.position is not None and self.position.covers(position))

    def apply(self, command: Command, command_id: str, position: Position | None) -> list[Execution]:
        """Apply a command; None for a position means that it did not come out of the log."""
        executions = self.engine.apply(command)
        self.position = position or self.position
        self.commands += 1
        self._known[command_id] = None
        if len(self._known) > REMEMBERED_COMMANDS:
            self._known.popitem(last=False)
        return executions

    def has_day_orders(self, session: int, calendar: str) -> bool:
        """Whether orders are open that live until the end of that trading date, or of one before."""
        engine = self.engine
        orders = chain(engine.book.orders.values(), engine.stops.orders.values())
        return any(order.lapses(session, calendar) for order in orders)

    def depth(self, limit: int = BOOK_DEPTH) -> tuple[Depth, Depth]:
        book = self.engine.book
        return book.bids.depth(limit), book.asks.depth(limit)

    def step(
        self,
        epoch: int,
        command: Command,
        command_id: str,
        executions: Sequence[Execution],
        messages: Sequence[bytes],
    ) -> Step:
        """What has to be stored after `apply`: the scalars, and the orders that the command touched."""
        rested, removed = {}, []
        for order_id in _touched(command, executions):
            order = self.engine.open_order(order_id)
            if order is None:
                removed.append(order_id)
            else:
                rested[order_id] = encode_order(order)
        return Step(
            epoch=epoch,
            sequence=self.engine.sequence,
            arrivals=self.engine.arrivals,
            last_price=self.engine.last_price,
            status=self.engine.status,
            commands=self.commands,
            position=self.position,
            removed=removed,
            rested=rested,
            messages=messages,
            command_ids=[command_id],
        )


def _touched(command: Command, executions: Iterable[Execution]) -> set[str]:
    touched = {command.order_id} if isinstance(command, Submit) else set()
    for execution in executions:
        if isinstance(execution, Trade):
            touched |= {execution.maker_order_id, execution.taker_order_id}
        elif not isinstance(execution, StatusChanged):
            touched.add(execution.order_id)
    return touched
