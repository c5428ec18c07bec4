"""What readers of market data see while the exchange feed is late, refuses or floods, and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.crowd import Crowd
from support.wait import until

pytestmark = pytest.mark.services("market-data")

# Entries end when a test says so, and no copy is kept near. The pause after a failure is short.
ENV = {
    "NEXUS__MARKET_DATA__FEED__QUOTE_SECONDS": 600,
    "NEXUS__MARKET_DATA__FEED__BOOK_SECONDS": 600,
    "NEXUS__MARKET_DATA__FEED__TIMEOUT_SECONDS": 3,
    "NEXUS__MARKET_DATA__FEED__RETRY_SECONDS": 0.3,
    "NEXUS__MARKET_DATA__NEAR__HOT_READS": 1_000_000,
    "NEXUS__MARKET_DATA__SHARED__TIMEOUT_SECONDS": 2,
}
SYMBOLS = ["AAPL", "AMZN", "GOOGL", "GS", "JPM", "META", "MSFT", "NVDA", "TSLA", "XOM"]


@pytest.fixture(scope="module")
def small_platform(own_platform: Callable[..., Any]) -> Any:
    """Market data, and orders, which lists the instruments."""
    return own_platform(services=["market-data", "orders"], env=ENV, links=[("market-data", "redis")])


@pytest.fixture
def crowd(small_platform: Any) -> Iterator[Crowd]:
    crowd = Crowd(small_platform)
    # Each test begins with all symbols known and their quotes kept.
    for symbol in SYMBOLS:
        fresh_again(crowd, symbol)
    yield crowd
    small_platform.exchange.heal()
    small_platform.exchange.pace()
    small_platform.faults.heal()
    for symbol in SYMBOLS:
        crowd.forget(symbol)
    crowd.close()


def fresh_again(crowd: Crowd, symbol: str) -> None:
    """The feed is asked again, and what it says is shown."""
    until(lambda: shown(crowd, symbol) == (200, False), message=f"{symbol} is fresh again")


def shown(crowd: Crowd, symbol: str) -> tuple[int, bool | None]:
    """The status, and whether what is shown is stale."""
    seen = crowd.get(f"consolidated/{symbol}")
    return seen.status, seen.body.get("stale")


def test_readers_do_not_notice_a_late_feed(crowd: Crowd) -> None:
    """While answers take longer than anybody waits, the last quote is shown as stale; then it is fresh."""
    before = crowd.get("consolidated/AAPL").body["as_of"]
    crowd.expire("AAPL")
    crowd.platform.exchange.late(60_000)
    seen = crowd.read_all(["consolidated/AAPL"] * 10)
    assert {(each.status, each.body.get("stale"), each.body.get("as_of")) for each in seen} == {
        (200, True, before)
    }
    crowd.platform.exchange.heal()
    fresh_again(crowd, "AAPL")


def test_a_late_feed_is_given_up_when_there_is_nothing_to_show(crowd: Crowd) -> None:
    """A symbol that is not kept gets 503 when the feed is too late, and a quote when it is back."""
    crowd.forget("GS")
    crowd.platform.exchange.late(60_000)
    seen = crowd.get("consolidated/GS")
    assert seen.status == 503
    assert seen.body["type"].endswith("/dependency-unavailable")
    crowd.platform.exchange.heal()
    fresh_again(crowd, "GS")


def test_a_feed_that_refuses_is_not_asked_by_every_reader(crowd: Crowd) -> None:
    """Sixty readers of an expired quote see it while the feed refuses, for a handful of calls."""
    crowd.expire("JPM")
    crowd.platform.exchange.refuse()
    before = crowd.calls("JPM")
    seen = crowd.read_all(["consolidated/JPM"] * 60)
    assert {(each.status, each.body.get("stale")) for each in seen} == {(200, True)}
    # Nobody waits for the feed: the first call may still be on its way when all have their answers.
    until(lambda: crowd.calls("JPM") > before, message="the feed is asked")
    assert crowd.calls("JPM") - before <= 30
    crowd.platform.exchange.heal()
    fresh_again(crowd, "JPM")


def test_what_is_too_old_is_not_shown_however_long_the_feed_is_away(crowd: Crowd) -> None:
    """A quote beyond the grace gives way to 503; as soon as the feed is back there is a fresh one."""
    crowd.platform.exchange.refuse()
    crowd.age("META", fresh_for=-100.0, usable_for=-1.0)
    assert crowd.get("consolidated/META").status == 503
    crowd.platform.exchange.heal()
    fresh_again(crowd, "META")


def test_answers_that_never_end_are_not_read(crowd: Crowd) -> None:
    """A flood counts as no answer: the last quote is shown, memory does not follow, and it passes."""
    platform = crowd.platform
    crowd.expire("NVDA")
    before = memory(platform)
    platform.exchange.flood(16 * 1024)
    for _ in range(5):
        assert shown(crowd, "NVDA") == (200, True)
        calls = crowd.calls("NVDA")
        until(
            lambda calls=calls: shown(crowd, "NVDA")[0] == 200 and crowd.calls("NVDA") > calls,
            message="retry",
        )
    assert memory(platform) - before < 48
    platform.exchange.heal()
    fresh_again(crowd, "NVDA")


def memory(platform: Any) -> float:
    """What market data holds, in MiB."""
    return next(row.pss_mib for row in platform.status() if row.service == "market-data")


def test_a_feed_that_takes_few_calls_serves_all_symbols_in_the_end(crowd: Crowd) -> None:
    """With room for one call, readers of ten symbols at once get quotes or 503, and soon all get quotes."""
    for symbol in SYMBOLS:
        crowd.forget(symbol)
    crowd.platform.exchange.pace(lanes=1, latency_ms=50.0, queue=0)
    seen = crowd.read_all([f"consolidated/{symbol}" for symbol in SYMBOLS])
    assert {each.status for each in seen} <= {200, 503}
    assert any(each.status == 200 for each in seen)
    for symbol in SYMBOLS:
        fresh_again(crowd, symbol)


def test_a_correction_is_seen_though_a_slow_reader_comes_back_after_it(crowd: Crowd) -> None:
    """A reader who asked before the correction is answered after it; the next reader sees the correction."""
    exchange, symbol = crowd.platform.exchange, "TSLA"
    crowd.forget(symbol)
    wrong = crowd.get(f"consolidated/{symbol}").body["previous_close"]
    crowd.forget(symbol)
    exchange.hold()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(crowd.get, f"consolidated/{symbol}")
        until(lambda: exchange.waiting() == 1, message="the slow reader waits for the feed")
        right = f"{float(wrong) + 1:.2f}"
        exchange.correct(symbol, previous_close=right)
        crowd.forget(symbol)
        exchange.release()
        assert slow.result(60).status == 200
    assert crowd.get(f"consolidated/{symbol}").body["previous_close"] == right


def test_readers_are_served_while_the_shared_cache_is_silent(crowd: Crowd) -> None:
    """Without Redis the feed is asked; when Redis is back, quotes are kept there again."""
    crowd.forget("XOM")
    link = crowd.platform.faults.link("market-data", "redis")
    link.black_hole()
    assert shown(crowd, "XOM") == (200, False)
    link.heal()
    until(lambda: shown(crowd, "XOM")[0] == 200 and kept(crowd, "XOM"), message="quotes are kept again")
    before = crowd.calls("XOM")
    assert shown(crowd, "XOM") == (200, False)
    assert crowd.calls("XOM") == before


def kept(crowd: Crowd, symbol: str) -> bool:
    """Whether the shared cache has the quote."""
    return bool(crowd.platform.redis().hexists(f"cache:{{quotes:{symbol}}}", "entry"))


def test_quotes_outlive_a_crash_of_the_service(crowd: Crowd) -> None:
    """What was kept before a crash is shown after it without a call, and loads go on as before."""
    platform, before = crowd.platform, crowd.get("consolidated/AMZN").body["as_of"]
    calls = crowd.calls("AMZN")
    platform.kill("market-data")
    platform.start_service("market-data")
    after = until(
        lambda: (seen := crowd.get("consolidated/AMZN")).status == 200 and seen, message="it answers again"
    )
    assert (after.body["as_of"], crowd.calls("AMZN")) == (before, calls)
    crowd.forget("AMZN")
    assert shown(crowd, "AMZN") == (200, False)
    assert crowd.calls("AMZN") == calls + 1
