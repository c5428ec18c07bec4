"""The use cases of matching: take the lead, apply a command, end a session, step down, show."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any

from services.matching.book import SymbolBook
from services.matching.codec import to_command, to_price
from services.matching.commands import EndSession, Submit
from services.matching.errors import NotLeader
from services.matching.executions import Trade
from services.matching.outbox import pack
from services.matching.published import book_event, execution_event, levels
from shared import clock
from shared.errors import NotFound
from shared.events import envelope_for
from shared.ids import new_id
from shared.money import plain
from shared.observability import counter, get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.matching.commands import Command
    from services.matching.executions import Execution
    from services.matching.store import BookStore, Position
    from shared.events import EventEnvelope
    from shared.events.types import Event

log = get_logger(__name__)
COMMANDS = counter("matching_commands_total", "Commands applied to a book", ("kind",))
TRADES = counter("matching_trades_total", "Trades executed")


class MatchingService:
    """All books of this instance; they exist only while it leads.

    `leads(epoch)` tells whether the lease of an epoch still holds; `on_output(symbol)` is called after every
    stored step that has something to publish.
    """

    def __init__(
        self,
        store: BookStore,
        *,
        producer_name: str,
        leads: Callable[[int], bool],
        on_output: Callable[[str], None],
    ) -> None:
        self._store = store
        self._producer_name = producer_name
        self._leads = leads
        self._on_output = on_output
        self._books: dict[str, SymbolBook] = {}
        self._lock = RLock()
        self._epoch: int | None = None
        # The latest trading date (ordinal) of each calendar that has ended.
        self._ended: dict[str, int] = {}

    @property
    def epoch(self) -> int | None:
        """The epoch in which this instance leads; None while it does not."""
        epoch = self._epoch
        return epoch if epoch is not None and self._leads(epoch) else None

    def lead(self, *, epoch: int) -> None:
        """Claim every known book for `epoch`, which fences the leader before, and rebuild it."""
        with self._lock:
            self._books = {
                symbol: SymbolBook(symbol, self._store.open(symbol, epoch))
                for symbol in self._store.symbols()
            }
            self._epoch = epoch
        log.info("matching_leads", epoch=epoch, symbols=len(self._books))
        for symbol in self.symbols():
            self._on_output(symbol)

    def step_down(self) -> None:
        """Forget the books: from now on another instance may change them."""
        with self._lock:
            self._epoch = None
            self._books = {}

    def command_apply(self, envelope: EventEnvelope, position: Position) -> None:
        """Apply a command from the log, once however often it is delivered.

        Raises NotLeader or Fenced when this instance must not match, ValidationFailed for what is no command.
        """
        command = to_command(envelope.payload)
        symbol = envelope.payload.symbol
        with self._lock:
            book = self._book(symbol)
            if book.has_applied(envelope.event_id, position):
                log.info("command_repeated", symbol=symbol, command_id=envelope.event_id)
                return
            self._step(book, command, envelope.event_id, position)
            self._expire_late(book, command)

    def session_end(self, *, session: int, calendar: str) -> None:
        """Expire the day orders of the calendar's trading dates (ordinals) up to `session` in every book."""
        with self._lock:
            self._ended[calendar] = session
        for symbol in self.symbols():
            with self._lock:
                self._expire(self._book(symbol), session, calendar)

    def applied_offset(self, cluster_id: str, partition: int) -> int | None:
        """The last applied offset of a partition; None when nothing of that cluster's partition was applied.

        Commands of a partition are applied in order, so everything before it has been applied too.
        """
        with self._lock:
            positions = [book.position for book in self._books.values() if book.position is not None]
        offsets = [p.offset for p in positions if (p.cluster_id, p.partition) == (cluster_id, partition)]
        return max(offsets, default=None)

    def symbols(self) -> list[str]:
        with self._lock:
            return sorted(self._books)

    def book_show(self, symbol: str, *, depth: int) -> dict[str, Any]:
        """The book: levels, last price, status, how many stops wait; NotFound for a symbol never ordered."""
        with self._lock:
            book = self._books.get(symbol)
            if book is None:
                raise NotFound(f"no book of {symbol}", symbol=symbol)
            bids, asks = book.depth(depth)
            sequence, last = book.engine.sequence, book.engine.last_price
            status, stops = book.engine.status, len(book.engine.stops.orders)
        return {
            "symbol": symbol,
            "sequence": sequence,
            "status": status,
            "bids": _level_rows(bids),
            "asks": _level_rows(asks),
            "last": None if last is None else plain(to_price(last).amount),
            "stops": stops,
        }

    def _expire(self, book: SymbolBook, session: int, calendar: str) -> None:
        if book.has_day_orders(session, calendar):
            self._step(book, EndSession(session, calendar), new_id(), None)

    def _expire_late(self, book: SymbolBook, command: Command) -> None:
        """An order that was submitted in its session and arrives after its end trades, but does not rest."""
        if isinstance(command, Submit) and command.session <= self._ended.get(command.calendar, 0):
            self._expire(book, command.session, command.calendar)

    def _book(self, symbol: str) -> SymbolBook:
        epoch = self._leading_epoch()
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = SymbolBook(symbol, self._store.open(symbol, epoch))
            # A step whose outcome never arrived may have left messages behind.
            self._on_output(symbol)
        return book

    def _leading_epoch(self) -> int:
        epoch = self.epoch
        if epoch is None:
            raise NotLeader("this instance does not lead")
        return epoch

    def _step(self, book: SymbolBook, command: Command, command_id: str, position: Position | None) -> None:
        """Apply, store, then tell the relay. What could not be stored is forgotten and read again."""
        symbol, epoch = book.engine.symbol, self._leading_epoch()
        before = book.depth()
        executions = book.apply(command, command_id, position)
        messages = self._messages(book, executions, epoch, changed=book.depth() != before)
        try:
            self._store.commit(symbol, book.step(epoch, command, command_id, executions, messages))
        except BaseException:
            del self._books[symbol]
            raise
        COMMANDS.labels(type(command).__name__).inc()
        TRADES.inc(sum(isinstance(execution, Trade) for execution in executions))
        if messages:
            self._on_output(symbol)

    def _messages(
        self, book: SymbolBook, executions: Sequence[Execution], epoch: int, *, changed: bool
    ) -> list[bytes]:
        moment, symbol = clock.now(), book.engine.symbol
        events: list[tuple[int, Event]] = [
            (e.sequence, execution_event(e, symbol, moment)) for e in executions
        ]
        if changed or executions:
            events.append((book.engine.next_sequence(), book_event(book.engine, moment)))
        return [
            pack(
                envelope_for(
                    event,
                    producer=self._producer_name,
                    aggregate_id=symbol,
                    sequence=sequence,
                    epoch=epoch,
                    occurred_at=moment,
                )
            )
            for sequence, event in events
        ]


def _level_rows(depth: tuple[tuple[int, int], ...]) -> list[dict[str, str]]:
    return [
        {"price": plain(price.amount), "quantity": plain(quantity.amount)}
        for price, quantity in levels(depth)
    ]
