"""What an expiry costs the exchange feed and the shared cache, at the running service, in counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.crowd import Crowd, wait_until_known
from support.wait import until

pytestmark = pytest.mark.services("market-data")

READERS = 500
# Entries that end when a test says so, and copies that stay as long as the test runs.
ENV = {
    "NEXUS__MARKET_DATA__FEED__QUOTE_SECONDS": 600,
    "NEXUS__MARKET_DATA__FEED__CANDLE_SECONDS": 60,
    "NEXUS__MARKET_DATA__FEED__TIMEOUT_SECONDS": 60,
    "NEXUS__MARKET_DATA__SHARED__TIMEOUT_SECONDS": 30,
    "NEXUS__MARKET_DATA__NEAR__SECONDS": 600,
    "NEXUS__MARKET_DATA__NEAR__HOT_READS": 20,
    "NEXUS__MARKET_DATA__NEAR__HOT_WINDOW_SECONDS": 600,
    "NEXUS__MARKET_DATA__SYMBOLS__RELOAD_SECONDS": 0.2,
    "NEXUS__MARKET_DATA__SYMBOLS__EXPECTED": 12,
    "NEXUS__MARKET_DATA__SYMBOLS__FALSE_POSITIVES": 0.2,
    "NEXUS__MARKET_DATA__SYMBOLS__DOUBTS_PER_SECOND": 0,
}
UNKNOWN = 'market_data_symbol_lookups_total{outcome="unknown"}'


@pytest.fixture(scope="module")
def small_platform(own_platform: Callable[..., Any]) -> Any:
    """Market data, and orders, which lists the instruments."""
    platform = own_platform(services=["market-data", "orders"], env=ENV)
    wait_until_known(platform)
    return platform


@pytest.fixture
def crowd(small_platform: Any) -> Iterator[Crowd]:
    crowd = Crowd(small_platform)
    yield crowd
    small_platform.exchange.heal()
    crowd.close()


def read_held_up(crowd: Crowd, symbol: str, readers: int) -> tuple[list[Any], int]:
    """Readers who have all come before the feed answers; what they saw, and the calls that they cost."""
    exchange, before = crowd.platform.exchange, crowd.calls(symbol)
    seen_before = crowd.reads(f"quotes:{symbol}")["shared"]
    exchange.hold()

    async def scenario() -> list[Any]:
        path, token = f"consolidated/{symbol}", crowd.token()
        tasks = [asyncio.create_task(crowd.read(path, token)) for _ in range(readers)]
        try:
            await asyncio.to_thread(
                until,
                lambda: crowd.reads(f"quotes:{symbol}")["shared"] >= seen_before + readers,
                message="all readers have come",
            )
        finally:
            await asyncio.to_thread(exchange.release)
        return await asyncio.gather(*tasks)

    seen = asyncio.run(scenario())
    return seen, crowd.calls(symbol) - before


def test_readers_who_find_nothing_cost_one_call(crowd: Crowd) -> None:
    """Five hundred readers of one symbol, all there before the feed answers, are served by one call."""
    seen, calls = read_held_up(crowd, "AAPL", READERS)
    assert calls == 1
    assert {each.status for each in seen} == {200}
    assert len({each.body["as_of"] for each in seen}) == 1


def test_nobody_waits_for_the_feed_at_an_expiry(crowd: Crowd) -> None:
    """While the feed is silent, readers of an expired quote are all answered, and one call is under way."""
    crowd.get("consolidated/MSFT")
    crowd.expire("MSFT")
    before = crowd.calls("MSFT")
    crowd.platform.exchange.hold()
    assert statuses_within(crowd, "consolidated/MSFT", readers=10, seconds=40) == [200] * 10
    until(lambda: crowd.platform.exchange.waiting() >= 1, message="the feed is asked")
    assert crowd.calls("MSFT") - before == 1


def statuses_within(crowd: Crowd, path: str, *, readers: int, seconds: float) -> list[int]:
    """The statuses of the readers at once who are answered in that time."""

    async def scenario() -> list[int]:
        tasks = [asyncio.create_task(crowd.read(path, crowd.token())) for _ in range(readers)]
        done, waiting = await asyncio.wait(tasks, timeout=seconds)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return [task.result().status for task in done]

    return asyncio.run(scenario())


def test_a_popular_symbol_does_not_load_one_key(crowd: Crowd) -> None:
    """Of three hundred readers of one symbol a few reach the shared cache; the others are served near."""
    crowd.get("consolidated/TSLA")
    crowd.read_in_turns(["consolidated/TSLA"] * 30)
    before = crowd.reads("quotes:TSLA")
    crowd.read_in_turns(["consolidated/TSLA"] * 300)
    after = crowd.reads("quotes:TSLA")
    assert after["shared"] - before["shared"] <= 30
    assert after["near"] - before["near"] >= 270


def test_entries_made_together_do_not_end_together(crowd: Crowd) -> None:
    """The lives of entries differ by more than the time that it took to make them."""
    symbols = ["AAPL", "AMZN", "BRK.B", "GOOGL", "GS", "JPM", "META", "MSFT", "NVDA", "SIRI", "TSLA", "XOM"]
    at_least, at_most = [], []
    for _ in range(2):
        for symbol in symbols:
            crowd.forget(symbol)
            began = time.time()
            crowd.get(f"candles/{symbol}")
            fresh_until, _ = crowd.lives("candles", symbol)
            at_least.append(fresh_until - time.time())
            at_most.append(fresh_until - began)
    assert max(at_least) > min(at_most), "one and the same life would explain them all"


def test_unknown_symbols_reach_the_orders_service_as_seldom_as_configured(crowd: Crowd, rng: Any) -> None:
    """Of three hundred symbols that nobody listed at most the configured share is looked up."""

    def lookups(count: int) -> int:
        before = crowd.platform.metrics("market-data").get(UNKNOWN, 0.0)
        paths = [f"consolidated/Q{rng.getrandbits(36):09X}" for _ in range(count)]
        assert {each.status for each in crowd.read_in_turns(paths)} == {404}
        return int(crowd.platform.metrics("market-data").get(UNKNOWN, 0.0) - before)

    until(lambda: lookups(20) < 20, message="the symbols are known")
    assert lookups(300) <= 300 * 0.2
