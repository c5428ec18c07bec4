"""What the producer and the consumer tell the Kafka client alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError

from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTION_OPTIONS: Mapping[str, Any] = {
    "reconnect.backoff.ms": 100,
    "reconnect.backoff.max.ms": 1000,
    # The client's own lines repeat for each attempt and bypass the log; `log_client_error` says what matters.
    "log_level": 2,
}

_log = get_logger(__name__)


def log_client_error(error: KafkaError, *, client: str) -> None:
    """An `error_cb`: a line when no broker is left or the client gives up; the rest it retries itself."""
    fatal = error.fatal()
    if fatal or error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - a constant of the public API
        _log.warning("Kafka client", client=client, code=error.name(), reason=error.str(), fatal=fatal)
