"""What sessions meet around a change of the signing key."""

from __future__ import annotations

from dataclasses import dataclass, field

OK = 200


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request with an access token that is good: seconds since the change of keys, and the answer."""

    at: float
    status: int


@dataclass(kw_only=True)
class Worker:
    """A session, its requests, and when it refreshed (seconds since the change)."""

    number: int
    requests: list[Request] = field(default_factory=list)
    refreshed: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Key:
    """A signing key right after the change, and what the table of keys plans for it (seconds from then)."""

    key_id: str
    published: bool
    signs: bool
    signs_from: float
    retires_at: float | None

    @property
    def right(self) -> bool:
        """Whether it is published, and signs just when its time has come."""
        return self.published and self.signs == (self.signs_from <= 0)


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """What sessions met around a change of keys."""

    workers: tuple[Worker, ...]
    keys: tuple[Key, ...]

    @property
    def requests(self) -> list[Request]:
        return [request for worker in self.workers for request in worker.requests]

    @property
    def refused(self) -> list[Request]:
        return [request for request in self.requests if request.status != OK]

    def __str__(self) -> str:
        if not self.refused:
            return "every session works through the change"
        return f"{len(self.refused)} of {len(self.requests)} requests with good tokens got 401"
