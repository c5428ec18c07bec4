"""What comes in from outside never makes a service fail, however strange."""

from __future__ import annotations

import pytest

PROBLEM = "application/problem+json"

STRANGE = [
    pytest.param(path, marks=pytest.mark.services("gateway", service), id=name)
    for name, service, path in (
        ("symbol with NUL", "orders", "/v1/orders?account_id={account}&symbol=%00"),
        ("cursor with NUL", "orders", "/v1/orders?account_id={account}&after=%00"),
        ("symbol with NUL, of nobody's account", "orders", "/v1/orders?account_id=nobody&symbol=%00"),
        ("cursor with NUL, of nobody's account", "orders", "/v1/orders?account_id=nobody&after=%00"),
        ("settlement cursor with NUL", "settlement", "/v1/settlements?account_id={account}&after=%00"),
        ("the last day there is", "settlement", "/v1/settlements/statements/{account}?day=9999-12-31"),
        ("the first day there is", "settlement", "/v1/settlements/statements/{account}?day=0001-01-01"),
        ("account with a question mark", "risk", "/v1/risk/limits/{account}%3F"),
        ("account with a slash", "risk", "/v1/risk/limits/{account}%2Fx"),
        ("account with a control character", "risk", "/v1/risk/positions/{account}%01"),
    )
]


@pytest.mark.parametrize("path", STRANGE)
def test_strange_input_is_refused(new_trader, path: str) -> None:
    """It is answered with a problem document of the 4xx family."""
    trader = new_trader()
    answer = trader.client.get(path.format(account=trader.account_id))
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"].startswith(PROBLEM)
