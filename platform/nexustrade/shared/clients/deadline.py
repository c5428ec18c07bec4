"""The time by which a caller wants his answer, carried from hop to hop.

The header `X-Request-Deadline` holds it as Unix seconds (a decimal fraction), by the system's clock.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.clock import wall_time
from shared.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = "X-Request-Deadline"


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant, in Unix seconds, after which the answer is of no use any more."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(wall_time() + seconds)

    @classmethod
    def parse(cls, header: str | None) -> Deadline | None:
        """The deadline in a header value; None when it is absent or not a number."""
        try:
            at = float(header) if header else None
        except ValueError:
            return None
        return cls(at) if at is not None and 0 < at < float("inf") else None

    def header(self) -> str:
        return f"{self.at:.6f}"

    def remaining(self) -> float:
        """Seconds left, negative when the time is over."""
        return self.at - wall_time()

    @property
    def expired(self) -> bool:
        return self.remaining() <= 0

    @contextmanager
    def active(self) -> Iterator[Deadline]:
        """Make this the deadline of the current context, inside the block."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> Deadline | None:
    """The deadline of the request in hand, if its caller set one."""
    return _current.get()


def effective_deadline(timeout: float) -> Deadline:
    """The earlier of the current deadline and `timeout` seconds from now; DeadlineExceeded if it passed."""
    current, own = _current.get(), Deadline.after(timeout)
    if current is None:
        return own
    if current.expired:
        raise DeadlineExceeded("the caller's deadline has passed")
    return min(current, own, key=lambda deadline: deadline.at)
