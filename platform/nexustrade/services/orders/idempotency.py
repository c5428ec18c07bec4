"""Telling a repeated request from a new one, and from another one under the same key."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def scoped_key(*, subject: str, key: str) -> str:
    """Returns a digest of who sent which key, as 64 hex digits: two callers may use the same key."""
    return _digest([subject, key])


def request_digest(request: Mapping[str, object]) -> str:
    """Returns a digest of a request's fields, as 64 hex digits, whatever their order."""
    return _digest(sorted(request.items()))


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
