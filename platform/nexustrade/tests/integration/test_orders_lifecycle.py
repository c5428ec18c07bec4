"""Orders through the gateway: submission, fills, cancellation, repetition, history."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.client import expect
from support.wait import until

pytestmark = pytest.mark.services("gateway", "orders", "risk", "matching")


def status_becomes(trader, order_id: str, status: str) -> dict:
    return until(
        lambda: (order := trader.order(order_id))["status"] == status and order,
        message=f"order {order_id} is {status}",
    )


def test_a_limit_order_is_accepted_as_it_was_sent(new_trader, new_symbol) -> None:
    """The answer to a new order shows what was asked for, with amounts as text."""
    trader, symbol = new_trader(), new_symbol()
    order = expect(trader.submit(symbol, "buy", "100", "10.25", time_in_force="gtc"), 201)
    assert order["status"] == "accepted"
    assert (order["side"], order["quantity"], order["price"]) == ("buy", "100", "10.25")
    assert (order["filled_quantity"], order["average_price"], order["reason"]) == ("0", None, None)
    assert order["time_in_force"] == "gtc"
    assert trader.order(order["order_id"]) == order


def test_two_orders_that_cross_fill_each_other(new_trader, new_symbol) -> None:
    """A sale into a resting purchase fills both at the resting price, the larger one in part."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol()
    bought = expect(buyer.submit(symbol, "buy", "100", "10.25"), 201)["order_id"]
    sold = expect(seller.submit(symbol, "sell", "60", "10.20"), 201)["order_id"]
    sale = status_becomes(seller, sold, "filled")
    purchase = status_becomes(buyer, bought, "partially_filled")
    assert (sale["filled_quantity"], sale["average_price"]) == ("60", "10.25")
    assert (purchase["filled_quantity"], purchase["average_price"]) == ("60", "10.25")


def test_fills_at_several_prices_average_exactly(new_trader, new_symbol) -> None:
    """The average price of an order weighs each fill by its quantity."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol()
    for quantity, price in (("10", "10.00"), ("20", "10.01"), ("30", "10.03")):
        expect(seller.submit(symbol, "sell", quantity, price), 201)
    order_id = expect(buyer.submit(symbol, "buy", "60", "10.03"), 201)["order_id"]
    order = status_becomes(buyer, order_id, "filled")
    assert Decimal(order["average_price"]) == Decimal("10.01833333")


def test_the_same_key_gives_the_same_answer(new_trader, new_symbol) -> None:
    """A repeated submission returns the first answer, even after the order has been filled."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol()
    first = expect(buyer.submit(symbol, "buy", "10", "10.00", key="once"), 201)
    expect(seller.submit(symbol, "sell", "10", "10.00"), 201)
    status_becomes(buyer, first["order_id"], "filled")
    assert expect(buyer.submit(symbol, "buy", "10", "10.00", key="once"), 201) == first
    assert len(buyer.client.get("/v1/orders").json()["items"]) == 1


def test_a_key_is_good_for_one_request(new_trader, new_symbol) -> None:
    """Another order under a used key is refused; the same key of another trader is another key."""
    trader, other, symbol = new_trader(), new_trader(), new_symbol()
    first = expect(trader.submit(symbol, "buy", "10", "10.00", key="mine"), 201)
    assert trader.submit(symbol, "buy", "11", "10.00", key="mine").status_code == 422
    assert trader.submit(symbol, "sell", "10", "10.00", key="mine").status_code == 422
    theirs = expect(other.submit(symbol, "buy", "10", "10.00", key="mine"), 201)
    assert theirs["order_id"] != first["order_id"]


def test_a_rejection_is_repeated_too(new_trader, new_symbol) -> None:
    """An order that was over the limit is over the limit again under its key, with the same order id."""
    trader, symbol = new_trader(limit="100"), new_symbol()
    first = expect(trader.submit(symbol, "buy", "11", "10.00", key="big"), 409)
    assert expect(trader.submit(symbol, "buy", "11", "10.00", key="big"), 409) == first


