"""The simulated exchange feed: what it says, how it is limited, and what can be told to it."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from runtime.errors import RuntimeFault
from runtime.infra.consul_agent import ConsulAgent
from runtime.infra.exchange.prices import Prices
from runtime.infra.exchange_feed import ExchangeFeed
from runtime.tests.infra_support import until

NOON = 1_795_782_000


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seat") / "consul"
    agent = ConsulAgent(folder, exchange_seed=7)
    agent.start()
    yield ExchangeFeed(folder)
    agent.stop()


@pytest.fixture
def feed(running):
    yield running
    running.call("heal")
    running.call("pace")


def ask(feed, path):
    connection = http.client.HTTPConnection(urlsplit(feed.url).netloc, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_two_feeds_of_one_seed_agree():
    one, two, other = Prices(7), Prices(7), Prices(8)
    for second in (NOON, NOON + 1):
        assert one.quote("ACME", second) == two.quote("ACME", second)
        assert one.book("ACME", second) == two.book("ACME", second)
        assert one.candles("ACME", second, 3) == two.candles("ACME", second, 3)
    assert one.quote("ACME", NOON) != one.quote("ACME", NOON + 1)
    assert one.quote("ACME", NOON) != other.quote("ACME", NOON)
    assert one.quote("ACME", NOON)["last"] != one.quote("INIT", NOON)["last"]


def test_prices_make_sense():
    quote, book = Prices(7).quote("ACME", NOON), Prices(7).book("ACME", NOON)
    assert float(quote["bid"]) < float(quote["last"]) < float(quote["ask"])
    assert float(quote["low"]) <= float(quote["open"]) <= float(quote["high"])
    assert float(book["bids"][0]["price"]) < float(book["asks"][0]["price"])
    bars = Prices(7).candles("ACME", NOON + 30, 5)["items"]
    assert len(bars) == 5
    assert all(float(bar["low"]) <= float(bar["close"]) <= float(bar["high"]) for bar in bars)


def test_it_answers_and_counts(feed):
    before = feed.call("calls", kind="quotes", symbol="ACME")
    assert ask(feed, "/v1/quotes/ACME")[0] == 200
    assert ask(feed, "/v1/books/ACME")[0] == 200
    assert len(ask(feed, "/v1/candles/ACME?limit=3")[1]["items"]) == 3
    assert ask(feed, "/v1/quotes/acme")[0] == 404
    assert ask(feed, "/v1/elsewhere/ACME")[0] == 404
    assert feed.call("calls", kind="quotes", symbol="ACME") == before + 1
    assert feed.call("log")[-1][1:] == ["candles", "ACME", 200]


def test_more_calls_than_it_takes_are_refused(feed):
    feed.call("pace", lanes=1, latency_ms=1.0, queue=1)
    feed.call("hold")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, feed, "/v1/quotes/BUSY") for _ in range(4)]
        until(lambda: sum(each.done() for each in asked) == 2, "two are refused")
        feed.call("release")
        assert sorted(each.result()[0] for each in asked) == [200, 200, 429, 429]


def test_it_can_be_told_to_fail_and_to_heal(feed):
    feed.call("refuse", status=503)
    assert ask(feed, "/v1/quotes/ACME")[0] == 503
    feed.call("heal")
    feed.call("flood", kib=64)
    assert len(json.dumps(ask(feed, "/v1/quotes/ACME")[1])) > 64 * 1024
    feed.call("heal")
    assert set(ask(feed, "/v1/quotes/ACME")[1]) == set(Prices(7).quote("ACME", NOON))


def test_a_correction_shows_to_those_who_ask_after_it(feed):
    feed.call("hold")
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(ask, feed, "/v1/quotes/FIXED")
        until(lambda: feed.call("waiting") == 1, "it waits")
        feed.call("correct", symbol="FIXED", fields={"previous_close": "1.25"})
        feed.call("release")
        assert early.result()[1]["previous_close"] != "1.25"
    assert ask(feed, "/v1/quotes/FIXED")[1]["previous_close"] == "1.25"


def test_without_a_seed_there_is_no_feed(tmp_path):
    agent = ConsulAgent(tmp_path / "consul")
    agent.start()
    try:
        with pytest.raises(RuntimeFault, match="start the platform"):
            _ = ExchangeFeed(tmp_path / "consul").url
    finally:
        agent.stop()
