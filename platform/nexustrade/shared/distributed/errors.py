"""Errors of coordination.

CoordinationError
├── LockNotAcquired   somebody else holds the lock (409)
└── LockLost          the lease ran out, or the key is gone, while the work ran
"""

from __future__ import annotations

from shared.errors import NexusError


class CoordinationError(NexusError):
    status = 503
    problem_type = "coordination-error"
    title = "Coordination failed"


class LockNotAcquired(CoordinationError):
    status = 409
    problem_type = "locked"
    title = "Somebody else is at it"


class LockLost(CoordinationError):
    title = "The lock was lost"
