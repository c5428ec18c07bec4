"""Moving a holding between accounts: cash and shares in two databases, by two-phase commit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.db import ProgrammingError, connections, transaction
from psycopg import sql
from psycopg.errors import UndefinedObject

from services.settlement.books import CASH, SHARES
from services.settlement.ledger import transfer
from services.settlement.locks import named_lock
from services.settlement.models import CommitDecision
from services.settlement.twophase import Coordinator
from shared.errors import ValidationFailed
from shared.ids import new_id
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.money import Money, Quantity

log = get_logger("settlement")

PREFIX = "settlement:"


class PreparedTransactions:
    """A PostgreSQL database as a participant: PREPARE TRANSACTION, then COMMIT or ROLLBACK PREPARED."""

    def __init__(self, database: str) -> None:
        self._database = database

    def prepare(self, transaction_id: str, work: Callable[[], object]) -> None:
        with transaction.atomic(using=self._database):
            work()
            # Ends the transaction on the server; what the block then commits is empty.
            self._execute("PREPARE TRANSACTION {}", transaction_id)

    def commit(self, transaction_id: str) -> None:
        self._finish("COMMIT PREPARED {}", transaction_id)

    def rollback(self, transaction_id: str) -> None:
        self._finish("ROLLBACK PREPARED {}", transaction_id)

    def prepared(self) -> list[str]:
        with connections[self._database].cursor() as cursor:
            cursor.execute(
                "SELECT gid FROM pg_prepared_xacts"
                " WHERE database = current_database() AND starts_with(gid, %s) ORDER BY prepared",
                [PREFIX],
            )
            return [gid.rpartition("@")[0] for (gid,) in cursor.fetchall()]

    def _finish(self, statement: str, transaction_id: str) -> None:
        try:
            self._execute(statement, transaction_id)
        except ProgrammingError as error:
            # Recovery or an earlier attempt has finished it.
            if not isinstance(error.__cause__, UndefinedObject):
                raise

    def _execute(self, statement: str, transaction_id: str) -> None:
        with connections[self._database].cursor() as cursor:
            # Identifiers are unique on a server, which may hold several of the databases.
            identifier = f"{transaction_id}@{self._database}"
            # These statements take no parameters: the identifier is quoted as a literal.
            cursor.execute(sql.SQL(statement).format(sql.Literal(identifier)).as_string())


class DatabaseDecisions:
    """The coordinator's log in orders_db."""

    def decide_commit(self, transaction_id: str) -> None:
        CommitDecision.objects.create(transaction_id=transaction_id)

    def is_committed(self, transaction_id: str) -> bool:
        return CommitDecision.objects.filter(pk=transaction_id).exists()


def coordinator() -> Coordinator:
    """The coordinator over cash and shares."""
    return Coordinator(
        [PreparedTransactions(CASH.database), PreparedTransactions(SHARES.database)], DatabaseDecisions()
    )


def holding_transfer(
    *, source: str, target: str, cash: Money, symbol: str, quantity: Quantity, reference: str
) -> None:
    """Moves cash and shares together or not at all, once per reference.

    Raises PostingRefused when the source has not enough of either, Conflict when the reference was used for
    other amounts.
    """
    if source == target:
        raise ValidationFailed("the two accounts must differ", field="to_account")
    posting_id = f"transfer:{source}:{target}:{reference}"
    postings = (
        (CASH, transfer(posting_id, cash.currency, source=source, target=target, amount=cash.amount)),
        (SHARES, transfer(posting_id, symbol, source=source, target=target, amount=quantity.amount)),
    )
    transaction_id = f"{PREFIX}{new_id()}"
    with named_lock(transaction_id):
        coordinator().run(transaction_id, [partial(book.post_once, posting) for book, posting in postings])


def transfers_recover() -> int:
    """Finishes what crashed coordinators left prepared; answers how many transactions."""
    finished = coordinator().recover(_is_live)
    for transaction_id, outcome in finished.items():
        log.warning("prepared_transaction_recovered", transaction_id=transaction_id, outcome=outcome)
    return len(finished)


def _is_live(transaction_id: str) -> bool:
    with named_lock(transaction_id, wait=False) as free:
        return not free
