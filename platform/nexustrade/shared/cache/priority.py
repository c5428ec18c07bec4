"""A bounded set of entries that knows what to give up first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class PriorityEntries(Generic[K, V]):
    """At most `capacity` entries beside the pinned ones, which never leave by themselves.

    When there is no room, the entry of the lowest priority goes, among equals the one that was used longest
    ago. A larger number is a higher priority.
    """

    def __init__(self, capacity: int, pinned: frozenset[K] = frozenset()) -> None:
        if capacity < 1:
            raise ValueError("there must be room for an entry")
        self._capacity = capacity
        self._pinned_keys = pinned
        self._pinned: dict[K, V] = {}
        # Priority → entries, the one used longest ago first.
        self._ranks: dict[int, OrderedDict[K, V]] = {}
        self._rank_of: dict[K, int] = {}

    def get(self, key: K) -> V | None:
        """The entry, which counts as used now."""
        if key in self._pinned:
            return self._pinned[key]
        rank = self._rank_of.get(key)
        if rank is None:
            return None
        self._ranks[rank].move_to_end(key)
        return self._ranks[rank][key]

    def put(self, key: K, value: V, priority: int = 0) -> None:
        """Adds or replaces an entry; its priority is the new one."""
        if key in self._pinned_keys:
            self._pinned[key] = value
            return
        self.remove(key)
        if len(self._rank_of) >= self._capacity:
            self.remove(self._least())
        self._ranks.setdefault(priority, OrderedDict())[key] = value
        self._rank_of[key] = priority

    def remove(self, key: K) -> None:
        """Drops an entry, also a pinned one; none is no error."""
        self._pinned.pop(key, None)
        rank = self._rank_of.pop(key, None)
        if rank is None:
            return
        del self._ranks[rank][key]
        if not self._ranks[rank]:
            del self._ranks[rank]

    def is_pinned(self, key: K) -> bool:
        return key in self._pinned_keys

    def __len__(self) -> int:
        return len(self._pinned) + len(self._rank_of)

    def __contains__(self, key: object) -> bool:
        return key in self._pinned or key in self._rank_of

    def _least(self) -> K:
        lowest = min(self._ranks)
        return next(iter(self._ranks[lowest]))
