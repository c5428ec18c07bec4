"""Which failures of a handler are worth waiting for."""

from __future__ import annotations

import confluent_kafka
import django.db
import httpx
import psycopg
import pytest
import redis

from shared.errors import Conflict, DependencyUnavailable, NotFound
from shared.events import PublishError
from shared.events.retries import Backoff, is_transient

pytestmark = pytest.mark.services("orders", "risk", "settlement", "audit")


def raised_from(error: Exception, cause: Exception) -> Exception:
    """As Django raises what its driver raised."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        DependencyUnavailable("risk"),
        PublishError("no broker"),
        ConnectionResetError(),
        TimeoutError(),
        django.db.OperationalError("server closed the connection"),
        redis.ConnectionError(),
        redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'"),
        redis.exceptions.ReadOnlyError("You can't write against a read only replica"),
        redis.ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        confluent_kafka.KafkaException(confluent_kafka.KafkaError(confluent_kafka.KafkaError._TRANSPORT)),
        raised_from(django.db.InternalError("read-only"), psycopg.errors.ReadOnlySqlTransaction()),
        httpx.ConnectTimeout("late"),
    ],
)
def test_a_dependency_that_is_away_is_waited_for(error: Exception) -> None:
    """The event is fine: it succeeds once the store or service is back."""
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        KeyError("x"),
        Conflict(),
        NotFound(),
        django.db.IntegrityError("duplicate"),
        django.db.InternalError("current transaction is aborted"),
        redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
    ],
)
def test_a_failure_of_the_event_itself_is_not_waited_for(error: Exception) -> None:
    """The same event would fail in the same way for ever."""
    assert not is_transient(error)


def test_waits_grow_and_stay_bounded() -> None:
    """Each wait is up to twice the one before, and none is longer than the longest."""
    backoff = Backoff(first=0.1, longest=2.0)
    for attempt in range(1, 200):
        ceiling = min(2.0, 0.1 * 2 ** (attempt - 1))
        assert ceiling / 2 <= backoff.delay(attempt) <= ceiling
