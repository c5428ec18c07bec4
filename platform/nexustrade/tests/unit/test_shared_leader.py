"""Leader election against a Consul in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from consul.exceptions import ConsulException, NotFound
from support.clocks import StillClock

from shared import clock
from shared.config import Settings
from shared.distributed import CoordinationError, LeaderElection
from shared.distributed.leader import MINIMUM_TTL

pytestmark = pytest.mark.services("matching")

KEY = "matching/leader"


class FakeConsul:
    """Sessions and keys as Consul documents them; `session` and `kv` are the client's two faces."""

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.made = 0
        self.before_put = lambda: None
        self.answers_lost = 0
        self.session = self.kv = self

    def lose_an_answer(self) -> None:
        """Makes the next read fail."""
        self.answers_lost = 1

    def create(self, *, name: str, ttl: int, lock_delay: int) -> str:
        assert ttl >= 10
        assert lock_delay >= 0
        self.made += 1
        self.sessions[f"s-{self.made}"] = name
        return f"s-{self.made}"

    def renew(self, session: str) -> None:
        if session not in self.sessions:
            raise NotFound(session)

    def destroy(self, session: str) -> bool:
        self.sessions.pop(session, None)
        for entry in self.entries.values():
            if entry.get("Session") == session:
                del entry["Session"]
        return True

    def list(self) -> tuple[str, list[dict[str, str]]]:
        return "1", [{"ID": key, "Name": name} for key, name in self.sessions.items()]

    def get(self, key: str, consistency: str) -> tuple[str, dict[str, Any] | None]:
        assert consistency == "consistent"
        if self.answers_lost:
            self.answers_lost -= 1
            raise ConsulException("no answer")
        entry = self.entries.get(key)
        return "1", dict(entry) if entry else None

    def put(
        self,
        key: str,
        value: str,
        acquire: str | None = None,
        release: str | None = None,
        cas: int | None = None,
    ) -> bool:
        hook, self.before_put = self.before_put, lambda: None
        hook()
        if acquire is not None and acquire not in self.sessions:
            raise ConsulException("500 invalid session")
        if cas == 0 and key in self.entries:
            return False
        entry = self.entries.setdefault(key, {"LockIndex": 0})
        if acquire is not None and entry.get("Session", acquire) != acquire:
            return False
        if release is not None and entry.get("Session") != release:
            return False
        if acquire is not None and "Session" not in entry:
            entry["Session"] = acquire
            entry["LockIndex"] += 1
        if release is not None:
            del entry["Session"]
        entry["Value"] = value.encode()
        return True


def settings(number: int) -> Settings:
    return Settings(
        service="matching",
        port=number,
        instance_id=f"matching-{number}",
        redis_url="",
        kafka_bootstrap_servers="",
        consul_http_addr="",
        service_token_secret="",
    )


@pytest.fixture(autouse=True)
def time() -> Any:
    with clock.use_clock(StillClock()) as manual:
        yield manual


@pytest.fixture
def consul() -> FakeConsul:
    return FakeConsul()


def candidate(consul: FakeConsul, number: int = 1, floor: int = 0) -> LeaderElection:
    """One that is never started: the test makes its rounds."""
    return LeaderElection(
        settings(number),
        KEY,
        on_elected=lambda _epoch: None,
        on_lost=lambda: None,
        epoch_floor=lambda: floor,
        client=consul,
    )


def test_the_first_candidate_leads_and_the_second_waits(consul: FakeConsul) -> None:
    """There is one leader, and it knows its epoch."""
    first, second = candidate(consul, 1), candidate(consul, 2)
    for each in (first, second, first, second):
        each.tick()
    assert (first.is_leader(), second.is_leader()) == (True, False)
    assert (first.ensure(), second.epoch) == (1, 0)
    with pytest.raises(CoordinationError):
        second.ensure()


def test_two_who_find_the_key_free_at_once_do_not_both_lead(consul: FakeConsul) -> None:
    """Between looking and taking another candidate may have been quicker: Consul grants the key to one."""
    first, second = candidate(consul, 1), candidate(consul, 2)
    consul.put(f"{KEY}/epoch-base", "0", cas=0)
    consul.before_put = second.tick
    first.tick()
    assert [first.is_leader(), second.is_leader()] == [False, True]


