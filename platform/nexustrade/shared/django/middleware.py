"""What happens around each request, from the outside in: length, trace and log, deadline, identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shared.clients.deadline import Deadline
from shared.django.responses import problem_response
from shared.errors import DeadlineExceeded, NexusError, Unauthenticated
from shared.http.context import QUIET_PATHS, UNMATCHED, exchange
from shared.http.problems import CONTENT_TYPE, problem_of, status_problem
from shared.security.service_tokens import TokenVerifier

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[HttpRequest], HttpResponse]

BEARER = "bearer "


def length_middleware(get_response: Handler) -> Handler:
    """Tell the length of each answer, without which the server would close the connection after it."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.streaming and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))
        return response

    return handle


def exchange_middleware(get_response: Handler) -> Handler:
    """Trace, log line and metrics; every refusal leaves as a problem document."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path in QUIET_PATHS:
            return get_response(request)
        headers = {
            "traceparent": request.META.get("HTTP_TRACEPARENT", ""),
            "tracestate": request.META.get("HTTP_TRACESTATE", ""),
        }
        with exchange(request.method or "", request.path, headers) as current:
            response = _as_problem(get_response(request))
            current.status = response.status_code
            current.route = _route(request)
            response["X-Trace-Id"] = current.trace_id
            return response

    return handle


def deadline_middleware(get_response: Handler) -> Handler:
    """The caller's deadline holds for everything that the request does; a late request is refused."""

    def handle(request: HttpRequest) -> HttpResponse:
        deadline = Deadline.parse(request.META.get("HTTP_X_REQUEST_DEADLINE"))
        if deadline is None:
            return get_response(request)
        if deadline.expired:
            return problem_response(problem_of(DeadlineExceeded("the caller's deadline has passed")))
        with deadline.active():
            return get_response(request)

    return handle


def identity_middleware(get_response: Handler) -> Handler:
    """`request.identity` is the caller that the service token proves, or None where there is no token."""
    tokens = TokenVerifier(settings.SERVICE, settings.NEXUS.service_token_secret)

    def handle(request: HttpRequest) -> HttpResponse:
        authorization = request.META.get("HTTP_AUTHORIZATION")
        try:
            identity = None
            if authorization is not None:
                identity = tokens.verify(_bearer(authorization))
        except NexusError as error:
            return problem_response(problem_of(error))
        request.identity = identity  # type: ignore[attr-defined]
        return get_response(request)

    return handle


def _bearer(authorization: str) -> str:
    if not authorization.lower().startswith(BEARER):
        raise Unauthenticated("a bearer token is required")
    return authorization[len(BEARER) :].strip()


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    return f"/{match.route}" if match else UNMATCHED


def _as_problem(response: HttpResponse) -> HttpResponse:
    """Django's own refusals (no such path, wrong method) in the form that all others have."""
    if response.status_code < 400 or response.get("Content-Type") == CONTENT_TYPE:
        return response
    refusal = problem_response(status_problem(response.status_code))
    if "Allow" in response:
        refusal["Allow"] = response["Allow"]
    return refusal
