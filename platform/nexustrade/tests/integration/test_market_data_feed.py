"""What the exchange feed says, as clients of the gateway see it, and how it is kept in Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from redis.asyncio import Redis
from support.client import ApiClient, Trader, expect
from support.trading import next_message, streaming

from shared.cache import Entry
from shared.cache.redis_store import RedisStore

pytestmark = pytest.mark.services("gateway", "market-data")


def test_a_consolidated_quote_has_the_day_so_far(operator: ApiClient, new_symbol: Callable[..., str]) -> None:
    """Bid, ask, last, the close before and the range of the day come from the feed, and agree."""
    quote = expect(operator.get(f"/v1/market/consolidated/{new_symbol()}"), 200)
    assert quote["stale"] is False
    bid, ask, low, high, last, before = (
        Decimal(quote[name]) for name in ("bid", "ask", "low", "high", "last", "previous_close")
    )
    assert bid < ask
    assert low <= last <= high
    assert before > 0


def test_readers_share_one_call_until_the_quote_expires(
    platform: Any, operator: ApiClient, new_symbol: Callable[..., str]
) -> None:
    """The moment of a kept quote does not move, and the feed hears of the first reader alone."""
    symbol = new_symbol()
    expect(operator.get(f"/v1/market/candles/{symbol}"), 200)
    answers = [expect(operator.get(f"/v1/market/candles/{symbol}?limit=5"), 200) for _ in range(5)]
    assert len({answer["as_of"] for answer in answers}) == 1
    assert platform.exchange.calls(symbol, "candles") == 1


def test_depth_and_candles_are_as_long_as_asked_for(
    operator: ApiClient, new_symbol: Callable[..., str]
) -> None:
    """Levels and minutes are cut to what was asked for; the last minutes are the ones that stay."""
    symbol = new_symbol()
    depth = expect(operator.get(f"/v1/market/depth/{symbol}?depth=3"), 200)
    assert (len(depth["bids"]), len(depth["asks"])) == (3, 3)
    long = expect(operator.get(f"/v1/market/candles/{symbol}?limit=30"), 200)["items"]
    short = expect(operator.get(f"/v1/market/candles/{symbol}?limit=2"), 200)["items"]
    assert len(long) == 30
    assert short == long[-2:]


@pytest.mark.parametrize(
    "path", ["depth/X?depth=0", "depth/X?depth=11", "candles/X?limit=0", "candles/X?limit=999"]
)
def test_lengths_out_of_range_are_refused(operator: ApiClient, path: str) -> None:
    """A length that makes no sense is a problem that names the field."""
    problem = expect(operator.get(f"/v1/market/{path}"), 422)
    assert problem["errors"][0]["field"] in {"depth", "limit"}


@pytest.mark.parametrize("kind", ["consolidated", "depth", "candles"])
def test_unlisted_symbols_are_not_asked_of_the_feed(platform: Any, operator: ApiClient, kind: str) -> None:
    """A symbol that nobody listed is not found, and costs no call."""
    symbol = f"Q{uuid.uuid4().hex[:9].upper()}"
    expect(operator.get(f"/v1/market/{kind}/{symbol}"), 404)
    assert platform.exchange.calls(symbol) == 0


def test_an_operator_can_have_a_symbol_asked_for_again(
    platform: Any, operator: ApiClient, new_symbol: Callable[..., str]
) -> None:
    """What was kept is forgotten for all kinds, so that a correction shows."""
    symbol = new_symbol()
    for kind in ("consolidated", "candles"):
        expect(operator.get(f"/v1/market/{kind}/{symbol}"), 200)
    platform.exchange.correct(symbol, previous_close="1.25")
    expect(operator.delete(f"/v1/market/consolidated/{symbol}"), 204)
    assert expect(operator.get(f"/v1/market/consolidated/{symbol}"), 200)["previous_close"] == "1.25"
    expect(operator.get(f"/v1/market/candles/{symbol}"), 200)
    assert platform.exchange.calls(symbol, "candles") == 2


def test_a_quote_that_was_loaded_reaches_the_streams(
    platform: Any, operator: ApiClient, new_symbol: Callable[..., str]
) -> None:
    """One reader's load is told to everybody who streams the symbol."""
    symbol = new_symbol()
    with streaming(operator, platform.url("gateway"), symbol) as stream:
        next_message(stream, "snapshot")
        quote = expect(operator.get(f"/v1/market/consolidated/{symbol}"), 200)
        told = next_message(stream, "consolidated")
    assert told["symbol"] == symbol
    assert told["data"] == {name: value for name, value in quote.items() if name != "stale"}


