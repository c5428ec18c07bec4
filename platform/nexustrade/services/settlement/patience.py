"""How long a caller waits for work that may be taken up again."""

from __future__ import annotations

from shared.clients.deadline import current_deadline

# Seconds that long work keeps back of its caller's deadline, to answer in time.
ANSWER_MARGIN = 0.5


def out_of_time() -> bool:
    """Whether the work has to stop now so that its caller gets an answer; never without a deadline."""
    deadline = current_deadline()
    return deadline is not None and deadline.remaining() < ANSWER_MARGIN
