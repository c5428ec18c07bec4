"""The small cache of a process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.clocks import Stopwatch
from support.wait import until

from shared.cache import TTLCache

pytestmark = pytest.mark.services("market-data", "orders", "gateway")


class Source:
    """Counts its calls; while `gate` is closed, calls hang."""

    def __init__(self, value: str = "value") -> None:
        self.value = value
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()

    def load(self) -> str:
        self.calls += 1
        value = self.value
        assert self.gate.wait(10)
        return value


@pytest.fixture
def time() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def cache(time: Stopwatch) -> TTLCache[str, str]:
    return TTLCache(10.0, capacity=3, jitter=0.0, monotonic=time)


def test_a_value_is_loaded_once_until_it_expires(cache: TTLCache[str, str], time: Stopwatch) -> None:
    """Within the TTL the source is left alone; at its end it is asked again."""
    source = Source()
    assert [cache.get("k", source.load) for _ in range(3)] == ["value"] * 3
    assert source.calls == 1
    time.time += 9.99
    cache.get("k", source.load)
    assert source.calls == 1
    time.time += 0.01
    cache.get("k", source.load)
    assert source.calls == 2


def test_many_who_miss_at_once_load_once(cache: TTLCache[str, str]) -> None:
    """One caller loads, the others wait for its result."""
    source = Source()
    source.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(cache.get, "k", source.load) for _ in range(8)]
        until(lambda: source.calls, message="somebody loads")
        source.gate.set()
        assert {each.result(10) for each in results} == {"value"}
    assert source.calls == 1


def test_a_failed_load_reaches_the_callers_and_is_not_kept(cache: TTLCache[str, str]) -> None:
    """The next caller tries again."""

    def fail() -> str:
        raise OSError("the source is down")

    with pytest.raises(OSError, match="down"):
        cache.get("k", fail)
    assert cache.get("k", lambda: "value") == "value"


def test_a_load_that_began_before_an_invalidation_is_not_kept(cache: TTLCache[str, str]) -> None:
    """A slow reader does not write an old value back over a change."""
    source = Source("old")
    source.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "k", source.load)
        until(lambda: source.calls, message="the slow reader loads")
        cache.invalidate("k")
        source.gate.set()
        assert slow.result(10) == "old"
    assert cache.peek("k") is None
    assert cache.get("k", lambda: "new") == "new"


def test_a_load_that_began_before_a_put_does_not_undo_it(cache: TTLCache[str, str]) -> None:
    """What was put during a load stays."""
    source = Source("old")
    source.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, "k", source.load)
        until(lambda: source.calls, message="the slow reader loads")
        cache.put("k", "new")
        source.gate.set()
        slow.result(10)
    assert cache.peek("k") == "new"


def test_the_least_recently_used_entry_makes_room(cache: TTLCache[str, str]) -> None:
    """Reading an entry keeps it in."""
    for key in "abc":
        cache.put(key, key)
    assert cache.peek("a") == "a"
    cache.put("d", "d")
    assert [cache.peek(key) for key in "abcd"] == ["a", None, "c", "d"]
    assert len(cache) == 3


def test_entries_made_together_expire_apart(time: Stopwatch) -> None:
    """Jitter shortens lives by a share of the TTL, each by its own."""
    chances = iter([0.0, 0.5, 1.0])
    cache: TTLCache[str, str] = TTLCache(10.0, jitter=0.2, monotonic=time, chance=lambda: next(chances))
    for key in "abc":
        cache.put(key, key)
    alive = []
    for moment in (107.9, 108.0, 109.0, 110.0):
        time.time = moment
        alive.append("".join(key for key in "abc" if cache.peek(key)))
    assert alive == ["abc", "ab", "a", ""]


def test_clearing_forgets_everything(cache: TTLCache[str, str]) -> None:
    """After `clear` every key is loaded anew."""
    cache.put("k", "old")
    cache.clear()
    assert cache.get("k", lambda: "new") == "new"


@pytest.mark.parametrize(("ttl", "capacity", "jitter"), [(0, 1, 0), (1, 0, 0), (1, 1, 1.0)])
def test_a_senseless_cache_is_refused(ttl: float, capacity: int, jitter: float) -> None:
    """A cache that keeps nothing is a mistake of its maker."""
    with pytest.raises(ValueError):
        TTLCache(ttl, capacity=capacity, jitter=jitter)
