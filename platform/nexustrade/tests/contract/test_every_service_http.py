"""What every HTTP service owes its operators and callers, whatever it does."""

from __future__ import annotations

from typing import Any

import pytest
from support.services import ask, every_service, operations
from support.wait import until

from shared.security import Identity, service_tokens

PROBLEM = "application/problem+json"
OPERATOR = Identity("contract-test", roles=("operator",), permissions=("orders:write",), tenant="t")


# They work without a body, and what they do concerns everybody who is logged in.
NEEDS_NO_BODY = ("/v1/auth/keys",)


def bearer(platform: Any, service: str, path: str = "") -> dict[str, str]:
    secret = platform.environment(service)["SERVICE_TOKEN_SECRET"]
    issuer = "orders" if path.startswith("/internal/") else "gateway"
    return {"Authorization": f"Bearer {service_tokens.issue(issuer, service, OPERATOR, secret)}"}


@every_service()
def test_service_publishes_its_openapi_document(platform: Any, service: str) -> None:
    """Every service describes its operations in OpenAPI 3, and each with its answers."""
    answer = ask(platform, service, "/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"]
    assert all(operation["responses"] for path in document["paths"].values() for operation in path.values())


@every_service()
def test_service_reports_readiness_with_its_checks(platform: Any, service: str) -> None:
    """Readiness names the service and the state of each dependency."""
    answer = until(
        lambda: (found := ask(platform, service, "/health/ready")).status_code == 200 and found,
        message=f"{service} is not ready",
    )
    body = answer.json()
    assert (body["status"], body["service"]) == ("ok", service)
    assert body["checks"]
    assert set(body["checks"].values()) == {"ok"}


@every_service()
def test_service_reports_that_it_is_alive(platform: Any, service: str) -> None:
    """Liveness needs no token and looks at no dependency."""
    answer = ask(platform, service, "/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@every_service()
def test_service_counts_requests_by_route_and_not_by_path(platform: Any, service: str) -> None:
    """A path that no route matches adds no series of its own to the metrics."""
    ask(platform, service, "/v1/no-such-thing-qzxjvk")
    answer = ask(platform, service, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "http_requests_total{" in answer.text
    assert "qzxjvk" not in answer.text


@every_service()
def test_unknown_path_is_a_problem(platform: Any, service: str) -> None:
    """A wrong address is answered with a problem document and the trace to quote."""
    answer = ask(platform, service, "/nowhere/at/all", headers=bearer(platform, service))
    assert answer.status_code in {401, 404}
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"].startswith("https://nexustrade.example/problems/")
    assert body["title"]
    assert len(answer.headers["x-trace-id"]) == 32


@every_service("auth", "users", "orders", "risk", "settlement")
def test_unusable_body_is_a_problem_that_names_the_fields(platform: Any, service: str) -> None:
    """Each POST that needs a body refuses an unusable one with 422 and says which fields are at fault."""
    answers = [
        ask(platform, service, path, method, json={"nonsense": 1}, headers=bearer(platform, service, path))
        for method, path in operations(platform, service)
        if method == "POST" and path not in NEEDS_NO_BODY
    ]
    refused = [answer for answer in answers if answer.status_code == 422]
    assert refused
    for answer in refused:
        assert answer.headers["content-type"] == PROBLEM
        body = answer.json()
        assert body["type"].endswith("/validation-failed")
        assert all(error["message"] for error in body["errors"])
    assert any(error["field"] for answer in refused for error in answer.json()["errors"])


@every_service("users", "orders", "risk", "market-data")
def test_expired_deadline_is_refused_at_the_door(platform: Any, service: str) -> None:
    """A request whose caller has given up is answered 504 without doing its work."""
    method, path = operations(platform, service)[0]
    headers = {**bearer(platform, service), "X-Request-Deadline": "1000000000.0"}
    answer = ask(platform, service, path, method, headers=headers)
    assert answer.status_code == 504
    assert answer.json()["type"].endswith("/deadline-exceeded")


@every_service("users", "orders", "risk", "market-data", "notifications")
def test_trace_of_the_caller_goes_on(platform: Any, service: str, rng: Any) -> None:
    """The trace id in traceparent comes back, and the service's span joins that trace."""
    trace_id = f"{rng.getrandbits(128):032x}"
    headers = {**bearer(platform, service), "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    answer = ask(platform, service, "/v1/no-such-thing", headers=headers)
    assert answer.headers["x-trace-id"] == trace_id
    spans = until(lambda: platform.traces(trace_id=trace_id), message="no span was written")
    assert {span["service"] for span in spans} == {service}
    assert spans[0]["parent_id"] == "00f067aa0ba902b7"


@pytest.mark.services("orders")
def test_wrong_method_is_a_problem_that_names_the_right_ones(platform: Any) -> None:
    """405 is a problem document as well, with the methods that are allowed."""
    answer = ask(platform, "orders", "/v1/orders", "PATCH", headers=bearer(platform, "orders"))
    assert answer.status_code == 405
    assert answer.headers["content-type"] == PROBLEM
    assert "POST" in answer.headers["allow"]
