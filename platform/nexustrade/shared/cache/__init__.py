"""Caching: inside one process, and in front of a source that must be spared.

`TTLCache` serves threads and forgets in time. `ReadThrough` serves coroutines from two tiers, near and
shared. Everything else is a part of these, usable by itself.
"""

from shared.cache.bloom import BloomFilter
from shared.cache.entry import Entry
from shared.cache.errors import LoadFailed
from shared.cache.hot_keys import HotKeys
from shared.cache.lifetimes import Lifetimes
from shared.cache.near import NearCache
from shared.cache.priority import PriorityEntries
from shared.cache.read_through import ReadThrough
from shared.cache.tiers import SharedStore, Tiers
from shared.cache.ttl import TTLCache

__all__ = [
    "BloomFilter",
    "Entry",
    "HotKeys",
    "Lifetimes",
    "LoadFailed",
    "NearCache",
    "PriorityEntries",
    "ReadThrough",
    "SharedStore",
    "TTLCache",
    "Tiers",
]