def test_every_leader_has_a_higher_epoch_than_the_one_before(consul: FakeConsul) -> None:
    """The epoch fences the former leader's late messages off."""
    first, second = candidate(consul, 1), candidate(consul, 2)
    epochs = []
    for leader, other in ((first, second), (second, first), (first, second)):
        leader.tick()
        epochs.append(leader.ensure())
        consul.destroy(consul.entries[KEY]["Session"])
        other.tick()
    assert epochs == sorted(set(epochs))


def test_a_leader_whose_session_has_ended_steps_down_at_the_next_round(consul: FakeConsul) -> None:
    """An operator, or Consul itself, may end a session before its TTL."""
    leader = candidate(consul)
    leader.tick()
    consul.destroy(consul.entries[KEY]["Session"])
    consul.put(KEY, "another", acquire=consul.create(name="another", ttl=10, lock_delay=0))
    leader.tick()
    assert not leader.is_leader()
    assert leader.epoch == 0


def test_the_lease_ends_by_the_leaders_own_clock(consul: FakeConsul, time: StillClock) -> None:
    """A leader that cannot reach Consul, or slept, stops leading one TTL after its last renewal."""
    leader = candidate(consul)
    leader.tick()
    time.moment += timedelta(seconds=MINIMUM_TTL - 0.01)
    assert leader.is_leader()
    time.moment += timedelta(seconds=0.02)
    assert not leader.is_leader()
    assert leader.epoch == 0


def test_rounds_keep_the_lease(consul: FakeConsul, time: StillClock) -> None:
    """A leader that makes its rounds goes on leading, in the same epoch."""
    leader = candidate(consul)
    for _ in range(60):
        leader.tick()
        assert leader.epoch == 1
        time.moment += timedelta(seconds=0.5)


def test_a_candidate_that_did_not_hear_of_its_election_leads_later(consul: FakeConsul) -> None:
    """An answer of Consul that gets lost does not leave the key with somebody who does not lead."""
    lonely = candidate(consul)
    consul.put(f"{KEY}/epoch-base", "0", cas=0)
    consul.before_put = consul.lose_an_answer
    with pytest.raises(ConsulException):
        lonely.tick()
    for _ in range(3):
        lonely.tick()
    assert lonely.ensure() == 2


def test_a_leader_that_was_cut_off_for_a_lease_leads_again_in_a_new_epoch(
    consul: FakeConsul, time: StillClock
) -> None:
    """Consul may keep a session for longer than its TTL; the leader does not count on that."""
    leader = candidate(consul)
    leader.tick()
    leader._lose("the lease ran out")  # as its thread does when the time is up
    for _ in range(3):
        time.moment += timedelta(seconds=MINIMUM_TTL / 2)
        leader.tick()
    assert leader.ensure() == 2


def test_a_follower_keeps_its_session_and_takes_over(consul: FakeConsul, time: StillClock) -> None:
    """When the key comes free, the next round of a follower takes it."""
    first, second = candidate(consul, 1), candidate(consul, 2)
    first.tick()
    for _ in range(30):
        second.tick()
        time.moment += timedelta(seconds=1)
    consul.destroy("s-1")
    second.tick()
    assert second.epoch == 2


def test_epochs_go_on_above_what_the_guarded_resource_has_seen(consul: FakeConsul) -> None:
    """A Consul that lost its memory does not begin again at one."""
    leader = candidate(consul, floor=41)
    leader.tick()
    assert leader.epoch == 42
    emptied = FakeConsul()
    successor = candidate(emptied, floor=42)
    successor.tick()
    assert successor.epoch == 43


def test_two_candidates_with_different_floors_count_from_one_base(consul: FakeConsul) -> None:
    """The base is stored once, so no two leaders ever share an epoch."""
    first, second = candidate(consul, 1, floor=10), candidate(consul, 2, floor=5)
    first.tick()
    epoch = first.ensure()
    consul.destroy("s-1")
    second.tick()
    assert second.ensure() > epoch
