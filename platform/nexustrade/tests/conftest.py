"""Fixtures of the whole suite: who trades, what is traded.

The running platform comes from the `platform` fixture; tests share it and stay apart by
users, accounts and symbols of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

TREE = Path(__file__).resolve().parent.parent
for folder in (TREE, TREE / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from support.client import ApiClient, Trader  # noqa: E402
from support.devices import Devices  # noqa: E402
from support.market import Market  # noqa: E402

pytest_plugins = ("runtime.pytest_plugin",)

# The same examples on every run, and no verdict about the speed of the machine that they run on.
settings.register_profile(
    "course", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("course")


@pytest.fixture(scope="session")
def _shared_market(platform: Any) -> Iterator[Market]:
    market = Market(platform)
    yield market
    market.close()


@pytest.fixture
def market(_shared_market: Market) -> Market:
    """Makes users and symbols on the platform that the tests share."""
    return _shared_market


@pytest.fixture
def operator(market: Market) -> ApiClient:
    """A client with the operator role."""
    return market.operator


@pytest.fixture
def new_trader(market: Market) -> Callable[..., Trader]:
    """Makes a trader: `new_trader(cash="1000000", limit="50000000", used=None, shares=None)`."""
    return market.new_trader


@pytest.fixture
def devices(platform: Any, market: Market) -> Iterator[Devices]:
    """Logs users in on devices: `devices.new("phone")`, `devices.of(username, password, "tablet")`."""
    made = Devices(platform, market)
    yield made
    made.close()


@pytest.fixture
def new_symbol(market: Market) -> Callable[..., str]:
    """Lists an instrument: `new_symbol(tick_size="0.01", lot_size="1", calendar=None)` returns its symbol."""
    return market.new_symbol


@pytest.fixture
def market_on() -> Iterator[Callable[[Any], Market]]:
    """Makes users and symbols on a platform of the test's own: `market_on(platform)`."""
    made: list[Market] = []

    def make(platform: Any) -> Market:
        made.append(Market(platform))
        return made[-1]

    yield make
    for each in made:
        each.close()
