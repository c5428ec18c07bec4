"""What the suite has for receivers of webhooks and for telling times apart, from the course's tree."""

from __future__ import annotations

import lab.market  # noqa: F401 - from here on, the suite's helpers are found

# isort: split
from support.receiver import Answer, Received, Receiver
from support.timing import SAMPLES, TELLING, how_often_longer
from support.webhooks import path_of, set_webhook, try_webhook

__all__ = [
    "SAMPLES",
    "TELLING",
    "Answer",
    "Received",
    "Receiver",
    "how_often_longer",
    "path_of",
    "set_webhook",
    "try_webhook",
]
