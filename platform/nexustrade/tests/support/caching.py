"""A cache whose store is memory, whose clock stands still, and whose source is held up at will."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from shared.cache import Entry, HotKeys, Lifetimes, NearCache, ReadThrough, Tiers

T = TypeVar("T")


class MemoryStore:
    """A shared tier in memory; `reads` counts the reads of each key."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry[str]] = {}
        self.versions: dict[str, str] = {}
        self.reads: dict[str, int] = {}

    async def read(self, key: str) -> Entry[str] | None:
        self.reads[key] = self.reads.get(key, 0) + 1
        return self.entries.get(key)

    async def version(self, key: str) -> str:
        return self.versions.get(key, "")

    async def write(self, key: str, entry: Entry[str], version: str) -> bool:
        if self.versions.get(key, "") != version:
            return False
        self.entries[key] = entry
        return True

    async def invalidate(self, key: str) -> None:
        self.versions[key] = f"{self.versions.get(key, '')}x"
        self.entries.pop(key, None)


class SlowSource:
    """Gives "1", "2", …, decided when it is asked; while `gate` is closed its answers wait."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> str:
        self.calls += 1
        answer, error = str(self.calls), self.error
        await self.gate.wait()
        if error is not None:
            raise error
        return answer


class Bench:
    """A `ReadThrough` of 10 s and 30 s of grace over these; `time` moves by assignment.

    `chance` 0 has nobody refresh early. Entries cost nothing to load while the clock stands.
    """

    def __init__(self, *, hot_reads: int = 1_000_000, jitter: float = 0.0, **options: Any) -> None:
        self.time = 1_000.0
        self.chance = 0.0
        self.store = MemoryStore()
        self.source = SlowSource()
        self.seen: list[tuple[str, str]] = []
        self.near: NearCache[str, str] = NearCache(
            3600.0, 64, options.pop("pinned", frozenset()), now=self.now
        )
        self.cache: ReadThrough[str] = self.another_process(hot_reads=hot_reads, jitter=jitter, **options)

    def now(self) -> float:
        return self.time

    def another_process(self, *, hot_reads: int = 1_000_000, jitter: float = 0.0, **options: Any) -> Any:
        """One more cache over the same store, with a near tier of its own after the first."""
        near, self.near = self.near, NearCache(3600.0, 64, now=self.now)
        tiers: Tiers[str] = Tiers(
            near,
            self.store,
            HotKeys(hot_reads, 3600.0, now=self.now),
            observe=lambda tier, key: self.seen.append((tier, key)),
        )
        return ReadThrough(
            tiers,
            Lifetimes(10.0, jitter, **options),
            stale_seconds=30.0,
            retry_seconds=5.0,
            now=self.now,
            chance=lambda: self.chance,
        )

    async def get(self, key: str = "k") -> str:
        return (await self.cache.get(key, self.source.load)).value

    async def readers(self, count: int, key: str = "k") -> list[asyncio.Task[str]]:
        """So many readers at once, each as far as it comes before something makes it wait."""
        tasks = [asyncio.create_task(self.get(key)) for _ in range(count)]
        await settle()
        return tasks


async def settle() -> None:
    """Lets everybody go on who can. Nobody here waits for time or a socket: turns of the loop do."""
    for _ in range(20):
        await asyncio.sleep(0)


def on_loop(scenario: Callable[[], Coroutine[Any, Any, T]] | Callable[[], Awaitable[T]]) -> T:
    """Runs a scenario that hangs nowhere for ever."""

    async def bounded() -> T:
        async with asyncio.timeout(60):
            return await scenario()

    return asyncio.run(bounded())
