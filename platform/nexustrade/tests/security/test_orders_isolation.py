"""What one trader can learn of and do to another, and who may touch exposure."""

from __future__ import annotations

import uuid

import pytest
from support.client import expect
from support.risk_desk import RiskDesk, statuses

from shared.security import Identity

pytestmark = pytest.mark.services("gateway", "orders", "risk")


def test_the_orders_of_another_are_invisible(new_trader, new_symbol) -> None:
    """Another's order cannot be read, listed or cancelled, and looks as if it did not exist."""
    owner, stranger, symbol = new_trader(), new_trader(), new_symbol()
    order_id = expect(owner.submit(symbol, "buy", "1", "1.00"), 201)["order_id"]
    nowhere = expect(stranger.client.get(f"/v1/orders/{uuid.uuid4()}"), 404)
    theirs = expect(stranger.client.get(f"/v1/orders/{order_id}"), 404)
    assert theirs["detail"] == nowhere["detail"]
    assert stranger.client.delete(f"/v1/orders/{order_id}").status_code == 404
    page = expect(stranger.client.get("/v1/orders", params={"account_id": owner.account_id}), 200)
    assert page["items"] == []
    assert owner.order(order_id)["status"] == "accepted"


def test_nobody_trades_on_the_account_of_another(new_trader, new_symbol) -> None:
    """An order for another's account is refused and leaves no order behind."""
    owner, stranger, symbol = new_trader(), new_trader(), new_symbol()
    response = stranger.submit(symbol, "buy", "1", "1.00", account_id=owner.account_id)
    assert response.status_code in (403, 404)
    expect(owner.submit(symbol, "buy", "1", "1.00"), 201)
    response = stranger.submit(symbol, "buy", "1", "1.00", account_id=owner.account_id)
    assert response.status_code in (403, 404)
    assert len(owner.client.get("/v1/orders").json()["items"]) == 1


@pytest.mark.parametrize("what", ["limits", "positions", "reservations"])
def test_the_exposure_of_another_is_invisible(new_trader, what) -> None:
    """Limits, positions and reservations are shown to the account's owner alone."""
    owner, stranger = new_trader(), new_trader()
    path = f"/v1/risk/{what}/{owner.account_id}"
    expect(owner.client.get(path), 200)
    assert stranger.client.get(path).status_code in (403, 404)


def test_a_trader_cannot_raise_his_limit(new_trader) -> None:
    """Only an operator sets limits."""
    trader = new_trader(limit="100")
    response = trader.client.put(
        f"/v1/risk/limits/{trader.account_id}", json={"limit": "1000000", "used": "0"}
    )
    assert response.status_code == 403
    assert trader.limit()["limit"] == "100"


def test_the_reservation_endpoint_is_for_orders_alone(platform, new_trader) -> None:
    """Services other than orders cannot reserve or release, whoever they act for."""
    trader = new_trader(limit="1000")
    operator = Identity("operator", roles=("operator",), permissions=("orders:write",))
    for issuer in ("gateway", "users", "settlement"):
        with RiskDesk(platform, issuer=issuer, identity=operator) as desk:
            assert desk.reserve(trader.account_id, price="1.00").status_code == 403
            assert desk.release(str(uuid.uuid4())).status_code == 403
    with RiskDesk(platform) as desk:
        assert desk.http.post("/internal/v1/reservations", json={}).status_code == 401
    assert trader.limit()["used"] == "0"


def test_internal_paths_do_not_lead_through_the_gateway(new_trader) -> None:
    """The public interface has no way to the reservations."""
    trader = new_trader()
    for path in ("/internal/v1/reservations", "/v1/risk/../../internal/v1/reservations"):
        assert trader.client.post(path, json={}).status_code in (404, 405)


@pytest.mark.parametrize(
    "extra",
    [
        {"status": "filled"},
        {"filled_quantity": "100", "filled_value": "1"},
        {"owner_id": "operator"},
        {"order_id": "00000000-0000-0000-0000-000000000000"},
        {"reason": "because"},
    ],
)
def test_a_client_cannot_write_what_is_not_his(new_trader, new_symbol, extra) -> None:
    """Fields that only the platform sets are refused in a new order, and none is kept."""
    trader, symbol = new_trader(), new_symbol()
    response = trader.submit(symbol, "buy", "1", "1.00", **extra)
    assert response.status_code == 422
    assert trader.client.get("/v1/orders").json()["items"] == []


@pytest.mark.parametrize("text", ["' OR '1'='1", "x'; DROP TABLE orders_order; --", "%"])
def test_filters_are_values_and_never_sql(new_trader, new_symbol, text) -> None:
    """SQL in a filter finds nothing and breaks nothing."""
    owner, stranger, symbol = new_trader(), new_trader(), new_symbol()
    expect(owner.submit(symbol, "buy", "1", "1.00"), 201)
    for field in ("symbol", "account_id", "after", "status"):
        response = stranger.client.get("/v1/orders", params={field: text})
        assert response.status_code in (200, 422)
        assert response.json().get("items", []) == []
    assert len(owner.client.get("/v1/orders").json()["items"]) == 1


def test_a_limit_cannot_be_beaten_by_haste(platform, new_trader) -> None:
    """A trader who fires reservations at one moment gets no more than one who waits."""
    hasty = new_trader(limit="5000")
    with RiskDesk(platform) as desk:
        responses = desk.reserve_together(hasty.account_id, count=6, price="20.00")
    assert statuses(responses) == {201: 2, 409: 4}
    assert hasty.limit()["used"] == "4000"
