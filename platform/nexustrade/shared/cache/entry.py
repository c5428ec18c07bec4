"""A cached value with what decides when it is loaded again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Entry(Generic[V]):
    """`value` is fresh until `fresh_until` and may be shown until `stale_until` (Unix seconds).

    `cost` is how long its load took, in seconds.
    """

    value: V
    fresh_until: float
    stale_until: float
    cost: float

    def is_fresh(self, now: float) -> bool:
        return now < self.fresh_until

    def is_usable(self, now: float) -> bool:
        return now < self.stale_until

    def is_due(self, now: float, chance: float, eagerness: float = 1.0) -> bool:
        """Whether one reader, by a `chance` of 0 ≤ x < 1, is to load it again now.

        The nearer the expiry and the costlier the load, the likelier; always when it is over. This is XFetch
        of Vattani, Chierichetti and Lowenstein, Optimal Probabilistic Cache Stampede Prevention, PVLDB 8(8),
        2015, with β = `eagerness`.
        """
        return now - self.cost * eagerness * math.log(1 - chance) >= self.fresh_until
