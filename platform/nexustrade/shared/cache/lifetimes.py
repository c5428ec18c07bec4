"""How long entries live: a time to live, shortened by chance, so that entries made together expire apart."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Lifetimes:
    """Draws the life of each entry from `ttl` · (1 − `jitter`) to `ttl`, in seconds.

    `chance` gives numbers from 0 to 1. ValueError for a TTL that is not positive, or a jitter outside of 0–1.
    """

    def __init__(self, ttl: float, jitter: float = 0.1, chance: Callable[[], float] = random.random) -> None:
        if ttl <= 0 or not 0 <= jitter < 1:
            raise ValueError("a life needs a positive TTL and a jitter below 1")
        self._ttl = ttl
        self._jitter = jitter
        self._chance = chance

    def draw(self) -> float:
        """The life of the next entry."""
        return self._ttl * (1 - self._jitter * self._chance())
