"""The cache in front of a slow source: who waits, who is shown what, and what is kept."""

from __future__ import annotations

import asyncio

import pytest
from support.caching import Bench, on_loop, settle

from shared.cache import LoadFailed
from shared.errors import DependencyUnavailable, NotFound

pytestmark = pytest.mark.services("market-data")


def test_a_value_is_loaded_once_and_shown_until_it_expires():
    """Within its life an entry costs nothing; after it the source is asked again."""

    async def scenario():
        bench = Bench()
        assert [await bench.get() for _ in range(3)] == ["1", "1", "1"]
        bench.time += 9.9
        assert await bench.get() == "1"
        bench.time += 0.1
        await bench.get()
        await settle()
        assert await bench.get() == "2"
        assert bench.source.calls == 2

    on_loop(scenario)


def test_readers_of_one_key_wait_for_one_load():
    """All who find nothing get what one call gave."""

    async def scenario():
        bench = Bench()
        bench.source.gate.clear()
        readers = await bench.readers(50)
        assert bench.source.calls == 1
        bench.source.gate.set()
        assert set(await asyncio.gather(*readers)) == {"1"}

    on_loop(scenario)


def test_readers_of_other_keys_do_not_wait_for_each_other():
    """A load that hangs holds up its own key alone."""

    async def scenario():
        bench = Bench()
        bench.source.gate.clear()
        stuck = await bench.readers(1, "a")
        bench.source.gate = asyncio.Event()
        bench.source.gate.set()
        assert await bench.get("b") == "2"
        stuck[0].cancel()

    on_loop(scenario)


def test_an_expired_entry_is_shown_while_one_call_fetches_the_next():
    """Nobody waits for a source that is late, and it is asked once."""

    async def scenario():
        bench = Bench()
        await bench.get()
        bench.time += 15
        bench.source.gate.clear()
        readers = await bench.readers(50)
        assert all(reader.done() for reader in readers)
        assert {reader.result() for reader in readers} == {"1"}
        assert bench.source.calls == 2
        bench.source.gate.set()
        await settle()
        assert await bench.get() == "2"

    on_loop(scenario)


def test_what_is_older_than_the_grace_is_not_shown():
    """After its life and the grace an entry is as good as none: readers wait."""

    async def scenario():
        bench = Bench()
        await bench.get()
        bench.time += 40
        assert await bench.get() == "2"

    on_loop(scenario)


def test_an_entry_is_loaded_early_by_one_reader_while_the_others_go_on():
    """Before the expiry a reader whose chance says so has it loaded, and is shown what there is meanwhile."""

    async def scenario():
        bench = Bench()
        bench.source.gate.clear()
        first = (await bench.readers(1))[0]
        bench.time += 2  # what a load costs
        bench.source.gate.set()
        assert await first == "1"
        bench.time += 9
        assert await bench.get() == "1"
        assert bench.source.calls == 1
        bench.chance = 0.9
        bench.source.gate.clear()
        readers = await bench.readers(20)
        assert all(reader.done() for reader in readers)
        assert {reader.result() for reader in readers} == {"1"}
        assert bench.source.calls == 2
        bench.source.gate.set()
        await settle()
        bench.chance = 0.0
        assert await bench.get() == "2"

    on_loop(scenario)


def test_a_slow_source_is_not_asked_all_the_time():
    """However long a load took, the first half of a life sees no other."""

    async def scenario():
        bench = Bench()
        bench.source.gate.clear()
        first = (await bench.readers(1))[0]
        bench.time += 60
        bench.source.gate.set()
        await first
        bench.time += 5
        bench.chance = 0.9999
        assert {await bench.get() for _ in range(20)} == {"1"}
        assert bench.source.calls == 1

    on_loop(scenario)


def test_a_load_that_began_before_an_invalidation_is_not_kept():
    """A slow reader gets his answer, and those after the invalidation get a newer one."""

    async def scenario():
        bench = Bench()
        bench.source.gate.clear()
        slow = (await bench.readers(1))[0]
        await bench.cache.invalidate("k")
        bench.source.gate.set()
        assert await slow == "1"
        assert await bench.get() == "2"
        assert await bench.get() == "2"

    on_loop(scenario)