def test_the_load_of_keys_is_told_to_operators(operator: ApiClient, new_symbol: Callable[..., str]) -> None:
    """Each key that is read appears with its reads by tier."""
    symbol = new_symbol()
    for _ in range(60):
        expect(operator.get(f"/v1/market/candles/{symbol}"), 200)
    items = expect(operator.get("/v1/market/load?top=100"), 200)["items"]
    mine = next(each for each in items if each["key"] == f"candles:{symbol}")
    assert mine["near"] + mine["shared"] >= 60


@pytest.mark.parametrize("call", ["delete /v1/market/consolidated/AAPL", "get /v1/market/load"])
def test_operators_alone_look_behind_the_cache(new_trader: Callable[..., Trader], call: str) -> None:
    """A trader can neither have a symbol forgotten nor see what is read."""
    method, path = call.split(" ")
    expect(new_trader().client.request(method.upper(), path), 403)


def with_store(platform: Any, scenario: Callable[[RedisStore[str], str], Awaitable[None]]) -> None:
    """Runs a scenario with a store in the platform's Redis and a key of its own."""

    async def run() -> None:
        async with Redis.from_url(platform.environment("market-data")["REDIS_URL"]) as redis:
            await scenario(RedisStore(redis), f"tests:{uuid.uuid4().hex}")

    asyncio.run(run())


ENTRY = Entry("value", 4e9, 4e9, 0.5)


def test_the_store_gives_back_what_was_written(platform: Any) -> None:
    """Value, lives and cost come back as they were."""

    async def scenario(store: RedisStore[str], key: str) -> None:
        assert await store.read(key) is None
        assert await store.write(key, ENTRY, await store.version(key))
        assert await store.read(key) == ENTRY

    with_store(platform, scenario)


def test_the_store_refuses_what_was_loaded_before_an_invalidation(platform: Any) -> None:
    """Of two loads the one that began before the invalidation is not kept, whichever is written last."""

    async def scenario(store: RedisStore[str], key: str) -> None:
        early = await store.version(key)
        await store.invalidate(key)
        late = await store.version(key)
        newer = Entry("newer", 4e9, 4e9, 0.5)
        assert await store.write(key, newer, late)
        assert not await store.write(key, ENTRY, early)
        assert await store.read(key) == newer

    with_store(platform, scenario)


def test_an_invalidation_forgets_and_each_has_a_version_of_its_own(platform: Any) -> None:
    """Nothing is left of the entry, and no version comes twice."""

    async def scenario(store: RedisStore[str], key: str) -> None:
        versions = []
        for _ in range(3):
            await store.write(key, ENTRY, await store.version(key))
            await store.invalidate(key)
            assert await store.read(key) is None
            versions.append(await store.version(key))
        assert len(set(versions)) == 3

    with_store(platform, scenario)


def test_nothing_is_kept_in_redis_for_ever(platform: Any) -> None:
    """Entries and versions end by themselves, versions after any load that may have begun before."""

    async def scenario(store: RedisStore[str], key: str) -> None:
        await store.write(key, Entry("value", 0.0, 0.0, 0.5), "")
        assert 50_000 < platform.redis().pttl(f"cache:{{{key}}}") <= 60_000
        await store.invalidate(key)
        assert 50_000 < platform.redis().pttl(f"cache:{{{key}}}") <= 60_000

    with_store(platform, scenario)
