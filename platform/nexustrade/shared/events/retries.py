"""When and how often a consumer tries an event again."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass

from shared.errors import DeadlineExceeded, DependencyUnavailable
from shared.events.errors import PublishError

# Failures of what the handler leans on, not of the event. The libraries are looked up, not imported: a
# service without Django has none of Django's errors.
_TRANSIENT: tuple[type[Exception], ...] = (
    DependencyUnavailable,
    DeadlineExceeded,
    PublishError,
    ConnectionError,
    TimeoutError,
)
_TRANSIENT_OF_LIBRARIES = {
    "django.db.utils": ("OperationalError", "InterfaceError"),
    "psycopg": ("OperationalError", "InterfaceError"),
    # A server that became a standby refuses writes until clients find the new primary.
    "psycopg.errors": ("ReadOnlySqlTransaction",),
    "redis.exceptions": (
        "ConnectionError",
        "TimeoutError",
        "OutOfMemoryError",
        "ReadOnlyError",
        "ClusterDownError",
        "TryAgainError",
    ),
    "confluent_kafka": ("KafkaException",),
    "httpx": ("TransportError",),
}
# Redis answers these codes, too, while it cannot take writes; redis-py has no class for them.
_UNABLE = ("MISCONF", "NOREPLICAS")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits with jitter: up to `first` seconds, then twice that, … never above `longest`."""

    first: float = 0.1
    longest: float = 2.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait before attempt number `attempt` (the first retry is 1)."""
        ceiling: float = min(self.longest, self.first * 2 ** min(attempt - 1, 30))
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing


def is_transient(error: BaseException) -> bool:
    """Whether the same event may well succeed once a store, a broker or a service is back."""
    if isinstance(error, _TRANSIENT):
        return True
    # Django wraps what the driver raised: the cause tells more than the class.
    return any(map(_is_of_a_library, (error, error.__cause__)))


def _is_of_a_library(error: BaseException | None) -> bool:
    for module, names in _TRANSIENT_OF_LIBRARIES.items():
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, tuple(getattr(loaded, name) for name in names)):
            return True
    redis = sys.modules.get("redis.exceptions")
    return redis is not None and isinstance(error, redis.ResponseError) and str(error).startswith(_UNABLE)
