"""The program that tries parts of the cache: what to try comes as JSON, and so goes what came of it.

Runs with a workspace on its path, whose code it tries.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any


def _mistaken(*, sizes: list[int], rate: float, strangers: int) -> list[tuple[int, int]]:
    """For each size: how many strangers a filter takes for members, and how many members it denies."""
    return [_filtered(size, rate, strangers) for size in sizes]


def _filtered(members: int, rate: float, strangers: int) -> tuple[int, int]:
    from shared.cache import BloomFilter

    made = BloomFilter(members, rate)
    for number in range(members):
        made.add(f"S{number:05}")
    taken = sum(f"X{number:05}" in made for number in range(strangers))
    return taken, sum(f"S{number:05}" not in made for number in range(members))


def _hits(*, capacity: int, streamed: int, symbols: int, reads: int, seed: int) -> list[list[int]]:
    """[reads, hits] of each symbol, the most popular first, in a near cache that is too small for all."""
    from shared.cache import Entry, NearCache

    near: NearCache[int, str] = NearCache(3600.0, capacity, now=lambda: 0.0)
    chance = random.Random(seed)  # noqa: S311 - traffic, no secrets
    weights = [1 / (rank + 1) for rank in range(symbols)]
    counts = [[0, 0] for _ in range(symbols)]
    for symbol in chance.choices(range(symbols), weights, k=reads):
        hit = near.get(symbol) is not None
        counts[symbol][0] += 1
        counts[symbol][1] += hit
        if not hit:
            near.put(symbol, Entry("quote", 1.0, 1.0, 0.0), 1 if symbol < streamed else 0)
    return counts


def _main() -> None:
    asked = json.loads(sys.argv[1])
    work: dict[str, Callable[..., Any]] = {"mistaken": _mistaken, "hits": _hits}
    print(json.dumps(work[asked.pop("what")](**asked)))


if __name__ == "__main__":
    _main()
