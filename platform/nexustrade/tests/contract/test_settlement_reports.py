"""What the reports of settlement promise to those who read them."""

import uuid
from datetime import date

import pytest
from support.client import expect
from support.direct import OperatorClient, publish
from support.settlement import net_day, nets_of
from support.trading_day import at, executed
from support.wait import until

pytestmark = pytest.mark.services("settlement")

DAY = date(2026, 11, 16)
NET_FIELDS = {
    "account_id",
    "symbol",
    "currency",
    "trade_date",
    "settlement_date",
    "bought",
    "sold",
    "shares",
    "paid",
    "received",
    "cash",
    "trades",
}


@pytest.fixture
def desk(platform):
    """An operator's requests to settlement."""
    client = OperatorClient(platform, "settlement")
    yield client
    client.close()


def test_a_net_obligation_has_the_agreed_fields(platform, desk):
    """Amounts are text, dates are ISO dates of the exchange, cash and shares are signed."""
    buyer, seller, symbol = uuid.uuid4().hex, uuid.uuid4().hex, f"ZC{uuid.uuid4().hex[:8].upper()}"
    publish(platform, [executed(symbol, buyer, seller, at(DAY, 21, 15), quantity="2.5", price="0.125")])

    def netted():
        net_day(desk, DAY)
        return nets_of(desk, seller)

    (row,) = until(netted, message="the trade is netted")
    assert set(row) == NET_FIELDS
    assert (row["trade_date"], row["settlement_date"]) == ("2026-11-16", "2026-11-17")
    assert (row["bought"], row["sold"], row["shares"]) == ("0", "2.5", "-2.5")
    assert (row["paid"], row["received"], row["cash"], row["currency"]) == ("0.00", "0.3125", "0.3125", "USD")
    assert (row["account_id"], row["symbol"], row["trades"]) == (seller, symbol, 1)


def test_a_statement_has_the_agreed_form(desk):
    """Positions with four figures, lines with what they were for; an unknown account's is empty."""
    account = uuid.uuid4().hex
    path = f"/v1/settlements/statements/{account}"
    params = {"day": "2026-11-16"}
    assert expect(desk.get(path, params=params), 200) == {
        "account_id": account,
        "day": "2026-11-16",
        "positions": [],
        "items": [],
        "next": None,
    }
    body = {"amount": "12.50", "reference": "start"}
    expect(desk.post(f"/v1/balances/{account}/cash", json=body), 201)
    later = expect(desk.get(path, params={"day": "2099-12-31"}), 200)
    assert later["positions"] == [
        {"asset": "USD", "opening": "12.5", "movements": "0", "fees": "0", "closing": "12.5"}
    ]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/settlements/statements/abc", {}),
        ("/v1/settlements/statements/abc", {"day": "yesterday"}),
        ("/v1/settlements/statements/abc", {"day": "2026-11-16", "after": "cash"}),
        ("/v1/settlements/statements/abc", {"day": "2026-11-16", "limit": "0"}),
        ("/v1/settlements/nets", {"after": "-1"}),
        ("/v1/settlements/nets", {"trade_date": "2026-02-30"}),
        ("/v1/settlements/nets", {"limit": "201"}),
        ("/v1/settlements/reconciliation/assets", {"asset": "no such!"}),
        ("/v1/settlements/reconciliation/nets", {"trade_date": "tomorrow"}),
    ],
)
def test_a_malformed_question_is_a_problem(desk, path, params):
    """422 as problem+json, whatever part of the query is wrong."""
    response = desk.get(path, params=params)
    assert response.status_code == 422
    assert response.headers["content-type"].startswith("application/problem+json")


def test_netting_answers_with_what_it_did(desk):
    """Day, number of trades and what is left; a day without trades is netted at once."""
    body = {"trade_date": "1999-12-31"}
    assert expect(desk.post("/v1/settlements/netting", json=body), 200) == {
        "trade_date": "1999-12-31",
        "trades": 0,
        "remaining": 0,
    }
    assert desk.post("/v1/settlements/netting", json={}).status_code == 422


def test_the_proofs_have_the_agreed_fields(desk):
    """Each asset and the nets are proved in decimal text."""
    page = expect(desk.get("/v1/settlements/reconciliation/assets", params={"limit": 1}), 200)
    assert set(page) == {"items", "next"}
    for row in page["items"]:
        assert set(row) == {"asset", "issued", "customers", "house", "difference"}
    proof = expect(desk.get("/v1/settlements/reconciliation/nets"), 200)
    assert set(proof) == {"obligations", "shares", "cash", "mismatched", "to_net"}