def test_a_cancelled_order_gives_its_exposure_back(new_trader, new_symbol) -> None:
    """Cancelling a partly filled order releases the unfilled part and keeps the filled one in use."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol()
    order_id = expect(buyer.submit(symbol, "buy", "100", "10.00"), 201)["order_id"]
    expect(seller.submit(symbol, "sell", "40", "10.00"), 201)
    status_becomes(buyer, order_id, "partially_filled")
    expect(buyer.client.delete(f"/v1/orders/{order_id}"), 202)
    order = status_becomes(buyer, order_id, "cancelled")
    assert (order["filled_quantity"], order["reason"]) == ("40", "requested")
    until(lambda: buyer.limit()["used"] == "400", message="600 are released")
    assert buyer.client.delete(f"/v1/orders/{order_id}").status_code == 409


def test_buying_below_the_limit_price_releases_the_difference(new_trader, new_symbol) -> None:
    """A purchase that fills at a better price keeps only what it cost in use."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol()
    expect(seller.submit(symbol, "sell", "100", "9.50"), 201)
    order_id = expect(buyer.submit(symbol, "buy", "100", "10.00"), 201)["order_id"]
    status_becomes(buyer, order_id, "filled")
    until(lambda: buyer.limit()["used"] == "950", message="50 are released")


def test_positions_follow_the_trades(new_trader, new_symbol) -> None:
    """Buying and selling part of it at a higher price shows the rest at cost and the profit of the part."""
    trader, other, symbol = new_trader(), new_trader(), new_symbol()
    expect(other.submit(symbol, "sell", "100", "10.00"), 201)
    expect(trader.submit(symbol, "buy", "100", "10.00"), 201)
    expect(other.submit(symbol, "buy", "40", "12.00"), 201)
    expect(trader.submit(symbol, "sell", "40", "12.00"), 201)
    path = f"/v1/risk/positions/{trader.account_id}"
    position = until(
        lambda: (
            (found := trader.client.get(path).json()["positions"])
            and found[0]["quantity"] == "60"
            and found[0]
        ),
        message="60 shares are left",
    )
    assert position == {
        "symbol": symbol,
        "quantity": "60",
        "average_price": "10",
        "last_price": "12",
        "realized_pnl": "80",
        "unrealized_pnl": "120",
    }


def test_a_market_order_is_valued_at_the_last_price(new_trader, new_symbol) -> None:
    """Without a trade a market order is refused; after one it reserves five percent above its price."""
    trader, seller, buyer = (new_trader() for _ in range(3))
    symbol = new_symbol()
    refusal = expect(trader.submit(symbol, "buy", "10"), 422)
    assert trader.order(refusal["order_id"])["reason"] == "no-reference-price"
    expect(seller.submit(symbol, "sell", "10", "10.00"), 201)
    order_id = expect(buyer.submit(symbol, "buy", "10", "10.00"), 201)["order_id"]
    status_becomes(buyer, order_id, "filled")
    accepted = until(
        lambda: (answer := trader.submit(symbol, "buy", "10")).status_code == 201 and answer.json(),
        message="risk has heard of the trade",
    )
    items = trader.client.get(f"/v1/risk/reservations/{trader.account_id}").json()["items"]
    assert [item["amount"] for item in items if item["order_id"] == accepted["order_id"]] == ["105"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", "10.001"),
        ("price", "0"),
        ("price", "100000000"),
        ("quantity", "10000000000"),
        ("price", 10.25),
        ("price", None),
        ("quantity", "0"),
        ("quantity", "1.5"),
        ("quantity", 10),
        ("side", "hold"),
        ("order_type", "iceberg"),
        ("stop_price", "10.00"),
        ("time_in_force", "forever"),
        ("symbol", "NOSUCH"),
    ],
)
def test_a_malformed_order_is_refused_with_its_field(new_trader, field, value) -> None:
    """Each broken rule is answered with 422 and the name of the field, and no order is kept."""
    trader = new_trader()
    body = trader.order_body("AAPL", "buy", "10", "10.25") | {field: value}
    problem = expect(trader.client.post("/v1/orders", json=body, headers={"Idempotency-Key": "k"}), 422)
    assert field in str(problem["errors"])
    assert trader.client.get("/v1/orders").json()["items"] == []


