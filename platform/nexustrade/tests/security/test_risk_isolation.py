"""What one trader can learn of and do to another's risk, and what is left to operators and to orders."""

from __future__ import annotations

import uuid

import pytest
from support.client import expect
from support.risk_book import closes, deposit, margin_of
from support.risk_desk import RiskDesk, leg, statuses

from shared.security import Identity

pytestmark = pytest.mark.services("gateway", "risk")

READS = [
    "/v1/risk/margin/{account}",
    "/v1/risk/margin/{account}/calls",
    "/v1/risk/pnl/{account}",
    "/v1/risk/var/{account}",
]
WRITES = [
    ("/v1/risk/margin/{account}", {"collateral": "1000000000", "cross": True}),
    ("/v1/risk/var/{account}", {"limit": None}),
    ("/v1/risk/closes/AAPL", {"closes": closes(["1.00"])}),
]


@pytest.mark.parametrize("path", READS)
def test_the_risk_of_another_is_invisible(new_trader, path) -> None:
    """Margin, calls, profit and value at risk look as if the account did not exist."""
    owner, stranger = new_trader(), new_trader()
    expect(owner.client.get(path.format(account=owner.account_id)), 200)
    theirs = stranger.client.get(path.format(account=owner.account_id))
    nowhere = stranger.client.get(path.format(account=uuid.uuid4()))
    assert (theirs.status_code, nowhere.status_code) == (404, 404)
    assert theirs.json()["detail"] == nowhere.json()["detail"]


@pytest.mark.parametrize(("path", "body"), WRITES)
def test_a_trader_sets_no_terms_of_his_own(new_trader, path, body) -> None:
    """Collateral, limits of the value at risk and official closes are an operator's to set."""
    trader = new_trader()
    response = trader.client.put(path.format(account=trader.account_id), json=body)
    assert response.status_code == 403
    assert margin_of(trader)["equity"] == "1000000"


def test_an_operator_sees_every_account_of_his_tenant(operator, new_trader) -> None:
    """Whose account it is does not matter to an operator of its tenant."""
    account_id = new_trader().account_id
    assert statuses(operator.get(path.format(account=account_id)) for path in READS) == {200: len(READS)}


def test_cross_margin_never_reaches_over_to_another_owner(operator, new_trader) -> None:
    """Two cross-margined accounts of two owners each stand for themselves."""
    rich, poor = new_trader(), new_trader()
    deposit(operator, rich.account_id, "900000", cross=True)
    deposit(operator, poor.account_id, "1", cross=True)
    assert (margin_of(rich)["equity"], margin_of(poor)["equity"]) == ("900000", "1")


def test_batches_and_replacements_are_for_orders_alone(platform, new_trader) -> None:
    """Other services cannot reserve several orders or raise a reservation, whoever they act for."""
    account_id = new_trader().account_id
    operator = Identity("someone", roles=("operator",), permissions=("orders:write",), tenant="t")
    for issuer in ("gateway", "settlement", "users"):
        with RiskDesk(platform, issuer=issuer, identity=operator) as desk:
            answers = [desk.reserve_batch(leg(account_id, "1.00")), desk.replace("o", "1", "1.00")]
            assert statuses(answers) == {403: 2}


def test_the_gateway_leads_to_no_internal_path(operator, new_trader) -> None:
    """Reservations cannot be made through the public interface, not even by an operator."""
    body = {"reservations": [leg(new_trader().account_id, "1.00")]}
    assert operator.post("/internal/v1/reservations/batch", json=body).status_code == 404
    assert operator.post("/v1/risk/reservations/batch", json=body).status_code in (404, 405)
