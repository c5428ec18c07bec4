"""Made-up requests get the answers that the OpenAPI documents name, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.market import Market
from support.services import NAMES, every_service

# A slow machine is no failure, and many requests are what is wanted here.
ENV = {
    "NEXUS__GATEWAY__RATE_LIMIT__REQUESTS": "100000",
    "NEXUS__GATEWAY__RATE_LIMIT__ANONYMOUS_REQUESTS": "100000",
    "NEXUS__GATEWAY__DEADLINE_SECONDS": "25",
    "NEXUS__GATEWAY__BULKHEAD__WAIT_SECONDS": "20",
    "NEXUS__ORDERS__CREDIT_CHECK__TIMEOUT_SECONDS": "20",
}

LEFT_OUT = {
    "POST /v1/auth/keys": "changes the key that signs everybody's tokens",
    "POST /api/v1/auth/keys": "the same",
}


@pytest.fixture(scope="module")
def own_market(own_platform: Callable[..., Any]) -> Any:
    """On a platform of its own: what is made up stays there as rows."""
    market = Market(own_platform(env=ENV))
    yield market
    market.close()


BEHIND = [name for name in NAMES if name != "gateway"]


@every_service(*BEHIND)
def test_made_up_requests_get_documented_answers(own_market: Market, service: str) -> None:
    """What a document allows and what it forbids is answered as it says, and never by a 5xx."""
    # Here, because it takes half a second that the collection of all other tests does without.
    from support.fuzz_targets import target_of

    statuses = answers(target_of(own_market, service))
    assert {401, 422} <= statuses


@every_service(*BEHIND)
@pytest.mark.services("gateway")
def test_the_gateway_passes_documented_answers_on(own_market: Market, service: str) -> None:
    """The same through the gateway, which adds refusals of its own."""
    from support.fuzz_targets import target_behind_gateway

    assert 401 in answers(target_behind_gateway(own_market, service))


def answers(target: Any) -> set[int]:
    """The statuses that came; AssertionError for one that the document does not name, or a 5xx."""
    from support.fuzzing import Report, fuzz

    report = Report()
    fuzz(target, leave_out=LEFT_OUT, report=report)
    print(f"{len(report.sent)} operations, {report.sent.total()} requests, {sorted(report.statuses.items())}")
    assert report.findings == []
    assert min(report.sent.values()) > 0, report.sent
    assert any(status < 300 for status in report.statuses)
    return set(report.statuses)
