"""Risk killed half way, and what it has booked when it is back."""

from __future__ import annotations

import uuid
from decimal import Decimal

import httpx
import pytest
from support.burst import in_flight
from support.client import expect
from support.direct import OperatorClient, publish, trade_envelope
from support.race import held_row
from support.risk_desk import RiskDesk, leg
from support.wait import until

pytestmark = pytest.mark.services("risk")


@pytest.fixture(scope="module")
def crashing(own_platform):
    """A platform of risk, which may be killed, and of users, which knows none of its accounts."""
    return own_platform(services=["risk", "users"])


@pytest.fixture
def accounts(crashing) -> tuple[str, str]:
    """Two accounts with a limit of 10,000 and collateral of 1,000."""
    buyer, seller = str(uuid.uuid4()), str(uuid.uuid4())
    for account_id in (buyer, seller):
        asked(crashing, "PUT", f"/v1/risk/limits/{account_id}", json={"limit": "10000"})
        asked(crashing, "PUT", f"/v1/risk/margin/{account_id}", json={"collateral": "1000"})
    return buyer, seller


def asked(platform, method: str, path: str, **options):
    client = OperatorClient(platform, "risk")
    try:
        return expect(client.request(method, path, **options), 200)
    finally:
        client.close()


def positions(platform, account_id: str, *columns: str) -> list[tuple[str, ...]]:
    """Symbol and quantity of every position, and what else is asked for."""
    found = asked(platform, "GET", f"/v1/risk/positions/{account_id}")["positions"]
    return [tuple(each[column] for column in ("symbol", "quantity", *columns)) for each in found]


def calls(platform, account_id: str) -> list[str]:
    found = asked(platform, "GET", f"/v1/risk/margin/{account_id}/calls")["items"]
    return [each["status"] for each in found]


def killed_at(platform, key: str, envelopes: list, **row: str) -> None:
    """Kills risk while it waits, with all that it has done for a trade so far, for a row; starts it again."""
    with held_row(platform, key, **row) as held:
        publish(platform, envelopes, service="risk")
        until(lambda: held.waiting() >= 1, message="risk is at work on the trade")
        platform.kill("risk")
        held.release()
    platform.start_service("risk")


@pytest.mark.parametrize("table", ["risk_exposurelimit", "risk_marginaccount"])
def test_a_trade_that_was_cut_off_is_booked_once(crashing, accounts, table) -> None:
    """Killed at the limit or at the margin, risk books position, exposure and call once when it is back."""
    buyer, seller = accounts
    symbol = f"Z{uuid.uuid4().hex[:7].upper()}"
    trade = trade_envelope(symbol, buyer, seller, quantity=50, price="100.00")
    killed_at(crashing, buyer, [trade, trade], table=table)
    until(lambda: positions(crashing, buyer) == [(symbol, "50")], message="the trade is booked")
    until(lambda: positions(crashing, seller) == [(symbol, "-50")], message="on both sides")
    with RiskDesk(crashing) as desk:
        assert (desk.used(buyer), desk.used(seller)) == (Decimal(5000), Decimal(5000))
    assert (calls(crashing, buyer), calls(crashing, seller)) == (["call"], ["call"])


def test_a_batch_that_was_cut_off_is_granted_when_it_comes_again(crashing, accounts) -> None:
    """Killed with the first leg taken, risk holds nothing; asked again, it grants both legs once."""
    first, second = sorted(accounts)
    legs = [leg(first, "10.00"), leg(second, "20.00")]
    with RiskDesk(crashing) as desk, held_row(crashing, second) as row:
        with in_flight([lambda: desk.reserve_batch(*legs)]) as futures:
            until(lambda: row.waiting() >= 1, message="the first leg is taken")
            crashing.kill("risk")
            with pytest.raises(httpx.HTTPError):
                futures[0].result()
        row.release()
    crashing.start_service("risk")
    with RiskDesk(crashing) as desk:
        until(lambda: desk.used(first) == 0, message="nothing is held")
        for _ in range(2):
            assert desk.reserve_batch(*legs).status_code == 201
        assert (desk.used(first), desk.used(second)) == (1000, 2000)


def test_a_figure_survives_no_restart_and_needs_none(crashing, accounts) -> None:
    """Profit is the same before and after risk was killed, and follows the trades that came meanwhile."""
    buyer, seller = accounts
    symbol, path = f"Z{uuid.uuid4().hex[:7].upper()}", f"/v1/risk/pnl/{buyer}"
    publish(crashing, [trade_envelope(symbol, buyer, seller, quantity=10, price="100.00")], service="risk")
    until(lambda: asked(crashing, "GET", path)["symbols"], message="the trade is booked")
    crashing.kill("risk")
    publish(crashing, [trade_envelope(symbol, buyer, seller, quantity=10, price="103.00")], service="risk")
    crashing.start_service("risk")
    held = [(symbol, "20", "103")]
    until(lambda: positions(crashing, buyer, "last_price") == held, message="the second trade is booked")
    assert asked(crashing, "GET", path)["total_pnl"] == "30"
