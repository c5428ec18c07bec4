"""What a cache costs and saves, in counts that hold for any number of readers."""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_left

import pytest
from support.caching import Bench, on_loop, settle
from support.clocks import Stopwatch

from shared.cache import BloomFilter, Entry, Lifetimes, NearCache, PriorityEntries, TTLCache

pytestmark = pytest.mark.services("market-data")


@pytest.mark.parametrize("readers", [1, 10, 100, 2_000])
def test_an_expiry_costs_one_call_whatever_the_number_of_readers(readers):
    """Cold or expired, a key is loaded once however many ask at that moment."""

    async def scenario():
        bench = Bench()
        for expiry in range(1, 4):
            bench.source.gate.clear()
            tasks = await bench.readers(readers)
            bench.source.gate.set()
            await asyncio.gather(*tasks)
            await settle()
            assert bench.source.calls == expiry
            bench.time += 12

    on_loop(scenario)


def test_steady_readers_cost_about_one_call_per_life(rng):
    """Over forty lives, early loads included, the source is asked little more often than once in each."""

    async def scenario():
        bench = Bench(jitter=0.2, chance=rng.random)

        async def load():
            bench.time += 0.2
            return await bench.source.load()

        for _ in range(4_000):
            bench.time += 0.1
            bench.chance = rng.random()
            await bench.cache.get("k", load)
            await asyncio.sleep(0)
        assert 35 <= bench.source.calls <= 60

    on_loop(scenario)


@pytest.mark.parametrize("reads", [100, 1_000, 10_000])
def test_a_hot_key_loads_the_shared_store_no_more_with_more_readers(reads):
    """Beyond the reads that make it hot, the shared store hears of a hot key no more."""

    async def scenario():
        bench = Bench(hot_reads=20)
        for _ in range(reads):
            await bench.get()
        assert bench.store.reads["k"] <= 21

    on_loop(scenario)


def test_the_fleet_loads_one_key_by_its_size_and_not_by_its_readers():
    """Five processes with two thousand readers each cost a popular key five times the threshold."""

    async def scenario():
        bench = Bench(hot_reads=20)
        fleet = [bench.another_process(hot_reads=20) for _ in range(5)]
        for each in fleet:
            for _ in range(2_000):
                await each.get("k", bench.source.load)
        assert bench.store.reads["k"] <= 5 * 21
        assert bench.source.calls == 1

    on_loop(scenario)


def most_in_one_slice(ends, width):
    """The largest number of ends within any `width` seconds."""
    ordered = sorted(ends)
    return max(bisect_left(ordered, first + width) - start for start, first in enumerate(ordered))


def test_entries_made_at_once_expire_over_the_whole_jitter(rng):
    """Of a thousand entries with a fifth of jitter at most a tenth ends within one twentieth of it."""
    lives = Lifetimes(10.0, 0.2, rng.random)
    assert most_in_one_slice([lives.draw() for _ in range(1_000)], 0.1) <= 100


def test_loads_after_a_cold_start_spread_out(rng):
    """Of two hundred symbols loaded at once, at most a quarter is loaded again in the same tick."""

    async def scenario():
        bench = Bench(jitter=0.5, chance=rng.random)
        for number in range(200):
            await bench.get(f"k{number}")
        ticks = []
        for _ in range(20):
            bench.time += 0.5
            before = bench.source.calls
            for number in range(200):
                await bench.get(f"k{number}")
            await settle()
            ticks.append(bench.source.calls - before)
        assert sum(ticks) >= 200
        assert max(ticks) <= 50

    on_loop(scenario)


def test_a_process_cache_filled_at_once_empties_bit_by_bit(rng):
    """Entries of a `TTLCache` made in one moment are not all gone in another."""
    time = Stopwatch()
    cache = TTLCache(100.0, jitter=0.5, monotonic=time, chance=rng.random)
    for number in range(400):
        cache.put(number, number)
    alive = []
    for moment in range(50, 101, 5):
        time.time = 100.0 + moment
        alive.append(sum(cache.peek(number) is not None for number in range(400)))
    assert alive[0] == 400
    assert alive[-1] == 0
    assert max(before - after for before, after in itertools.pairwise(alive)) <= 100


@pytest.mark.parametrize(("members", "rate"), [(2_000, 0.05), (5_000, 0.01), (10_000, 0.002)])
def test_mistakes_of_a_full_filter_keep_to_its_target(rng, members, rate):
    """Of twenty thousand strangers a full filter takes about the target share for its own."""
    one = BloomFilter(members, rate)
    for number in range(members):
        one.add(f"M{number}-{rng.getrandbits(32):x}")
    taken = sum(f"S{number}-{rng.getrandbits(32):x}" in one for number in range(20_000))
    assert taken <= 20_000 * rate * 1.7


def test_a_filter_takes_less_than_two_bytes_per_symbol():
    """A mistake in a hundred costs under ten bits per member."""
    assert BloomFilter(20_000, 0.01).bits / 20_000 < 10


def test_watched_symbols_are_not_crowded_out(rng):
    """While ten times the room passes by, symbols of a higher priority are found at every look."""
    entries = PriorityEntries(100)
    watched = [f"W{number}" for number in range(50)]
    for symbol in watched:
        entries.put(symbol, symbol, priority=1)
    missed = 0
    for number in range(1_000):
        entries.put(f"P{number}", number)
        missed += entries.get(rng.choice(watched)) is None
    assert missed == 0


def test_busy_symbols_keep_their_near_copies(rng):
    """With room for a third of all symbols, those that are streamed stay near, whatever else is read."""
    time = Stopwatch()
    near = NearCache(3600.0, 40, frozenset({"INDEX"}), now=time)
    symbols, loads = [f"S{number}" for number in range(120)], dict.fromkeys(range(120), 0)
    near.put("INDEX", Entry("index", 1e9, 1e9, 0.0))
    for _ in range(5_000):
        number = min(int(rng.paretovariate(0.8)) - 1, 119)
        if near.get(symbols[number]) is None:
            loads[number] += 1
            near.put(symbols[number], Entry(number, 1e9, 1e9, 0.0), priority=1 if number < 10 else 0)
    assert near.get("INDEX") is not None
    assert [loads[number] for number in range(10) if loads[number] > 1] == []
