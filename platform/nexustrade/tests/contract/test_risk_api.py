"""What risk promises to those who call it."""

from __future__ import annotations

import uuid

import pytest
from support.client import expect
from support.risk_book import calls_of, closes, cross, deposit, import_closes, margin_of, profit_of
from support.risk_desk import RiskDesk, leg
from support.services import ask

pytestmark = pytest.mark.services("risk", "gateway")


def test_the_risk_desk_is_described(platform) -> None:
    """OpenAPI lists every operation of the desk and of the internal interface."""
    paths = ask(platform, "risk", "/openapi.json").json()["paths"]
    found = {path: set(paths.get(path, ())) for path in paths}
    assert found["/v1/risk/margin/{account_id}"] == {"get", "put"}
    assert found["/v1/risk/margin/{account_id}/calls"] == {"get"}
    assert found["/v1/risk/pnl/{account_id}"] == {"get"}
    assert found["/v1/risk/var/{account_id}"] == found["/v1/risk/closes/{symbol}"] == {"get", "put"}
    assert found["/internal/v1/reservations/batch"] == {"post"}
    assert found["/internal/v1/reservations/{order_id}"] == {"delete", "patch"}


@pytest.mark.services("orders", "matching")
def test_the_desk_answers_in_the_agreed_form(operator, new_trader, new_symbol) -> None:
    """Margin, calls, profit and value at risk have their fields, amounts as text, moments in ISO 8601."""
    symbol, trader, other = new_symbol(), new_trader(), new_trader()
    cross(trader, other, symbol, 10, "10.00")
    import_closes(operator, symbol, ["10.00", "10.10"] * 7)
    deposit(operator, trader.account_id, "20")
    levels = {"equity", "exposure", "initial", "maintenance", "liquidation"}
    margin = margin_of(trader)
    assert set(margin) == {"account_id", "status", "exposures", *levels}
    assert {type(margin[name]) for name in levels} == {str}
    assert set(calls_of(trader)[0]) == {"status", "equity", "required", "opened_at", "closed_at"}
    profit = profit_of(trader)
    pnl = {"realized_pnl", "unrealized_pnl"}
    assert set(profit) == {"account_id", "total_pnl", "as_of", "symbols", *pnl}
    assert set(profit["symbols"][0]) == {"symbol", "quantity", "last_price", *pnl}
    var = expect(trader.client.get(f"/v1/risk/var/{trader.account_id}"), 200)
    figures = {"value_at_risk", "expected_shortfall", "worst_loss", "confidence", "limit"}
    assert set(var) == {"account_id", "horizon_days", "scenarios", *figures}
    assert var["scenarios"] == 14  # thirteen changes between the imported days, and that to today


def test_an_account_that_has_not_traded_is_answered(new_trader) -> None:
    """No position is no exposure, no profit and nothing at risk."""
    trader = new_trader()
    assert (margin_of(trader)["status"], margin_of(trader)["exposures"]) == ("ok", [])
    assert (profit_of(trader)["total_pnl"], profit_of(trader)["symbols"]) == ("0", [])
    var = expect(trader.client.get(f"/v1/risk/var/{trader.account_id}"), 200)
    assert (var["value_at_risk"], var["scenarios"]) == ("0", 0)


@pytest.mark.parametrize(
    ("closes_", "field"),
    [
        ([], "closes"),
        ([{"day": "2026-01-05", "price": 10}], "price"),
        ([{"day": "2026-01-05", "price": "0"}], "price"),
        ([{"day": "2026-01-05", "price": "NaN"}], "price"),
        ([{"day": "2026-01-05", "price": "1e40"}], "price"),
        ([{"day": "2026-02-30", "price": "10"}], "day"),
        (closes(["1.00"]) * 2, "closes"),
    ],
)
def test_closes_that_make_no_sense_are_refused(operator, closes_, field) -> None:
    """422 as problem+json, with the field that is wrong, and nothing is written."""
    symbol = f"Z{uuid.uuid4().hex[:7].upper()}"
    response = operator.put(f"/v1/risk/closes/{symbol}", json={"closes": closes_})
    assert response.status_code == 422
    assert response.headers["content-type"].startswith("application/problem+json")
    assert any(field in error["field"] for error in response.json()["errors"])
    assert expect(operator.get(f"/v1/risk/closes/{symbol}"), 200)["closes"] == []


@pytest.mark.parametrize(
    "terms", [{"horizon": 0}, {"horizon": 11}, {"confidence": "1"}, {"confidence": "NaN"}]
)
def test_value_at_risk_has_bounds_for_its_terms(new_trader, terms) -> None:
    """One to ten days, and a confidence between a half and 99.99 percent."""
    trader = new_trader()
    response = trader.client.get(f"/v1/risk/var/{trader.account_id}", params=terms)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == next(iter(terms))


@pytest.mark.parametrize("fault", ["empty", "twice", "too many"])
def test_a_batch_names_each_order_once(platform, fault) -> None:
    """A batch of no orders, of the same order twice, or of more than twenty is not valid."""
    one = leg(str(uuid.uuid4()), "1.00")
    legs = {"empty": [], "twice": [one, one], "too many": [leg(one["account_id"], "1.00") for _ in range(21)]}
    with RiskDesk(platform) as desk:
        response = desk.reserve_batch(*legs[fault])
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "reservations"


def test_a_grant_of_a_batch_has_the_form_of_single_grants(platform) -> None:
    """Each leg is answered as it would be by itself; the figures show the legs before it as taken."""
    account_id = str(uuid.uuid4())
    with RiskDesk(platform) as desk:
        single = expect(desk.reserve(account_id, price="1.00"), 201)
        batch = expect(desk.reserve_batch(*(leg(account_id, "1.00") for _ in range(2))), 201)
    assert all(set(each) == set(single) for each in batch)
    assert [each["used"] for each in batch] == ["200", "300"]
