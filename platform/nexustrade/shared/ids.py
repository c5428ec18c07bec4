"""Identifiers."""

from __future__ import annotations

import uuid


def new_id() -> str:
    """A random UUID (version 4) as 36 characters of text."""
    return str(uuid.uuid4())
