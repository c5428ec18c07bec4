"""The published interface of orders: operations, shapes and problems."""

from __future__ import annotations

from typing import Any

import pytest
from support.client import expect
from support.services import ask

pytestmark = pytest.mark.services("gateway", "orders", "risk")

PROBLEM = "application/problem+json"
AMOUNTS = ("quantity", "price", "stop_price", "filled_quantity", "average_price", "fees")


@pytest.fixture(scope="module")
def document(platform) -> dict[str, Any]:
    return ask(platform, "orders", "/openapi.json").json()


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/orders", {"post", "get"}),
        ("/v1/orders/{order_id}", {"get", "patch", "delete"}),
        ("/v1/spreads", {"post"}),
        ("/v1/spreads/{spread_id}", {"get"}),
        ("/v1/instruments/{symbol}/status", {"get", "put"}),
    ],
)
def test_the_operations_of_an_order_are_published(document, path, methods) -> None:
    """Each path offers exactly the operations that clients were told of."""
    assert set(document["paths"][path]) == methods


def test_amounts_are_published_as_text(document) -> None:
    """No amount that comes or goes is a JSON number."""
    schemas = document["components"]["schemas"]
    for name in ("OrderIn", "LegIn", "OrderOut", "ReplacementIn"):
        for field, shape in schemas[name]["properties"].items():
            if field in AMOUNTS:
                kinds = {each.get("type") for each in shape.get("anyOf", [shape])}
                assert kinds <= {"string", "null"}, (name, field)


def test_order_types_are_published(document) -> None:
    """The four types and no other, for orders and for legs."""
    for name in ("OrderIn", "LegIn"):
        kinds = document["components"]["schemas"][name]["properties"]["order_type"]["enum"]
        assert sorted(kinds) == ["limit", "market", "stop", "stop_limit"]


def test_an_answered_order_has_the_published_fields(document, new_trader, new_symbol) -> None:
    """What a new order answers is what the document says, field by field."""
    order = expect(new_trader().submit(new_symbol(), "buy", "10", "1.00"), 201)
    published = document["components"]["schemas"]["OrderOut"]["properties"]
    assert set(order) == set(published)
    assert (order["fees"], order["stop_price"], order["spread_id"]) == ("0", None, None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"legs": []}, "legs"),
        ({"legs": [{}]}, "legs"),
        ({"account_id": ""}, "account_id"),
        ({"note": "x"}, "note"),
    ],
)
def test_a_malformed_spread_is_a_problem_with_its_field(new_trader, new_symbol, body, field) -> None:
    """A spread of fewer than two legs, of no account, or with more to it is refused with 422."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    legs = [trader.leg(symbol, "buy", "1", "1.00"), trader.leg(symbol, "sell", "1", "2.00")]
    answer = trader.client.post(
        "/v1/spreads",
        json={"account_id": trader.account_id, "legs": legs} | body,
        headers={"Idempotency-Key": "k"},
    )
    problem = expect(answer, 422)
    assert answer.headers["content-type"] == PROBLEM
    assert field in str(problem["errors"])


@pytest.mark.parametrize(
    "body", [{}, {"quantity": 5}, {"quantity": "0"}, {"price": "1.001"}, {"side": "sell"}]
)
def test_a_malformed_replacement_is_refused(new_trader, new_symbol, body) -> None:
    """A replacement says something, as text, on the grid, and of nothing but quantity and price."""
    trader = new_trader(cash="0")
    order_id = expect(trader.submit(new_symbol(), "buy", "10", "1.00"), 201)["order_id"]
    answer = trader.client.patch(f"/v1/orders/{order_id}", json=body)
    assert expect(answer, 422)["type"].endswith("/validation-failed")
    assert trader.order(order_id)["quantity"] == "10"


def test_a_spread_over_the_limit_is_a_problem_that_names_it(new_trader, new_symbol) -> None:
    """The refusal is a 409 of type limit-exceeded that names the spread and one of its orders."""
    trader, symbol = new_trader(limit="100", cash="0"), new_symbol()
    legs = [trader.leg(symbol, "buy", "60", "1.00"), trader.leg(symbol, "buy", "60", "1.00")]
    answer = trader.submit_spread(*legs)
    problem = expect(answer, 409)
    assert answer.headers["content-type"] == PROBLEM
    assert problem["type"].endswith("/limit-exceeded")
    spread = expect(trader.client.get(f"/v1/spreads/{problem['spread_id']}"), 200)
    assert problem["order_id"] in [leg["order_id"] for leg in spread["legs"]]