def test_the_largest_order_is_decided_like_any_other(new_trader, new_symbol) -> None:
    """An order of the greatest price and quantity is over the limit, and nothing overflows."""
    trader, symbol = new_trader(), new_symbol()
    problem = expect(trader.submit(symbol, "buy", "9999999999", "99999999.99"), 409)
    assert problem["reason"] == "limit-exceeded"


@pytest.mark.parametrize("key", [None, "", "x" * 129, "two\tparts"])
def test_an_order_needs_a_sound_idempotency_key(new_trader, key) -> None:
    """A key is required, printable, and at most 128 characters."""
    trader = new_trader()
    body = trader.order_body("AAPL", "buy", "10", "10.25")
    headers = {} if key is None else {"Idempotency-Key": key}
    assert trader.client.post("/v1/orders", json=body, headers=headers).status_code == 422


def test_history_pages_are_complete_and_in_order(new_trader, new_symbol) -> None:
    """Walking the pages shows every order once, newest first."""
    trader, symbol = new_trader(), new_symbol()
    sent = [expect(trader.submit(symbol, "buy", "1", "1.00"), 201)["order_id"] for _ in range(7)]
    seen, after = [], None
    while True:
        query = {"account_id": trader.account_id, "limit": 3} | ({"after": after} if after else {})
        page = expect(trader.client.get("/v1/orders", params=query), 200)
        seen += [order["order_id"] for order in page["items"]]
        after = page["next"]
        if after is None:
            break
        assert len(page["items"]) == 3
    assert seen == sent[::-1]


def test_history_can_be_narrowed(new_trader, new_symbol) -> None:
    """Symbol and status select; a made-up cursor is refused."""
    trader, first, second = new_trader(limit="100"), new_symbol(), new_symbol()
    kept = expect(trader.submit(first, "buy", "1", "1.00"), 201)["order_id"]
    expect(trader.submit(second, "buy", "1", "1.00"), 201)
    expect(trader.submit(first, "buy", "1000", "1.00"), 409)
    query = {"symbol": first, "status": "accepted"}
    assert [order["order_id"] for order in trader.client.get("/v1/orders", params=query).json()["items"]] == [
        kept
    ]
    assert trader.client.get("/v1/orders", params={"after": "bm90IGEgY3Vyc29y"}).status_code == 422


def test_an_instrument_is_listed_once(operator, new_symbol) -> None:
    """A new instrument can be read with its grid; its symbol cannot be listed again."""
    symbol = new_symbol(tick_size="0.05", lot_size="10")
    instrument = expect(operator.get(f"/v1/instruments/{symbol}"), 200)
    assert (instrument["tick_size"], instrument["lot_size"]) == ("0.05", "10")
    body = {"symbol": symbol, "name": "again"}
    assert operator.post("/v1/instruments", json=body).status_code == 409
    assert symbol in [each["symbol"] for each in operator.get("/v1/instruments").json()["items"]]


def test_a_closed_account_takes_no_orders(new_trader, new_symbol) -> None:
    """Once the account is closed, its orders are refused."""
    trader, symbol = new_trader(cash="0"), new_symbol()
    expect(trader.submit(symbol, "buy", "1", "1.00"), 201)
    expect(trader.client.delete(f"/v1/accounts/{trader.account_id}"), 200, 202, 204)
    until(
        lambda: trader.submit(symbol, "buy", "1", "1.00").status_code == 409,
        message="orders has heard of the closing",
    )
