"""How the reads of the cache spread over its keys and tiers."""

from __future__ import annotations

from collections import Counter
from typing import Final, TypedDict

from shared.observability import counter

READS = counter("market_data_cache_reads_total", "Reads of cached market data", ("kind", "tier"))

# Keys that are counted one by one; when there are more, those that are read least are forgotten.
KEYS_COUNTED: Final = 1024


class KeyReads(TypedDict):
    key: str
    near: int
    shared: int


class KeyLoad:
    """Counts reads since the start: by kind and tier as metrics, by key for operators."""

    def __init__(self) -> None:
        self._reads: dict[str, Counter[str]] = {}

    def observe(self, tier: str, key: str) -> None:
        READS.labels(key.partition(":")[0], tier).inc()
        if key not in self._reads and len(self._reads) >= KEYS_COUNTED:
            self._forget_half()
        self._reads.setdefault(key, Counter())[tier] += 1

    def busiest(self, count: int) -> list[KeyReads]:
        """The keys with the most reads, most first, and which tier answered."""
        ranked = sorted(self._reads.items(), key=lambda item: (-item[1].total(), item[0]))
        return [
            KeyReads(key=key, near=reads["near"], shared=reads["shared"]) for key, reads in ranked[:count]
        ]

    def _forget_half(self) -> None:
        ranked = sorted(self._reads, key=lambda key: self._reads[key].total())
        for key in ranked[: len(ranked) // 2]:
            del self._reads[key]
