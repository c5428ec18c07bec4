"""Two-phase commit over databases that can prepare a transaction.

Presumed abort: the decision to commit is durable before the second phase begins, so a prepared transaction
without a decision was never promised to anyone and is rolled back by recovery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Participant(Protocol):
    """One database. `commit` and `rollback` of an id that is not prepared here do nothing."""

    def prepare(self, transaction_id: str, work: Callable[[], object]) -> None: ...

    def commit(self, transaction_id: str) -> None: ...

    def rollback(self, transaction_id: str) -> None: ...

    def prepared(self) -> Iterable[str]: ...


class DecisionLog(Protocol):
    """Durable; knows the transactions that were decided to commit."""

    def decide_commit(self, transaction_id: str) -> None: ...

    def is_committed(self, transaction_id: str) -> bool: ...


class Coordinator:
    """Runs work at all participants, or at none."""

    def __init__(self, participants: Sequence[Participant], decisions: DecisionLog) -> None:
        self._participants = participants
        self._decisions = decisions

    def run(self, transaction_id: str, works: Sequence[Callable[[], object]]) -> None:
        """Runs `works[i]` at participant i; what a work raises is raised after all have rolled back."""
        prepared: list[Participant] = []
        try:
            for participant, work in zip(self._participants, works, strict=True):
                participant.prepare(transaction_id, work)
                prepared.append(participant)
        except Exception:
            for participant in prepared:
                participant.rollback(transaction_id)
            raise
        self._decisions.decide_commit(transaction_id)
        for participant in self._participants:
            participant.commit(transaction_id)

    def recover(self, is_live: Callable[[str], bool]) -> dict[str, str]:
        """Finishes what a crashed coordinator left prepared; answers what was done, by transaction.

        `is_live` tells transactions that a running coordinator still has in hand.
        """
        finished: dict[str, str] = {}
        for participant in self._participants:
            for transaction_id in participant.prepared():
                if is_live(transaction_id):
                    continue
                if self._decisions.is_committed(transaction_id):
                    participant.commit(transaction_id)
                    finished[transaction_id] = "committed"
                else:
                    participant.rollback(transaction_id)
                    finished[transaction_id] = "rolled back"
        return finished
