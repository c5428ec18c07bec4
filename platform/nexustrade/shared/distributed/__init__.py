"""One at a time, one leader, and being found: over Redis and Consul."""

from shared.distributed.errors import CoordinationError, LockLost, LockNotAcquired
from shared.distributed.leader import LeaderElection
from shared.distributed.lock import RedisLock
from shared.distributed.registration import ConsulRegistration

__all__ = [
    "ConsulRegistration",
    "CoordinationError",
    "LeaderElection",
    "LockLost",
    "LockNotAcquired",
    "RedisLock",
]
