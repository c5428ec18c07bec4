"""Idempotency keys: the same request twice has the effect of one.

Pure functions; where the keys are kept is the service's matter.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

from shared.errors import Conflict, ValidationFailed

MAX_KEY_LENGTH = 128


def checked_key(key: str | None) -> str:
    """The key a client sent; ValidationFailed unless it is 1 to 128 printable ASCII characters."""
    if not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise ValidationFailed(
            f"Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable characters", field="Idempotency-Key"
        )
    return key


def scoped_key(owner: str, operation: str, key: str) -> str:
    """The key a result is kept under, 64 hex digits: two owners, or operations, never share one."""
    return _digest([owner, operation, key])


def fingerprint(method: str, path: str, body: Any) -> str:
    """What a request asks for, in 64 hex digits.

    Equal for equal JSON whatever the order of its members; different as soon as any value differs.
    """
    return _digest([method.upper(), path, body])


def ensure_same_request(stored: str, presented: str) -> None:
    """Conflict when a key comes back with another request than the one it was first used for."""
    if stored != presented:
        raise Conflict("this Idempotency-Key was used for a different request")


def _digest(parts: list[Any]) -> str:
    # JSON keeps the parts apart: ["ab", "c"] and ["a", "bc"] differ.
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no place in a request body")
