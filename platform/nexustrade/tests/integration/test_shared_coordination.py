"""The lock on the platform's Redis, the election and the registration on its Consul."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from support.wait import until

from shared.config import Settings
from shared.distributed import ConsulRegistration, LeaderElection, RedisLock
from shared.distributed.consul import consul_client
from shared.ids import new_id

pytestmark = pytest.mark.services("matching", "settlement")


@pytest.fixture
def settings(platform: Any) -> Settings:
    return Settings.from_mapping(platform.environment("matching"))


@pytest.fixture
def key() -> str:
    return f"test/{new_id()}"


class Term:
    """What one candidate was told."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int]] = []
        self.election: Any = None

    def elected(self, epoch: int) -> None:
        self.log.append(("elected", epoch))

    def lost(self) -> None:
        self.log.append(("lost", 0))


@pytest.fixture
def stand(settings: Settings, key: str) -> Iterator[Callable[[int], Term]]:
    """Starts candidates for one key; all step down with the test."""
    terms: list[Term] = []

    def start(number: int) -> Term:
        term = Term()
        term.election = LeaderElection(
            replace(settings, instance_id=f"candidate-{number}"),
            key,
            on_elected=term.elected,
            on_lost=term.lost,
        )
        terms.append(term)
        term.election.start()
        return term

    yield start
    for each in terms:
        each.election.stop()


def test_a_lock_lets_one_at_a_time_through(platform: Any, key: str) -> None:
    """Read, think, write: under the lock nobody's update is lost."""
    redis = platform.redis()

    def add_one() -> None:
        with RedisLock(redis, key, wait=30):
            redis.set(key, int(redis.get(key) or 0) + 1)

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(add_one) for _ in range(24)]:
            each.result(60)
    assert int(redis.get(key)) == 24
    assert not redis.exists(f"lock:{key}")
    redis.delete(key)


def test_a_dead_owners_lock_comes_free_and_stays_the_next_ones(platform: Any, key: str) -> None:
    """The lease of an owner who died runs out; his late release does not free the lock of the next."""
    redis = platform.redis()
    redis.set(f"lock:{key}", "token of a dead owner", px=100)
    with RedisLock(redis, key, wait=10) as lock:
        late = RedisLock(redis, key)
        late._token = "token of a dead owner"
        assert not late.release()
        lock.ensure()
        assert redis.exists(f"lock:{key}")


def test_a_lock_outlives_its_first_lease_while_the_work_runs(platform: Any, key: str) -> None:
    """Renewals keep the key alive on the server."""
    redis = platform.redis()
    rival = RedisLock(redis, key)
    with RedisLock(redis, key, lease=6.0) as lock:
        first_lease_ends = lock._valid_until
        until(lambda: lock._valid_until > first_lease_ends + 6.0, message="two leases' time")
        assert not rival.acquire()
    assert rival.acquire()
    rival.release()


def test_a_leader_that_steps_down_is_followed_by_one_with_a_higher_epoch(
    stand: Callable[[int], Term],
) -> None:
    """Leadership passes on without a pause for a lease, and the epoch grows."""
    first = stand(1)
    until(lambda: first.log, message="the first is elected")
    second = stand(2)
    first.election.stop()
    until(lambda: second.log, message="the second follows")
    assert [what for what, _ in first.log] == ["elected", "lost"]
    assert second.log[0][1] > first.log[0][1]
    assert (first.election.epoch, second.election.epoch) == (0, second.log[0][1])


def test_a_leader_whose_session_is_ended_is_told_and_stands_again(
    stand: Callable[[int], Term], settings: Settings, key: str
) -> None:
    """The loss is noticed within a second or so, and the next term has its own epoch."""
    term = stand(1)
    until(lambda: term.log, message="elected")
    consul = consul_client(settings)
    consul.session.destroy(consul.kv.get(key)[1]["Session"])
    until(lambda: len(term.log) == 3, message="lost and elected again")
    assert [what for what, _ in term.log] == ["elected", "lost", "elected"]
    assert term.log[2][1] > term.log[0][1]


def test_a_killed_candidates_successor_does_not_wait_for_the_lease(
    stand: Callable[[int], Term], settings: Settings, key: str
) -> None:
    """A process that starts again under its old name ends the session that its predecessor left."""
    consul = consul_client(settings)
    left = consul.session.create(name=f"{key}:candidate-1", ttl=60, lock_delay=0)
    assert consul.kv.put(key, "candidate-1", acquire=left)
    term = stand(1)
    until(lambda: term.log, timeout=20, message="elected")
    assert consul.kv.get(key)[1]["Session"] != left


def test_a_service_is_found_while_it_is_ready_and_gone_when_it_stops(settings: Settings) -> None:
    """Only ready instances are healthy; a stopped one is not listed at all."""
    name, state = f"test-{new_id()}", {"ready": False}
    registration = ConsulRegistration(
        replace(settings, service=name, instance_id=name), lambda: (state["ready"], {}), ttl=10
    )
    consul = consul_client(settings)
    registration.start()
    until(lambda: consul.health.service(name)[1], message="registered")
    assert consul.health.service(name, passing=True)[1] == []
    state["ready"] = True
    until(lambda: consul.health.service(name, passing=True)[1], message="healthy")
    registration.stop()
    assert consul.health.service(name)[1] == []
