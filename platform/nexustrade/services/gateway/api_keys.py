"""Who sends a request, by his API key."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from shared.security import Identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    AskAuth = Callable[[str], Awaitable[Mapping[str, Any]]]  # digest → the holder of the key


class ApiKeys:
    """Asks auth about each use, so that a revoked key ends at once. Auth is shown the key's digest alone."""

    def __init__(self, ask: AskAuth) -> None:
        self._ask = ask

    async def identify(self, key: str) -> Identity:
        """The user that `key` speaks for, with the key's permissions; Unauthenticated for a worthless one."""
        holder = await self._ask(hashlib.sha256(key.encode()).hexdigest())
        return Identity(
            subject=holder["subject"],
            roles=tuple(holder["roles"]),
            permissions=tuple(holder["permissions"]),
            tenant=holder["tenant"],
        )
