"""What settlement and audit promise to those who call them and those who read their events."""

import pytest
from support.client import expect
from support.settlement import make_trade, run, trades_of
from support.wait import until

from shared.events import codec
from shared.events.types import SettlementFailed, TradeSettled

pytestmark = pytest.mark.services("settlement", "audit", "gateway")

TRADE_FIELDS = {
    "trade_id",
    "symbol",
    "price",
    "quantity",
    "cash",
    "currency",
    "buy_account_id",
    "sell_account_id",
    "trade_date",
    "settlement_date",
    "status",
    "reason",
    "executed_at",
    "settled_at",
}


@pytest.fixture
def settled_and_failed(operator, new_trader, new_symbol):
    """Two trades of a buyer: one that settles, one whose seller lacks shares."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(cash="0", shares={symbol: "5"})
    trades = [make_trade(operator, buyer, seller, symbol, quantity, "2.50") for quantity in ("5", "3")]
    run(operator, trades[0]["settlement_date"], buyer.account_id)
    return buyer, seller, symbol, trades


def events_of(platform, trade_id):
    return [
        envelope
        for message in platform.kafka.peek("settlements", 100_000)
        if (envelope := codec.decode(message.value)).aggregate_id == trade_id
    ]


@pytest.mark.services("orders", "matching")
def test_a_settlement_has_the_agreed_fields(operator, settled_and_failed):
    """Amounts are text, dates are ISO dates, the reason is null unless it failed."""
    buyer, _, symbol, trades = settled_and_failed
    settled, failed = (
        next(each for each in trades_of(operator, buyer.account_id) if each["trade_id"] == trade["trade_id"])
        for trade in trades
    )
    assert set(settled) == TRADE_FIELDS
    assert (settled["price"], settled["quantity"], settled["cash"]) == ("2.5", "5", "12.50")
    assert (settled["status"], settled["reason"], settled["symbol"]) == ("settled", None, symbol)
    assert (failed["status"], failed["settled_at"]) == ("failed", None)
    assert failed["reason"]


@pytest.mark.services("orders", "matching")
def test_the_end_of_a_settlement_is_announced_once(platform, settled_and_failed):
    """TradeSettled or SettlementFailed appears on the topic, keyed by the trade, with its content."""
    buyer, seller, symbol, trades = settled_and_failed
    for trade in trades:
        until(lambda trade=trade: events_of(platform, trade["trade_id"]), message="the event is published")
    (settled,) = events_of(platform, trades[0]["trade_id"])
    (failed,) = events_of(platform, trades[1]["trade_id"])
    assert isinstance(settled.payload, TradeSettled)
    assert isinstance(failed.payload, SettlementFailed)
    assert (settled.producer, failed.producer) == ("settlement", "settlement")
    assert (settled.payload.buy_account_id, settled.payload.sell_account_id) == (
        buyer.account_id,
        seller.account_id,
    )
    assert str(settled.payload.cash) == "12.50"
    assert settled.payload.symbol == failed.payload.symbol == symbol


def test_balances_have_the_agreed_form(operator, new_trader, new_symbol):
    """Cash has a currency and cents, shares are listed by symbol."""
    symbol = new_symbol()
    account = new_trader(cash="1000", shares={symbol: "12"}).account_id
    assert expect(operator.get(f"/v1/balances/{account}"), 200) == {
        "account_id": account,
        "cash": {"currency": "USD", "amount": "1000.00"},
        "shares": [{"symbol": symbol, "quantity": "12"}],
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reference": "x"}, "amount"),
        ({"amount": 10, "reference": "x"}, "amount"),
        ({"amount": "10"}, "reference"),
        ({"amount": "10", "reference": ""}, "reference"),
        ({"amount": "10", "reference": "x", "currency": "dollars"}, "currency"),
    ],
)
def test_a_malformed_deposit_is_a_problem_that_names_the_field(operator, new_trader, body, field):
    """422 as problem+json, with the field that is wrong."""
    response = operator.post(f"/v1/balances/{new_trader(cash='0').account_id}/cash", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"].startswith("application/problem+json")
    assert any(field in error["field"] for error in response.json()["errors"])


def test_an_unknown_trade_is_a_problem(operator):
    """404 as problem+json."""
    response = operator.get("/v1/settlements/NONE-1")
    assert response.status_code == 404
    assert response.json()["type"].endswith("/not-found")


@pytest.mark.parametrize("service", ["settlement", "audit"])
def test_a_service_takes_no_request_without_a_service_token(platform, service):
    """Past the gateway, only tokens of the house count; health and OpenAPI are open."""
    path = {"settlement": "/v1/settlements/reconciliation", "audit": "/v1/audit/verify"}[service]

    with platform.http(service) as client:
        assert client.get(path).status_code == 401
        until(lambda: client.get("/health/ready").json()["status"] == "ok", message=f"{service} is ready")
        assert path in client.get("/openapi.json").json()["paths"]


def test_an_audit_entry_has_the_agreed_fields(operator, new_trader):
    """Sequence, identity, origin, content and the two hashes."""
    account = new_trader(cash="0").account_id
    params = {"aggregate_id": account}
    (entry,) = until(
        lambda: expect(operator.get("/v1/audit/entries", params=params), 200)["items"],
        message="the account's opening is audited",
    )
    assert set(entry) == {
        "sequence",
        "event_id",
        "event_type",
        "topic",
        "producer",
        "aggregate_id",
        "occurred_at",
        "recorded_at",
        "trace_id",
        "payload",
        "previous_hash",
        "hash",
    }
    assert (entry["event_type"], entry["topic"], entry["producer"]) == ("AccountOpened", "accounts", "users")
    assert len(entry["hash"]) == len(entry["previous_hash"]) == 64
