"""Statements and obligations are their owners'; netting and proofs are the operators'."""

import pytest
from support.client import ApiClient, expect
from support.direct import publish, trade_envelope
from support.wait import until

pytestmark = pytest.mark.services("settlement", "gateway", "users")

DAY = "2026-11-16"
REPORTS = [
    ("/v1/settlements/statements/{account}", {"day": DAY}),
    ("/v1/settlements/nets", {"account_id": "{account}"}),
    ("/v1/settlements/fees", {"account_id": "{account}"}),
]
PROOFS = [
    "/v1/settlements/reconciliation",
    "/v1/settlements/reconciliation/assets",
    "/v1/settlements/reconciliation/nets",
]


def of(account, path, params):
    return path.format(account=account), {key: text.format(account=account) for key, text in params.items()}


@pytest.mark.parametrize(("path", "params"), REPORTS)
def test_a_report_is_shown_to_its_owner_and_to_operators_only(operator, new_trader, path, params):
    """Another trader is answered as if there were no such account."""
    owner, stranger = new_trader(cash="5"), new_trader(cash="0")
    address, query = of(owner.account_id, path, params)
    assert owner.client.get(address, params=query).status_code == 200
    assert operator.get(address, params=query).status_code == 200
    refused = stranger.client.get(address, params=query)
    absent_address, absent_query = of("00000000-0000-0000-0000-000000000000", path, params)
    absent = stranger.client.get(absent_address, params=absent_query)
    assert refused.status_code == absent.status_code == 404
    assert refused.json()["type"] == absent.json()["type"]


def test_all_obligations_at_once_are_the_operators(operator, new_trader):
    """Leaving the account out, or naming a day alone, does not open other accounts."""
    trader = new_trader(cash="0")
    for params in ({}, {"trade_date": DAY}):
        assert trader.client.get("/v1/settlements/nets", params=params).status_code == 403
        expect(operator.get("/v1/settlements/nets", params=params), 200)


@pytest.mark.parametrize("path", PROOFS)
def test_the_books_are_proved_to_operators_only(operator, new_trader, path):
    """The totals of the house are nothing for traders."""
    assert new_trader(cash="0").client.get(path).status_code == 403
    expect(operator.get(path), 200)


def test_only_operators_net(new_trader):
    """A trader cannot start the netting of a day."""
    answer = new_trader(cash="0").client.post("/v1/settlements/netting", json={"trade_date": DAY})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", [*PROOFS, "/v1/settlements/nets", "/v1/settlements/statements/abc"])
def test_reports_need_a_token(platform, path):
    """Without logging in nothing is shown."""
    client = ApiClient(platform.url("gateway"))
    assert client.get(path, params={"day": DAY}).status_code == 401
    client.close()


@pytest.mark.parametrize("text", ["' OR 1=1 --", "a%27;--", "house:fees", "external:deposits"])
def test_an_account_id_is_no_query_language(operator, text):
    """Quotes, operators and names of house accounts are refused before the books are asked."""
    assert operator.get("/v1/settlements/nets", params={"account_id": text}).status_code == 422


def test_an_id_that_only_begins_like_an_account_s_is_not_that_account(
    platform, operator, new_trader, new_symbol
):
    """A trade is shown to the owners of its accounts, and an account's id is all of its text."""
    trader = new_trader(cash="0")
    trade = trade_envelope(new_symbol(), f"{trader.account_id}?of=mine", "nobody-s")
    publish(platform, [trade])
    path = f"/v1/settlements/{trade.payload.trade_id}"
    until(lambda: operator.get(path).status_code == 200, message="the trade reaches settlement")
    assert trader.client.get(path).status_code == 404
