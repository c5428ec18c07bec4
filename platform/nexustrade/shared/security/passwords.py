"""Passwords, hashed with argon2id."""

from __future__ import annotations

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def set_cost(*, time_cost: int, memory_kib: int) -> None:
    """What each hash costs from now on: passes over so much memory. Hashes made before stay valid."""
    global _hasher  # noqa: PLW0603 - one cost a process, set where the service is wired
    _hasher = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)


def hash(password: str) -> str:  # noqa: A001 - read as passwords.hash
    """The argon2id hash of `password`, parameters and salt included."""
    return _hasher.hash(password)


def verify(hashed: str, password: str) -> bool:
    """Whether `password` is the one that `hashed` was made of; False for a malformed hash."""
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(hashed: str) -> bool:
    """Whether `hashed` was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(hashed)