def test_readers_after_an_invalidation_do_not_join_the_load_before_it():
    """What is under way may not know of the change: whoever asks later is not made to share it."""

    async def scenario():
        bench = Bench()
        bench.source.gate.clear()
        early = (await bench.readers(1))[0]
        await bench.cache.invalidate("k")
        late = (await bench.readers(1))[0]
        assert bench.source.calls == 2
        bench.source.gate.set()
        assert (await early, await late) == ("1", "2")
        assert await bench.get() == "2"

    on_loop(scenario)


def test_an_invalidation_by_another_process_counts_as_well():
    """The version lives in the store: a load here is not kept after it changed there."""

    async def scenario():
        bench = Bench()
        other = bench.another_process()
        bench.source.gate.clear()
        slow = (await bench.readers(1))[0]
        await other.invalidate("k")
        bench.source.gate.set()
        assert await slow == "1"
        assert await bench.get() == "2"

    on_loop(scenario)


def test_what_one_process_loaded_the_others_are_shown():
    """The shared tier spares the source the other processes."""

    async def scenario():
        bench = Bench()
        await bench.get()
        entry = await bench.another_process().get("k", bench.source.load)
        assert (entry.value, bench.source.calls) == ("1", 1)

    on_loop(scenario)


def test_a_source_that_fails_is_left_alone_for_a_while():
    """Readers with nothing to show are refused at once, without a call, until the pause is over."""

    async def scenario():
        bench = Bench()
        bench.source.error = DependencyUnavailable("away")
        with pytest.raises(DependencyUnavailable):
            await bench.get()
        for _ in range(20):
            with pytest.raises(LoadFailed):
                await bench.get()
        assert bench.source.calls == 1
        bench.time += 5
        bench.source.error = None
        assert await bench.get() == "2"

    on_loop(scenario)


def test_an_expired_entry_is_shown_while_the_source_fails():
    """A failure in the background reaches nobody who can be shown something."""

    async def scenario():
        bench = Bench()
        await bench.get()
        bench.time += 12
        bench.source.error = DependencyUnavailable("away")
        readers = await bench.readers(1) + await bench.readers(10)
        assert [reader.exception() for reader in readers] == [None] * 11
        assert {reader.result() for reader in readers} == {"1"}
        assert bench.source.calls == 2

    on_loop(scenario)


def test_an_invalidation_ends_the_pause_after_a_failure():
    """Whoever says that there is news gets it asked for."""

    async def scenario():
        bench = Bench()
        bench.source.error = DependencyUnavailable("away")
        with pytest.raises(DependencyUnavailable):
            await bench.get()
        bench.source.error = None
        await bench.cache.invalidate("k")
        assert await bench.get() == "2"

    on_loop(scenario)


def test_what_does_not_exist_is_no_failure_of_the_source():
    """NotFound reaches the reader each time and causes no pause."""

    async def scenario():
        bench = Bench()
        bench.source.error = NotFound("no such thing")
        for _ in range(2):
            with pytest.raises(NotFound):
                await bench.get()
        bench.source.error = None
        assert await bench.get() == "3"

    on_loop(scenario)


def test_a_reader_who_gives_up_does_not_take_the_load_with_him():
    """The others still get their answer."""

    async def scenario():
        bench = Bench()
        bench.source.gate.clear()
        impatient, patient = await bench.readers(2)
        impatient.cancel()
        await settle()
        bench.source.gate.set()
        assert await patient == "1"
        assert bench.source.calls == 1

    on_loop(scenario)


def test_a_key_that_is_read_often_is_answered_by_the_near_tier():
    """From so many reads on the shared store hears no more of it."""

    async def scenario():
        bench = Bench(hot_reads=5)
        for _ in range(100):
            await bench.get("often")
        await bench.get("seldom")
        assert bench.store.reads["often"] <= 6
        assert bench.seen.count(("near", "often")) >= 94

    on_loop(scenario)


def test_a_pinned_key_is_near_from_the_first_read():
    """Pins do not have to be earned."""

    async def scenario():
        bench = Bench(pinned=frozenset({"k"}))
        for _ in range(10):
            await bench.get()
        assert bench.store.reads == {"k": 1}

    on_loop(scenario)


def test_an_invalidation_reaches_the_near_tier():
    """No copy in this process outlives it."""

    async def scenario():
        bench = Bench(pinned=frozenset({"k"}))
        await bench.get()
        await bench.cache.invalidate("k")
        assert await bench.get() == "2"

    on_loop(scenario)
