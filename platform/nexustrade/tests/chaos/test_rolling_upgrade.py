"""Services of two versions side by side, as while an upgrade rolls over them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from support.direct import publish, trade_envelope
from support.trades import producer_of
from support.versions import newer_trade
from support.wait import until

from shared.events.producer import EVENT_TYPE_HEADER

pytestmark = pytest.mark.services("risk")


@pytest.fixture(scope="module")
def platform(own_platform: Any) -> Any:
    return own_platform(services=["risk"])


def bought(platform: Any, account_id: str) -> list[tuple[Decimal, Decimal]]:
    """What risk has booked for an account: quantity and cost of its positions."""
    rows = platform.sql(
        "orders_db", "SELECT quantity, cost FROM risk_position WHERE account_id = %s", (account_id,)
    )
    return [(row["quantity"], row["cost"]) for row in rows]


def send(platform: Any, symbol: str, data: bytes) -> None:
    with producer_of(platform, "risk") as producer:
        producer.send("executions", symbol, data, {EVENT_TYPE_HEADER: "TradeExecuted"})


@pytest.fixture
def names(rng: Any) -> tuple[str, str, str]:
    """Symbol, buyer and seller of a test."""
    word = f"{rng.getrandbits(40):010x}"
    return f"Z{word[:7].upper()}", f"buyer-{word}", f"seller-{word}"


def test_trades_of_an_upgraded_engine_are_not_booked_at_a_guess(platform: Any, names: Any) -> None:
    """A trade in a version that risk does not know leaves its books alone, and those after it are booked."""
    symbol, buyer, seller = names
    send(platform, symbol, newer_trade("10.00", symbol, buyer, seller, quantity=5))
    publish(platform, [trade_envelope(symbol, buyer, seller, quantity=7, price="10.00")], service="risk")
    until(lambda: bought(platform, buyer), message="the known trade is booked")
    assert bought(platform, buyer) == [(Decimal(7), Decimal(70))]


def test_a_trade_that_was_refused_is_kept_for_later(platform: Any, names: Any) -> None:
    """What cannot be read is put aside unchanged, and risk goes on."""
    symbol, buyer, seller = names
    data = newer_trade("12.34", symbol, buyer, seller)
    send(platform, symbol, data)

    def put_aside() -> bool:
        return any(message.value == data for message in platform.kafka.peek("dead-letters", 1000))

    until(put_aside, message="the trade lies on dead-letters")
    assert bought(platform, buyer) == []
    publish(platform, [trade_envelope(symbol, buyer, seller, price="12.34")], service="risk")
    until(lambda: bought(platform, buyer) == [(Decimal(1), Decimal("12.34"))], message="risk goes on")


def test_additions_do_not_stop_services_that_are_not_upgraded_yet(platform: Any, names: Any) -> None:
    """A newer trade whose writer vouches for present readers is booked at its price."""
    symbol, buyer, seller = names
    send(platform, symbol, newer_trade("10.25", symbol, buyer, seller, least_reader=2, scale=1))
    until(lambda: bought(platform, buyer) == [(Decimal(1), Decimal("10.25"))], message="the trade is booked")
