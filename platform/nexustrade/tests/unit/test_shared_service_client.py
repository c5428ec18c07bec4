from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from shared.clients import (
    AsyncServiceClient,
    BreakerConfig,
    CircuitBreaker,
    CircuitOpen,
    Deadline,
    Instance,
    RetryPolicy,
    ServiceClient,
    StaticDiscovery,
    raise_for_problem,
)
from shared.errors import DeadlineExceeded, DependencyUnavailable, LimitExceeded, ValidationFailed
from shared.http.problems import CONTENT_TYPE, problem_of
from shared.observability import current_trace_id, span
from shared.security import Identity, service_tokens

pytestmark = pytest.mark.services("gateway", "orders")

SETTINGS: Any = SimpleNamespace(service="orders", service_token_secret="s" * 40)
ONE, TWO = Instance("risk-1", "10.0.0.1", 80), Instance("risk-2", "10.0.0.2", 80)
TRADER = Identity("u-1", roles=("trader",), permissions=("orders:write",), tenant="t-9")

Answer = httpx.Response | Exception


class Risk:
    """The called service: answers with what the test lined up, 200 when that is used up."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else httpx.Response(200, json={})
        if isinstance(answer, Exception):
            raise answer
        return answer


class Watched(StaticDiscovery):
    def __init__(self, *instances: Instance) -> None:
        super().__init__({"risk": instances})
        self.evicted: list[Instance] = []

    def evict(self, _service: str, instance: Instance) -> None:
        self.evicted.append(instance)


@pytest.fixture(params=["sync", "async"])
def client_of(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes a blocking client, or an asynchronous one that is called like it."""

    def make(risk: Risk, **options: Any) -> Any:
        discovery = options.pop("discovery", Watched(ONE))
        options.setdefault("retry", RetryPolicy(uniform=lambda _low, _high: 0.0))
        transport = httpx.MockTransport(risk)
        if request.param == "sync":
            return ServiceClient("risk", SETTINGS, discovery, transport=transport, **options).request
        client = AsyncServiceClient("risk", SETTINGS, discovery, transport=transport, **options)
        return lambda *arguments, **named: asyncio.run(client.request(*arguments, **named))

    return make


def test_client_passes_on_the_callers_deadline(client_of: Callable[..., Any]) -> None:
    """The next hop gets the remaining time, not a fresh time-out."""
    risk = Risk()
    deadline = Deadline.after(30.0)
    with deadline.active():
        client_of(risk, timeout=300.0)("GET", "/v1/limits")
    sent = Deadline.parse(risk.requests[0].headers["x-request-deadline"])
    assert sent is not None
    assert sent.at == pytest.approx(deadline.at, abs=1e-5)
    assert risk.requests[0].extensions["timeout"]["read"] <= 30.0


def test_client_sets_a_deadline_of_its_own_when_there_is_none(client_of: Callable[..., Any]) -> None:
    """Every call between services is bounded in time."""
    risk = Risk()
    client_of(risk, timeout=30.0)("GET", "/v1/limits")
    sent = Deadline.parse(risk.requests[0].headers["x-request-deadline"])
    assert sent is not None
    assert 15.0 < sent.remaining() <= 30.0


def test_client_makes_no_call_after_the_deadline(client_of: Callable[..., Any]) -> None:
    """Work for a caller who has given up is not begun."""
    risk = Risk()
    with Deadline.after(-1.0).active(), pytest.raises(DeadlineExceeded):
        client_of(risk)("GET", "/v1/limits")
    assert risk.requests == []


def test_client_calls_with_a_token_that_names_target_and_user(client_of: Callable[..., Any]) -> None:
    """The called service learns who calls, for whom, with all claims."""
    risk = Risk()
    client_of(risk)("POST", "/internal/v1/reservations", json={}, identity=TRADER)
    scheme, token = risk.requests[0].headers["authorization"].split()
    assert scheme == "Bearer"
    caller = service_tokens.verify(token, "risk", SETTINGS.service_token_secret)
    assert caller == Identity("u-1", ("trader",), ("orders:write",), "t-9", issuer="orders")


