"""The two tiers of a cache: near, in this process, and shared, in a store that all processes see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.cache.entry import Entry
    from shared.cache.hot_keys import HotKeys
    from shared.cache.near import NearCache

V = TypeVar("V")


class SharedStore(Protocol[V]):
    """What all processes see. Each key has a version, which `invalidate` changes.

    A store that does not answer behaves as an empty one: a cache is not worth an error.
    """

    async def read(self, key: str) -> Entry[V] | None: ...

    async def version(self, key: str) -> str: ...

    async def write(self, key: str, entry: Entry[V], version: str) -> bool:
        """Keeps the entry if the key still has this version; whether it did."""

    async def invalidate(self, key: str) -> None: ...


class Tiers(Generic[V]):
    """Reads the near tier first, and keeps copies there of keys that are pinned or hot.

    `priority(key)`: who gives way when the near tier is full. `observe(tier, key)` is told which tier gave
    an entry: "near" or "shared"; a read that found none is "shared" too.
    """

    def __init__(
        self,
        near: NearCache[str, V],
        shared: SharedStore[V],
        hot: HotKeys[str],
        *,
        priority: Callable[[str], int] = lambda _key: 0,
        observe: Callable[[str, str], None] = lambda _tier, _key: None,
    ) -> None:
        self._near = near
        self._shared = shared
        self._hot = hot
        self._priority = priority
        self._observe = observe
        self._invalidations = 0

    async def read(self, key: str) -> Entry[V] | None:
        """The entry, fresh or not; None when neither tier has one."""
        self._hot.record(key)
        entry = self._near.get(key)
        if entry is not None:
            self._observe("near", key)
            return entry
        self._observe("shared", key)
        before = self._invalidations
        entry = await self._shared.read(key)
        if entry is not None:
            self._keep_near(key, entry, before)
        return entry

    async def version(self, key: str) -> str:
        """What `write` wants to be told; taken before the value is loaded."""
        return await self._shared.version(key)

    async def write(self, key: str, entry: Entry[V], version: str) -> bool:
        """Keeps the entry, unless the key was invalidated since it had this version; whether it did."""
        before = self._invalidations
        kept = await self._shared.write(key, entry, version)
        if kept:
            self._keep_near(key, entry, before)
        return kept

    async def invalidate(self, key: str) -> None:
        """Forgets the entry; one whose load has begun will not be kept."""
        await self._shared.invalidate(key)
        self._invalidations += 1
        self._near.remove(key)

    def _keep_near(self, key: str, entry: Entry[V], before: int) -> None:
        if before != self._invalidations:
            return  # of some key: it may be older than that, and a copy more or less does not matter
        if self._hot.is_hot(key) or self._near.is_pinned(key):
            self._near.put(key, entry, self._priority(key))
