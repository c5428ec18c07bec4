"""The parts of a cache by themselves: lives, entries, hot keys, priorities, filters."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clocks import Stopwatch

from shared.cache import BloomFilter, Entry, HotKeys, Lifetimes, NearCache, PriorityEntries

pytestmark = pytest.mark.services("market-data")


def entry(value="v", *, fresh_until=100.0, cost=1.0):
    return Entry(value, fresh_until, fresh_until + 30.0, cost)


def test_each_life_is_drawn_by_itself():
    """Two entries with different chances live differently long."""
    chances = iter([0.0, 0.25, 1.0])
    lives = Lifetimes(10.0, 0.2, lambda: next(chances))
    assert [lives.draw() for _ in range(3)] == pytest.approx([10.0, 9.5, 8.0])


@given(st.floats(0.1, 1e6), st.floats(0.0, 0.99), st.floats(0.0, 1.0))
def test_a_life_is_never_longer_than_the_ttl_nor_shorter_than_the_jitter_allows(ttl, jitter, chance):
    """Jitter shortens, and by its share at most."""
    life = Lifetimes(ttl, jitter, lambda: chance).draw()
    assert ttl * (1 - jitter) * 0.999999 <= life <= ttl


@pytest.mark.parametrize(("ttl", "jitter"), [(0.0, 0.1), (-1.0, 0.1), (1.0, 1.0), (1.0, -0.1)])
def test_senseless_lives_are_refused(ttl, jitter):
    """A cache that keeps nothing, or for a negative time, is a mistake of its maker."""
    with pytest.raises(ValueError):
        Lifetimes(ttl, jitter)


def test_an_entry_is_fresh_then_usable_then_neither():
    """The two ends of an entry are instants, and belong to what comes after."""
    one = entry()
    assert [one.is_fresh(now) for now in (99.9, 100.0)] == [True, False]
    assert [one.is_usable(now) for now in (129.9, 130.0)] == [True, False]


def test_an_entry_is_always_due_when_it_is_over():
    """Whatever the chance, an expired entry has to be loaded."""
    assert all(entry().is_due(100.0, chance) for chance in (0.0, 0.5, 0.999))


def test_the_chance_of_an_early_load_grows_towards_the_expiry():
    """The chance of one reader, t seconds before the expiry of what costs c, is exp(−t/c)."""

    def share(now):
        return sum(entry(cost=2.0).is_due(now, number / 10_000) for number in range(10_000)) / 10_000

    for before in (0.5, 1.0, 2.0, 4.0):
        assert share(100.0 - before) == pytest.approx(math.exp(-before / 2.0), abs=0.001)


def test_what_costs_nothing_to_load_is_not_loaded_early():
    """Early loads are for what would keep readers waiting."""
    assert not entry(cost=0.0).is_due(99.999, 0.999999)


def test_a_key_is_hot_from_its_threshold_on():
    """Reads count per key, within a window."""
    time = Stopwatch()
    hot = HotKeys(3, 10.0, now=time)
    assert [hot.record("a") for _ in range(4)] == [False, False, True, True]
    assert not hot.record("b")
    time.time += 5
    assert hot.record("a")


def test_a_hot_key_cools_down_when_it_is_no_longer_read():
    """It stays hot through the window after, and not longer."""
    time = Stopwatch()
    hot = HotKeys(2, 10.0, now=time)
    hot.record("a")
    hot.record("a")
    time.time += 10
    assert hot.record("a")
    time.time += 10
    assert not hot.record("a")


def test_reads_of_two_windows_are_not_added_up():
    """Half of the threshold in each is not hot."""
    time = Stopwatch()
    hot = HotKeys(4, 10.0, now=time)
    seen = []
    for _ in range(3):
        seen += [hot.record("a"), hot.record("a")]
        time.time += 10
    assert not any(seen)


def test_hot_keys_are_found_among_more_keys_than_counters(rng):
    """A key with a fifth of all reads is found with ten counters for a thousand keys."""
    hot = HotKeys(150, 10.0, capacity=10, now=Stopwatch())
    reads = ["popular"] * 200 + [f"rare-{number % 1000}" for number in range(800)]
    rng.shuffle(reads)
    for key in reads:
        hot.record(key)
    assert hot.is_hot("popular")
    assert hot.busiest(1)[0][0] == "popular"
    assert hot.busiest(1)[0][1] >= 200
    assert len(hot.busiest(1000)) == 10


def test_the_lowest_priority_makes_room_first():
    """However recently it was used, an entry of a lower priority goes before one of a higher."""
    entries = PriorityEntries(2)
    entries.put("watched", 1, priority=5)
    entries.put("plain", 2, priority=0)
    entries.get("plain")
    entries.put("new", 3, priority=1)
    assert ("watched" in entries, "plain" in entries, "new" in entries) == (True, False, True)


def test_among_equals_the_one_used_longest_ago_makes_room():
    """Reading an entry keeps it in."""
    entries = PriorityEntries(2)
    entries.put("a", 1)
    entries.put("b", 2)
    assert entries.get("a") == 1
    entries.put("c", 3)
    assert [key for key in "abc" if key in entries] == ["a", "c"]


def test_pinned_entries_stay_and_take_no_room():
    """They are held beside the capacity, whatever comes."""
    entries = PriorityEntries(2, frozenset({"index"}))
    entries.put("index", 0)
    for number in range(10):
        entries.put(number, number, priority=9)
    assert entries.get("index") == 0
    assert len(entries) == 3
    assert entries.is_pinned("index")


def test_a_priority_may_change():
    """An entry that is put again has the priority of the last time."""
    entries = PriorityEntries(2)
    entries.put("a", 1, priority=9)
    entries.put("b", 2, priority=5)
    entries.put("a", 1, priority=0)
    entries.put("c", 3, priority=1)
    assert [key for key in "abc" if key in entries] == ["b", "c"]


def test_removing_is_harmless_and_complete():
    """A removed entry is gone, pinned or not, and removing it again is no error."""
    entries = PriorityEntries(2, frozenset({"p"}))
    for key in "pa":
        entries.put(key, key)
        entries.remove(key)
        entries.remove(key)
        assert entries.get(key) is None
    assert len(entries) == 0


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=60), st.integers(1, 8))
def test_what_is_left_is_never_outranked_by_what_went(puts, capacity):
    """No entry that made room ranked above one that stayed, when it went."""
    entries, ranks = PriorityEntries(capacity), {}
    for key, rank in puts:
        before = {each for each in ranks if each in entries}
        entries.put(key, key, rank)
        gone = {each for each in before if each not in entries}
        assert len(gone) <= 1
        for victim in gone:
            assert all(ranks[victim] <= ranks[each] for each in before - gone - {key})
        ranks[key] = rank
        assert key in entries
        assert len(entries) <= capacity


def test_a_near_copy_ends_after_its_seconds():
    """What another process changed stays unseen for that long at most."""
    time = Stopwatch()
    near = NearCache(0.25, 4, now=time)
    near.put("k", entry())
    time.time += 0.24
    assert near.get("k") == entry()
    time.time += 0.01
    assert near.get("k") is None
    assert len(near) == 0


@pytest.mark.parametrize(("expected", "rate"), [(1_000, 0.01), (20_000, 0.001), (50, 0.2)])
def test_a_filter_has_the_bits_and_hashes_of_the_formula(expected, rate):
    """m = −n·ln p/(ln 2)² bits and k = m/n·ln 2 functions, rounded."""
    one = BloomFilter(expected, rate)
    assert one.bits == pytest.approx(-expected * math.log(rate) / math.log(2) ** 2, abs=1)
    assert one.hashes == max(1, round(one.bits / expected * math.log(2)))


@given(st.sets(st.text(min_size=1, max_size=12), min_size=1, max_size=100))
def test_a_filter_never_denies_a_member(members):
    """What was added is always found."""
    one = BloomFilter(len(members), 0.01)
    for member in members:
        one.add(member)
    assert all(member in one for member in members)


def test_a_stricter_rate_takes_more_bits():
    """Bits grow with the logarithm of the rate, and in step with the members."""
    sizes = [BloomFilter(1_000, rate).bits for rate in (0.1, 0.01, 0.001)]
    steps = [after - before for before, after in pairwise(sizes)]
    assert steps[0] == pytest.approx(steps[1], rel=0.01)
    assert BloomFilter(2_000, 0.01).bits == pytest.approx(2 * sizes[1], abs=2)


@pytest.mark.parametrize("make", [
    lambda: BloomFilter(0, 0.1), lambda: BloomFilter(1, 0.0), lambda: BloomFilter(1, 1.0),
    lambda: HotKeys(0, 1.0), lambda: HotKeys(1, 0.0), lambda: PriorityEntries(0),
])  # fmt: skip
def test_senseless_parts_are_refused(make):
    """A part that can hold nothing is a mistake of its maker."""
    with pytest.raises(ValueError):
        make()
