"""The Redis lock against a Redis in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.clocks import StillClock
from support.wait import until

from shared import clock
from shared.distributed import LockLost, LockNotAcquired, RedisLock

pytestmark = pytest.mark.services("settlement", "matching")


class FakeRedis:
    """The three commands the lock uses; a key's lease is dropped by the test."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.renewals = 0

    def set(self, key: str, token: str, *, nx: bool, px: int) -> bool:
        assert nx
        assert px > 0
        return self.keys.setdefault(key, token) is token

    def eval(self, script: str, _count: int, key: str, token: str, *_milliseconds: int) -> int:
        if self.keys.get(key) != token:
            return 0
        if "'del'" in script:
            del self.keys[key]
        else:
            self.renewals += 1
        return 1


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


def test_a_second_owner_is_refused_until_the_first_lets_go(redis: FakeRedis) -> None:
    """One owner at a time."""
    first, second = RedisLock(redis, "run"), RedisLock(redis, "run")
    assert first.acquire()
    assert not second.acquire()
    with pytest.raises(LockNotAcquired):
        second.__enter__()
    assert first.release()
    with second:
        assert second.held()
    assert redis.keys == {}


def test_an_owner_who_lost_the_lease_does_not_release_the_next_ones(redis: FakeRedis) -> None:
    """Release compares the token before it deletes."""
    first, second = RedisLock(redis, "run"), RedisLock(redis, "run")
    first.acquire()
    del redis.keys["lock:run"]  # its lease ran out
    assert second.acquire()
    assert not first.release()
    assert "lock:run" in redis.keys
    assert second.release()


def test_the_lease_is_renewed_while_the_work_runs(redis: FakeRedis) -> None:
    """Work that takes longer than a lease keeps the lock."""
    with RedisLock(redis, "run", lease=0.06) as lock:
        until(lambda: redis.renewals >= 3 and lock.held(), message="the lock is held after three renewals")


def test_an_owner_learns_that_the_lock_is_gone(redis: FakeRedis) -> None:
    """A renewal that finds another token ends the ownership."""
    with RedisLock(redis, "run", lease=0.06) as lock:
        redis.keys["lock:run"] = "somebody else"
        until(lambda: not lock.held(), message="the loss is noticed")
        with pytest.raises(LockLost):
            lock.ensure()
    assert redis.keys["lock:run"] == "somebody else"


def test_an_owner_that_slept_past_its_lease_does_not_hold_it(redis: FakeRedis) -> None:
    """Its own clock tells, before Redis is asked."""
    with clock.use_clock(StillClock()) as time, RedisLock(redis, "run", lease=30) as lock:
        time.moment += timedelta(seconds=30)
        assert not lock.held()


def test_a_lock_can_be_taken_again_but_not_twice_at_once(redis: FakeRedis) -> None:
    """One object is one owner."""
    lock = RedisLock(redis, "run")
    for _ in range(2):
        with lock, pytest.raises(RuntimeError):
            lock.acquire()
    assert not lock.release()


def test_an_error_in_the_work_frees_the_lock(redis: FakeRedis) -> None:
    """The context manager releases on the way out, whatever happened."""

    def work() -> Any:
        with RedisLock(redis, "run"):
            raise ValueError

    with pytest.raises(ValueError):
        work()
    assert redis.keys == {}
