"""What each role may do."""

from __future__ import annotations

from collections.abc import Iterable

TRADER, OPERATOR, AUDITOR = "trader", "operator", "auditor"

_TRADING = ("accounts:write", "market:read", "orders:read", "orders:write")
PERMISSIONS: dict[str, tuple[str, ...]] = {
    TRADER: _TRADING,
    AUDITOR: ("audit:read", "market:read"),
    OPERATOR: (
        *_TRADING,
        "audit:read",
        "instruments:write",
        "keys:write",
        "limits:write",
        "roles:write",
        "settlements:run",
    ),
}

# What an API key may be given: work, never the handing out of rights.
DELEGABLE = frozenset(permission for role in PERMISSIONS.values() for permission in role) - {
    "keys:write",
    "roles:write",
}


def permissions_of(roles: Iterable[str]) -> tuple[str, ...]:
    """The permissions of all roles together, sorted, each once."""
    return tuple(sorted({permission for role in roles for permission in PERMISSIONS.get(role, ())}))
