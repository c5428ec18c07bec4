from __future__ import annotations

import time
from typing import Any

import pytest
from support.client import ApiClient, expect
from support.race import held_row
from support.wait import until

pytestmark = pytest.mark.services("gateway", "auth", "users")

PROBLEM = "application/problem+json"


@pytest.fixture
def client(market: Any) -> ApiClient:
    return market.new_user()[0]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/v2/accounts", "/v1/accounts/unknown/deeper"])
def test_an_unknown_path_is_a_problem(client: ApiClient, path: str) -> None:
    """What leads nowhere is answered 404 with a problem document, by the gateway or by a service."""
    answer = client.get(path)
    assert answer.status_code == answer.json()["status"] == 404
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/v1/accounts"), ("OPTIONS", "/v1/accounts")])
def test_a_wrong_method_is_a_problem(client: ApiClient, method: str, path: str) -> None:
    """A method that nobody serves is answered 405 with a problem document."""
    answer = client.request(method, path)
    assert answer.status_code == answer.json()["status"] == 405
    assert answer.headers["content-type"] == PROBLEM


def test_a_body_that_is_no_json_is_the_callers_fault(client: ApiClient) -> None:
    """Malformed JSON gets 400 or 422 and a problem document, not a server error."""
    answer = client.post(
        "/v1/accounts", content=b'{"name": "ma', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == PROBLEM


def test_without_a_token_only_the_public_paths_answer(platform: Any) -> None:
    """The keys are public, accounts are not."""
    anonymous = ApiClient(platform.url("gateway"))
    assert expect(anonymous.get("/v1/auth/jwks"), 200)["keys"]
    answer = anonymous.get("/v1/accounts")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    anonymous.close()


def test_a_deadline_that_has_passed_is_not_worked_on(client: ApiClient) -> None:
    """A request that comes too late by its own header gets 504 and has no effect."""
    late = {"X-Request-Deadline": f"{time.time() - 1:.3f}"}
    answer = client.post("/v1/accounts", json={"name": "late"}, headers=late)
    assert answer.status_code == 504
    assert answer.headers["content-type"] == PROBLEM
    assert expect(client.get("/v1/accounts"), 200)["items"] == []


def test_a_caller_waits_no_longer_than_his_deadline(platform: Any, client: ApiClient) -> None:
    """A caller with half a second gets 504 while the service is held up, before the gateway's own limit."""
    account_id = expect(client.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    with held_row(platform, account_id, table="users_account", database="users_db"):
        started = time.monotonic()
        soon = {"X-Request-Deadline": f"{time.time() + 0.5:.3f}"}
        answer = client.delete(f"/v1/accounts/{account_id}", headers=soon)
        seconds = time.monotonic() - started
    assert answer.status_code == 504
    assert seconds < 20


def test_the_way_of_a_request_is_one_trace(platform: Any, client: ApiClient) -> None:
    """The trace id of the answer finds the spans of the gateway and of the service."""
    trace_id = client.get("/v1/accounts").headers["x-trace-id"]
    assert len(trace_id) == 32

    def services() -> set[str]:
        return {span["service"] for span in platform.traces(trace_id)}

    until(lambda: services() >= {"gateway", "users"}, message="both services tell of the request")


def test_answers_carry_no_headers_of_the_connection_behind(client: ApiClient) -> None:
    """An answer has one length and one trace id, and nothing of the hop between gateway and service."""
    answer = client.get("/v1/accounts")
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    assert len(names) == len(set(names))
    assert not {"connection", "keep-alive", "transfer-encoding", "server", "via"} & set(names)


def test_head_answers_like_get_without_a_body(client: ApiClient) -> None:
    """HEAD has the status and the length of GET."""
    full, head = client.get("/v1/accounts"), client.request("HEAD", "/v1/accounts")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]


@pytest.mark.parametrize("service", ["gateway", "auth", "users"])
def test_services_tell_of_themselves(platform: Any, service: str) -> None:
    """Each service answers for its health, its metrics and its interface."""
    with platform.http(service) as plain:
        assert plain.get("/health/live").json() == {"status": "ok"}
        ready = until(
            lambda: (found := plain.get("/health/ready")).status_code == 200 and found.json(),
            message=f"{service} is ready",
        )
        assert (ready["status"], ready["service"]) == ("ok", service)
        assert "http_requests_total" in plain.get("/metrics").text
        assert plain.get("/openapi.json").json()["paths"]
    plain.close()
