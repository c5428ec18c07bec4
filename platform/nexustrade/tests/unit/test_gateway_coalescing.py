from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from support.wait import under_way

from services.gateway.coalescing import Coalescer, ReadKey
from shared.security import Identity

pytestmark = pytest.mark.services("gateway")

ALICE_HERSELF, BOB_HIMSELF = (Identity(name, tenant="retail") for name in ("alice", "bob"))
ALICE = ReadKey.of(ALICE_HERSELF, "/v1/users/me")
BOB = ReadKey.of(BOB_HIMSELF, "/v1/users/me")


class Source:
    """Answers with its own serial number once it is opened."""

    def __init__(self) -> None:
        self.calls = 0
        self.open = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        serial = self.calls
        await self.open.wait()
        return serial


async def _started(*reads: Coroutine[Any, Any, int]) -> list[asyncio.Task[int]]:
    tasks = await under_way(*reads)
    assert not any(task.done() for task in tasks)
    return tasks


def test_equal_reads_under_way_share_one_call() -> None:
    """Ten identical reads at a time cost one call, and all get its answer."""

    async def scene() -> None:
        source, coalescer = Source(), Coalescer[int]()
        reads = await _started(*(coalescer.fetch(ALICE, source) for _ in range(10)))
        source.open.set()
        assert await asyncio.gather(*reads) == [1] * 10
        assert await coalescer.fetch(ALICE, source) == 2, "an answer is not kept"

    asyncio.run(scene())


def test_reads_of_two_callers_are_never_merged() -> None:
    """Two users who ask for the same path get an answer each."""

    async def scene() -> None:
        source, coalescer = Source(), Coalescer[int]()
        reads = await _started(*(coalescer.fetch(key, source) for key in (ALICE, BOB)))
        source.open.set()
        assert sorted(await asyncio.gather(*reads)) == [1, 2]

    asyncio.run(scene())


@pytest.mark.parametrize(
    "other",
    [
        replace(ALICE_HERSELF, subject="carol"),
        replace(ALICE_HERSELF, tenant="wholesale"),
        replace(ALICE_HERSELF, roles=("operator",)),
    ],
    ids=["subject", "tenant", "roles"],
)
def test_reads_are_equal_only_for_the_same_caller_with_the_same_rights(other: Identity) -> None:
    """Whoever differs in name, tenant or role has a read of his own."""
    assert ReadKey.of(other, "/v1/users/me") != ALICE
    assert ReadKey.of(replace(ALICE_HERSELF), "/v1/users/me") == ALICE


def test_a_write_of_one_caller_leaves_the_reads_of_others_alone() -> None:
    """What Bob writes does not make Alice's reads start again."""

    async def scene() -> None:
        source, coalescer = Source(), Coalescer[int]()
        [first] = await _started(coalescer.fetch(ALICE, source))
        coalescer.forget(BOB_HIMSELF)
        [second] = await _started(coalescer.fetch(ALICE, source))
        source.open.set()
        assert await asyncio.gather(first, second) == [1, 1]

    asyncio.run(scene())


def test_a_read_after_a_write_does_not_join_one_from_before() -> None:
    """A caller who has written something is not answered from a read that may have missed it."""

    async def scene() -> None:
        source, coalescer = Source(), Coalescer[int]()
        before = await _started(*(coalescer.fetch(key, source) for key in (ALICE, BOB)))
        coalescer.forget(ALICE_HERSELF)
        after = await _started(*(coalescer.fetch(key, source) for key in (ALICE, BOB)))
        source.open.set()
        assert await asyncio.gather(*before) == [1, 2]
        assert await asyncio.gather(*after) == [3, 2]

    asyncio.run(scene())


def test_a_caller_who_gives_up_does_not_stop_the_others() -> None:
    """Cancelling the first of two equal reads leaves the second with its answer."""

    async def scene() -> None:
        source, coalescer = Source(), Coalescer[int]()
        first, second = await _started(*(coalescer.fetch(ALICE, source) for _ in range(2)))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        source.open.set()
        assert await second == 1

    asyncio.run(scene())


def test_a_failure_reaches_everyone_who_waits_and_no_one_later() -> None:
    """The exception of the one call is raised to all who shared it, and then forgotten."""

    async def scene() -> None:
        coalescer, refused = Coalescer[int](), asyncio.Event()

        async def fail() -> int:
            await refused.wait()
            raise LookupError

        async def succeed() -> int:
            return 7

        reads = await _started(*(coalescer.fetch(ALICE, fail) for _ in range(3)))
        refused.set()
        answers = await asyncio.gather(*reads, return_exceptions=True)
        assert [type(answer) for answer in answers] == [LookupError] * 3
        assert await coalescer.fetch(ALICE, succeed) == 7

    asyncio.run(scene())
