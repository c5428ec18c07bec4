"""The settlement saga: a row of steps over several databases, each undone by its compensation.

No transaction spans the databases. What makes the whole atomic is the log: a step is idempotent, and is
logged once it is done, so a saga that stopped anywhere is driven on by calling `run` again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from services.settlement.ledger import CLEARING, Book, Posting, PostingRefused, reverse, transfer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal


class Mark(StrEnum):
    """What the log says about a step."""

    DONE = "done"
    REFUSED = "refused"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class SagaRecord:
    """One line of the saga log, in the order of writing."""

    step: str
    mark: Mark
    reason: str = ""


class SagaLog(Protocol):
    """Durable and append-only, per saga."""

    def read(self, saga_id: str) -> Sequence[SagaRecord]: ...

    def append(self, saga_id: str, record: SagaRecord) -> None: ...


class Step(Protocol):
    """Both directions are idempotent. `execute` raises PostingRefused when the step cannot be taken."""

    name: str

    def execute(self, saga_id: str) -> None: ...

    def compensate(self, saga_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class PostingStep:
    """A step that moves an amount between two accounts of a book."""

    name: str
    book: Book
    asset: str
    source: str
    target: str
    amount: Decimal

    def execute(self, saga_id: str) -> None:
        self.book.post(self._posting(saga_id))

    def compensate(self, saga_id: str) -> None:
        self.book.post(reverse(self._posting(saga_id), f"{saga_id}:{self.name}:undo"))

    def _posting(self, saga_id: str) -> Posting:
        return transfer(
            f"{saga_id}:{self.name}", self.asset, source=self.source, target=self.target, amount=self.amount
        )


@dataclass(frozen=True, slots=True)
class TradeLegs:
    """What a trade moves: `cash` in `currency` from buyer to seller, `quantity` of `symbol` back."""

    trade_id: str
    symbol: str
    quantity: Decimal
    currency: str
    cash: Decimal
    buyer: str
    seller: str


def trade_steps(legs: TradeLegs, *, cash: Book, shares: Book) -> tuple[Step, ...]:
    """Delivery versus payment: both sides are taken in before either is paid out.

    Each trade has a clearing account of its own, so what is on its way is never lost between the books.
    """
    clearing = f"{CLEARING}{legs.trade_id}"
    return (
        PostingStep("cash_debit", cash, legs.currency, legs.buyer, clearing, legs.cash),
        PostingStep("shares_debit", shares, legs.symbol, legs.seller, clearing, legs.quantity),
        PostingStep("shares_credit", shares, legs.symbol, clearing, legs.buyer, legs.quantity),
        PostingStep("cash_credit", cash, legs.currency, clearing, legs.seller, legs.cash),
    )


@dataclass(frozen=True, slots=True)
class SagaOutcome:
    """Completed, or compensated because of `reason`."""

    completed: bool
    reason: str = ""


class Saga:
    """Runs the steps in order, or takes the done ones back in reverse order once a step is refused.

    Any other exception leaves the saga where it is, to be driven on by a later `run`.
    """

    def __init__(self, saga_id: str, steps: Sequence[Step], log: SagaLog) -> None:
        self._saga_id = saga_id
        self._steps = steps
        self._log = log

    def run(self) -> SagaOutcome:
        """From wherever the log stands to one of the two ends.

        Raises PostingRefused when a compensation cannot be taken now; the saga then stays open.
        """
        history = self._log.read(self._saga_id)
        done = {record.step for record in history if record.mark is Mark.DONE}
        undone = {record.step for record in history if record.mark is Mark.UNDONE}
        refused = next((record for record in history if record.mark is Mark.REFUSED), None)
        if refused is None:
            refused = self._forward(done)
        if refused is None:
            return SagaOutcome(completed=True)
        self._backward(done - undone)
        return SagaOutcome(completed=False, reason=refused.reason)

    def _forward(self, done: set[str]) -> SagaRecord | None:
        for step in self._steps:
            if step.name in done:
                continue
            try:
                step.execute(self._saga_id)
            except PostingRefused as refusal:
                return self._append(step, Mark.REFUSED, str(refusal))
            self._append(step, Mark.DONE)
            done.add(step.name)
        return None

    def _backward(self, pending: set[str]) -> None:
        # A later step drew on what an earlier one had brought in: it must give back first.
        for step in reversed(self._steps):
            if step.name in pending:
                step.compensate(self._saga_id)
                self._append(step, Mark.UNDONE)

    def _append(self, step: Step, mark: Mark, reason: str = "") -> SagaRecord:
        record = SagaRecord(step.name, mark, reason)
        self._log.append(self._saga_id, record)
        return record
