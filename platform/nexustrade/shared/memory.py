"""The garbage collector of a service, tuned for a life of small requests."""

from __future__ import annotations

import gc

# Objects. What a request leaves behind is freed by its reference counts; cycles are few and can wait.
YOUNG_OBJECTS = 50_000


def relax_collector() -> None:
    """Have collections look at what requests make, and not often; to be called when all parts have started.

    What is there by then stays for the life of the process: looking through it again and again costs a tenth
    of an order.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
