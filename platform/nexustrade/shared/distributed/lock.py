"""A lock with a lease, on one Redis key.

The key holds a token that only the owner knows. Renewing and releasing compare it and act in one step on the
server, so an owner whose lease ran out can neither prolong nor drop the lease of the next one. The lease is
renewed by a thread while the work runs; work that must not outlive the lock asks `ensure` before each step.
"""

from __future__ import annotations

import random
import secrets
import threading
from typing import TYPE_CHECKING, Any, Self

from redis.exceptions import RedisError

from shared import clock
from shared.distributed.errors import LockLost, LockNotAcquired
from shared.observability import get_logger

if TYPE_CHECKING:
    from types import TracebackType

_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""
_RENEW = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0
"""
_RETRY_SECONDS = 0.02

_log = get_logger(__name__)


class RedisLock:
    """The lock `name`; `lease` in seconds is how long it outlives an owner who died.

    A context manager: `with RedisLock(redis, "settlement:run") as lock:`. One object is one owner; it can be
    acquired again after its release. Errors of Redis itself are raised as they come.
    """

    def __init__(self, redis: Any, name: str, *, lease: float = 10.0, wait: float = 0.0) -> None:
        """`wait` is how many seconds entering the context waits for another owner; 0 gives up at once."""
        self._redis = redis
        self.key = f"lock:{name}"
        self._lease = lease
        self._wait = wait
        self._token: str | None = None
        self._valid_until = 0.0
        self._released = threading.Event()
        self._renewer: threading.Thread | None = None

    def acquire(self, wait: float = 0.0) -> bool:
        """Tries for `wait` seconds to become the owner."""
        if self._token is not None:
            raise RuntimeError(f"{self.key} is already held by this object")
        self._released = threading.Event()
        give_up = clock.monotonic() + wait
        while not self._try():
            if clock.monotonic() >= give_up:
                return False
            self._released.wait(_RETRY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries
        self._renewer = threading.Thread(target=self._renew_until_released, name=self.key, daemon=True)
        self._renewer.start()
        return True

    def release(self) -> bool:
        """Gives the lock up; False when it was no longer this owner's."""
        token, self._token = self._token, None
        if token is None:
            return False
        self._released.set()
        if self._renewer is not None:
            self._renewer.join()
        return bool(self._redis.eval(_RELEASE, 1, self.key, token))

    def held(self) -> bool:
        """Whether the lease is certainly still this owner's, by this process's clock."""
        return self._token is not None and clock.monotonic() < self._valid_until

    def ensure(self) -> None:
        """LockLost unless the lock is held."""
        if not self.held():
            raise LockLost(f"{self.key} is no longer held", key=self.key)

    def __enter__(self) -> Self:
        if not self.acquire(self._wait):
            raise LockNotAcquired(f"{self.key} is held by somebody else", key=self.key)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _try(self) -> bool:
        token, asked = secrets.token_hex(16), clock.monotonic()
        if not self._redis.set(self.key, token, nx=True, px=int(self._lease * 1000)):
            return False
        # The lease runs on the server from some moment after the question was asked.
        self._token, self._valid_until = token, asked + self._lease
        return True

    def _renew_until_released(self) -> None:
        token = self._token
        while not self._released.wait(self._lease / 3):
            asked = clock.monotonic()
            try:
                renewed = self._redis.eval(_RENEW, 1, self.key, token, int(self._lease * 1000))
            except RedisError as error:
                _log.warning("lock not renewed", key=self.key, reason=str(error))
                continue  # there is time for another try before the lease ends
            if not renewed:
                self._valid_until = 0.0
                _log.warning("lock lost", key=self.key)
                return
            self._valid_until = asked + self._lease
