"""What market data knows of the listed symbols, and whom it asks about the others."""

from __future__ import annotations

import pytest
from support.clocks import Stopwatch

from services.market_data.instruments import Listing
from services.market_data.known_symbols import KnownSymbols
from services.market_data.load import KEYS_COUNTED, KeyLoad
from shared.errors import DependencyUnavailable

pytestmark = pytest.mark.services("market-data")


class Answer:
    def __init__(self, status, body):
        self.status_code, self._body, self.is_success = status, body, status < 400

    def json(self):
        return self._body


class Orders:
    """Lists `symbols`; counts who is asked about what."""

    target = "orders"

    def __init__(self, *symbols):
        self.symbols, self.asked, self.down = set(symbols), [], False

    def request(self, _method, path):
        if self.down:
            raise DependencyUnavailable("orders is away")
        symbol = path.removeprefix("/v1/instruments").removeprefix("/")
        if not symbol:
            return Answer(200, {"items": [{"symbol": each} for each in self.symbols]})
        self.asked.append(symbol)
        return Answer(200, {}) if symbol in self.symbols else Answer(404, {})


def listing(orders, *, doubts=0.0, time=None, expected=100, rate=0.0001):
    known = KnownSymbols(expected=expected, rate=rate, doubts=doubts, monotonic=time or Stopwatch())
    return Listing(orders, known, seconds=3600.0)


def test_a_listed_symbol_is_asked_for_once():
    """What is listed is remembered."""
    orders = Orders("ACME")
    one = listing(orders)
    one.reload()
    assert [one.is_listed("ACME") for _ in range(5)] == [True] * 5
    assert orders.asked == ["ACME"]


def test_symbols_that_are_not_listed_are_asked_of_nobody():
    """Unknown symbols, however many, cost the orders service nothing."""
    orders = Orders("ACME")
    one = listing(orders)
    one.reload()
    assert not any(one.is_listed(f"NO{number}") for number in range(50))
    assert orders.asked == []


def test_before_the_symbols_are_known_everyone_is_asked_for():
    """A filter that was never filled denies nothing."""
    orders = Orders("ACME")
    one = listing(orders)
    assert one.is_listed("ACME")
    assert not one.is_listed("NONE")
    assert orders.asked == ["ACME", "NONE"]


def test_a_new_symbol_is_found_before_the_next_reload():
    """So long as few are in doubt, a symbol that the filter has not heard of is asked for."""
    orders = Orders()
    one = listing(orders, doubts=5.0)
    one.reload()
    orders.symbols.add("NEW")
    assert one.is_listed("NEW")


def test_doubts_are_bounded_and_come_back():
    """A flood of unknown symbols has as many lookups as there are doubts in a second."""
    orders, time = Orders(), Stopwatch()
    one = listing(orders, doubts=5.0, time=time)
    one.reload()
    for number in range(100):
        one.is_listed(f"NO{number}")
    assert len(orders.asked) == 5
    time.time += 1.0
    for number in range(100):
        one.is_listed(f"NO{number}")
    assert len(orders.asked) == 10


def test_a_symbol_that_was_looked_up_is_known_from_then_on():
    """It takes no doubt a second time."""
    orders = Orders()
    one = listing(orders, doubts=1.0)
    one.reload()
    orders.symbols.add("NEW")
    assert one.is_listed("NEW")
    assert not one.may_be_listed("OTHER")
    assert one.may_be_listed("NEW")


def test_while_orders_is_away_the_symbols_before_stay_known():
    """A reload that fails forgets nothing, and a lookup that fails says so."""
    orders = Orders("ACME", "INIT")
    one = listing(orders)
    one.reload()
    assert one.is_listed("ACME")
    orders.down = True
    one.reload()
    assert one.is_listed("ACME")
    assert not one.is_listed("NONE")
    with pytest.raises(DependencyUnavailable):
        one.is_listed("INIT")


def test_more_symbols_than_expected_make_a_larger_filter():
    """The share of mistakes keeps to its target when the exchange grows."""
    symbols = [f"S{number}" for number in range(2_000)]
    orders = Orders(*symbols)
    one = listing(orders, expected=10, rate=0.01)
    one.reload()
    assert all(one.may_be_listed(symbol) for symbol in symbols)
    assert sum(one.may_be_listed(f"NO{number}") for number in range(2_000)) <= 2_000 * 0.01 * 2


def test_key_load_tells_the_busiest_keys_by_tier():
    """Reads are counted per key and per tier, the busiest first."""
    load = KeyLoad()
    for _ in range(3):
        load.observe("near", "quotes:ACME")
    load.observe("shared", "quotes:ACME")
    load.observe("shared", "books:INIT")
    assert load.busiest(1) == [{"key": "quotes:ACME", "near": 3, "shared": 1}]
    assert len(load.busiest(10)) == 2


def test_key_load_is_bounded_and_keeps_the_busy_ones():
    """However many keys are read, memory holds so many counters, and the busiest key keeps its."""
    load = KeyLoad()
    for _ in range(10):
        load.observe("shared", "quotes:ACME")
    for number in range(3 * KEYS_COUNTED):
        load.observe("shared", f"quotes:S{number}")
    assert len(load.busiest(10 * KEYS_COUNTED)) <= KEYS_COUNTED
    assert load.busiest(1)[0] == {"key": "quotes:ACME", "near": 0, "shared": 10}
