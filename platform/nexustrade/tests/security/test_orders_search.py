"""What the search and the sorting of orders let a stranger see."""

from __future__ import annotations

import base64

import pytest
from support.client import expect

pytestmark = pytest.mark.services("gateway", "orders")

TEXTS = {
    "a true condition": "zzz') OR ('1' LIKE '1",
    "a true comparison": "zzz' OR '1'='1",
    "a comment": "%' OR 1=1 --",
    "another owner": "') OR owner_id <> '' --",
    "a union": "' UNION SELECT * FROM orders_order --",
    "a second statement": "'; DELETE FROM orders_order; --",
}
SORTS = [
    "owner_id",
    "created_at desc",
    "-created_at; DROP TABLE orders_order",
    "(SELECT 1)",
    "CASE WHEN 1=1 THEN symbol END",
    "--created_at",
    "",
]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("by_account", [True, False], ids=["of an account", "of all"])
def test_a_search_shows_nothing_of_others(new_trader, new_symbol, text: str, *, by_account: bool) -> None:
    """Whatever is searched for, only the caller's own orders are looked through, and none is lost."""
    owner, stranger, symbol = new_trader(), new_trader(), new_symbol()
    order_id = expect(owner.submit(symbol, "buy", "1", "1.00"), 201)["order_id"]
    query = {"search": text} | ({"account_id": stranger.account_id} if by_account else {})
    answer = stranger.client.get("/v1/orders", params=query)
    assert (answer.status_code, answer.json().get("items")) == (200, []), answer.text[:300]
    assert owner.order(order_id)["status"] == "accepted"


@pytest.mark.parametrize("sort", SORTS)
def test_only_published_columns_sort(new_trader, sort: str) -> None:
    """An order of the list that is not among those published is refused and named."""
    problem = expect(new_trader().client.get("/v1/orders", params={"sort": sort}), 422)
    assert [error["field"] for error in problem["errors"]] == ["sort"]


@pytest.mark.parametrize(
    ("sort", "content"),
    [
        ("symbol", "x' OR '1'='1"),
        ("created_at", "2026-01-01T00:00:00+00:00"),
        ("created_at", "2026-01-01T00:00:00 id"),
        ("quantity", "NaN id"),
        ("quantity", "1e999999 id"),
        ("quantity", "' id"),
        ("-created_at", "1 id"),
    ],
)
def test_a_made_up_cursor_is_refused(new_trader, sort: str, content: str) -> None:
    """A cursor that no page of such a list has given out gets 422."""
    after = base64.urlsafe_b64encode(content.encode()).decode()
    answer = new_trader().client.get("/v1/orders", params={"sort": sort, "after": after})
    problem = expect(answer, 422)
    assert problem["errors"][0]["field"] == "after"


def test_a_cursor_opens_no_other_list(new_trader, new_symbol) -> None:
    """A cursor that names another's order pages through the caller's orders alone."""
    owner, stranger, symbol = new_trader(), new_trader(), new_symbol()
    for _ in range(2):
        expect(owner.submit(symbol, "buy", "1", "1.00"), 201)
    cursor = expect(owner.client.get("/v1/orders?limit=1&sort=symbol"), 200)["next"]
    page = expect(stranger.client.get("/v1/orders", params={"sort": "symbol", "after": cursor}), 200)
    assert page == {"items": [], "next": None}