def test_client_continues_the_current_trace(client_of: Callable[..., Any]) -> None:
    """The traceparent header carries the trace of the request in hand."""
    risk = Risk()
    with span("request"):
        trace_id = current_trace_id()
        client_of(risk)("GET", "/v1/limits")
    assert risk.requests[0].headers["traceparent"].split("-")[1] == trace_id


def test_client_repeats_an_idempotent_call_after_a_503(client_of: Callable[..., Any]) -> None:
    """A failure that passes is not seen by the caller."""
    risk = Risk(httpx.Response(503), httpx.ReadError("reset"))
    assert client_of(risk)("GET", "/v1/limits").status_code == 200
    assert len(risk.requests) == 3


def test_client_does_not_repeat_a_call_that_may_have_taken_effect(client_of: Callable[..., Any]) -> None:
    """A POST that was sent and not answered is left to its caller."""
    risk = Risk(httpx.ReadError("reset"))
    with pytest.raises(DependencyUnavailable):
        client_of(risk)("POST", "/v1/orders", json={})
    assert len(risk.requests) == 1


def test_client_hands_on_an_answer_that_says_when_to_come_back(client_of: Callable[..., Any]) -> None:
    """A service that is overloaded and says so is left alone."""
    risk = Risk(httpx.Response(429, headers={"Retry-After": "1"}))
    assert client_of(risk)("GET", "/v1/limits").status_code == 429
    assert len(risk.requests) == 1


def test_client_does_not_repeat_a_refused_write(client_of: Callable[..., Any]) -> None:
    """A POST that was answered 503 may have been half done: its caller decides."""
    risk = Risk(httpx.Response(503))
    assert client_of(risk)("POST", "/v1/orders", json={}).status_code == 503
    assert len(risk.requests) == 1


def test_client_goes_to_another_instance_when_one_cannot_be_reached(client_of: Callable[..., Any]) -> None:
    """A request that never left is repeated elsewhere, whatever its method, and the dead one is evicted."""
    risk, discovery = Risk(httpx.ConnectError("refused")), Watched(ONE, TWO)
    assert client_of(risk, discovery=discovery)("POST", "/v1/orders", json={}).status_code == 200
    assert discovery.evicted == [ONE]
    assert [request.url.host for request in risk.requests] == [ONE.host, TWO.host]


def test_client_stops_calling_a_dependency_that_keeps_failing(client_of: Callable[..., Any]) -> None:
    """Once the breaker is open, calls fail without reaching the dependency."""
    breaker = CircuitBreaker("risk", BreakerConfig(minimum_calls=3, recovery=60.0))
    risk = Risk(*(httpx.Response(500) for _ in range(10)))
    request = client_of(risk, breaker=breaker, retry=RetryPolicy(attempts=1))
    for _ in range(3):
        assert request("GET", "/v1/limits").status_code == 500
    with pytest.raises(CircuitOpen):
        request("GET", "/v1/limits")
    assert len(risk.requests) == 3


def test_problem_answers_turn_back_into_errors() -> None:
    """What a service raised is what its caller can catch, fields included."""
    body = problem_of(LimitExceeded("no room", order_id="o-1"))
    answer = httpx.Response(409, json=body, headers={"content-type": CONTENT_TYPE})
    with pytest.raises(LimitExceeded) as refusal:
        raise_for_problem(answer, "risk")
    assert refusal.value.fields == {"order_id": "o-1"}


def test_validation_problems_keep_the_field() -> None:
    """The field at fault survives the way through another service."""
    body = problem_of(ValidationFailed("must be positive", field="quantity"))
    answer = httpx.Response(422, json=body, headers={"content-type": CONTENT_TYPE})
    with pytest.raises(ValidationFailed) as refusal:
        raise_for_problem(answer, "risk")
    assert refusal.value.field == "quantity"


def test_answers_without_a_problem_document_are_failures_of_the_dependency() -> None:
    """A bare 502 of some proxy is not taken for an answer of the service."""
    with pytest.raises(DependencyUnavailable):
        raise_for_problem(httpx.Response(502, text="bad gateway"), "risk")
