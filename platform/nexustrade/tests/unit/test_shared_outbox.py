"""What the outbox hands to the brokers, and in which order."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from shared.django.outbox import OutboxRelay
from shared.events import PublishError

pytestmark = pytest.mark.services("users", "orders", "risk", "settlement")


class Table:
    _meta = SimpleNamespace(db_table="outbox", app_label="test")


class Brokers:
    """Take messages, except those with a key that is refused or stays unacknowledged."""

    def __init__(self, *, refused: tuple[str, ...] = (), unacknowledged: tuple[str, ...] = ()) -> None:
        self.refused = refused
        self.unacknowledged = unacknowledged
        self.taken: list[str] = []

    def send(self, _topic: str, key: str, _value: bytes, _headers: Any, *, wait: bool) -> Future[str]:
        assert not wait
        if key in self.refused:
            raise PublishError("the brokers are away")
        self.taken.append(key)
        future: Future[str] = Future()
        future.set_result(key)
        return future

    def result(self, future: Future[str]) -> str:
        if future.result() in self.unacknowledged:
            raise PublishError("not acknowledged")
        return future.result()


def rows(*keys: str) -> list[tuple[int, str, str, str, bytes, str]]:
    return [(number, f"event-{number}", "topic", key, b"", "{}") for number, key in enumerate(keys, 1)]


def relay(brokers: Brokers) -> OutboxRelay:
    """One that is never started: the test hands it its rows."""
    model: Any = Table
    return OutboxRelay(model, brokers, using="default")  # type: ignore[arg-type]


def test_nothing_is_sent_ahead_of_a_row_that_could_not_be_sent() -> None:
    """What was written later waits: a cancellation never overtakes the order that it cancels."""
    brokers = Brokers(refused=("submit",))
    published = relay(brokers)._send(rows("first", "submit", "cancel"))
    assert (brokers.taken, published) == (["first"], [1])


def test_only_acknowledged_rows_count_as_published() -> None:
    """What the brokers did not confirm is sent again."""
    brokers = Brokers(unacknowledged=("b",))
    published = relay(brokers)._send(rows("a", "b", "c"))
    assert (brokers.taken, published) == (["a", "b", "c"], [1, 3])
