"""What Kafka knows of a message besides the event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMeta:
    """Where a message came from; `timestamp` is in Unix milliseconds, -1 when unknown."""

    topic: str
    partition: int
    offset: int
    key: str | None
    headers: dict[str, str]
    value: bytes
    timestamp: int
    group: str

    def dead_letter_headers(self, error: Exception) -> dict[str, str]:
        """The message's headers and why, where from and for whom it failed."""
        return {
            **self.headers,
            "dead-letter-topic": self.topic,
            "dead-letter-partition": str(self.partition),
            "dead-letter-offset": str(self.offset),
            "dead-letter-group": self.group,
            "dead-letter-error": f"{type(error).__name__}: {error}"[:500],
        }
