"""Caching inside one process."""

from shared.cache.ttl import TTLCache

__all__ = ["TTLCache"]
