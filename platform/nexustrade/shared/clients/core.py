"""What the two clients, the blocking one and the asynchronous one, have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from shared.clients.breaker import CircuitBreaker
from shared.clients.counts import ATTEMPTS, RETRIES
from shared.clients.deadline import HEADER as DEADLINE_HEADER
from shared.clients.deadline import Deadline, effective_deadline
from shared.clients.retry import RetryPolicy
from shared.clients.wire import HandshakeFailed
from shared.errors import DeadlineExceeded, DependencyUnavailable
from shared.observability.logging import get_logger
from shared.observability.tracing import CLIENT, inject, span
from shared.security.service_tokens import TokenIssuer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span

    from shared.clients.discovery import Discovery, Instance
    from shared.config import Settings
    from shared.security import Identity

log = get_logger("client")

DEFAULT_TIMEOUT = 2.0  # seconds

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
FAILURE_STATUSES = frozenset({500, 502, 503, 504})

# Raised before the request left this process: repeating it is safe, whatever it does.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(slots=True)
class Call:
    """One request to a service, over all of its attempts."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    deadline: Deadline
    idempotent: bool
    attempt: int = 1


class ClientCore:
    """Everything about a call but the sending of bytes."""

    def __init__(
        self,
        target: str,
        settings: Settings,
        discovery: Discovery,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        retry: RetryPolicy | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.target = target
        self.breaker = breaker or CircuitBreaker(target)
        self._discovery = discovery
        self._timeout = timeout
        self._retry = retry or RetryPolicy()
        self._tokens = TokenIssuer(settings.service, settings.service_token_secret)

    def begin(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        identity: Identity | None,
        idempotent: bool | None,
        headers: Mapping[str, str] | None,
        timeout: float | None,
    ) -> Call:
        """Prepare a call; DeadlineExceeded when the caller's time is already over."""
        deadline = effective_deadline(self._timeout if timeout is None else timeout)
        self._retry.budget.deposit()
        sent = {
            **(headers or {}),
            "Authorization": f"Bearer {self._tokens.token(self.target, identity)}",
            DEADLINE_HEADER: deadline.header(),
        }
        repeatable = method in IDEMPOTENT_METHODS if idempotent is None else idempotent
        return Call(method, path, sent, body, deadline, repeatable)

    def trace(self, call: Call) -> AbstractContextManager[Span]:
        name = f"{call.method} {self.target}"
        return span(name, kind=CLIENT, target=self.target, path=call.path, deadline=call.deadline.at)

    def request_of(self, call: Call, instance: Instance) -> httpx.Request:
        """The request of this attempt, with the time that is left as its time-out."""
        inject(call.headers)
        timeout = httpx.Timeout(max(0.001, call.deadline.remaining())).as_dict()
        url = _url(instance.url + call.path)
        return httpx.Request(
            call.method,
            url,
            headers=call.headers,
            extensions={"timeout": timeout, "sni_hostname": self.target},
            **call.body,
        )

    def answered(self, response: httpx.Response) -> None:
        """Tell the breaker of an answer."""
        if response.status_code in FAILURE_STATUSES:
            ATTEMPTS.labels(self.target, "failed").inc()
            self.breaker.failed()
        else:
            ATTEMPTS.labels(self.target, "answered").inc()
            self.breaker.succeeded()

    def unanswered(self, error: httpx.TransportError, instance: Instance) -> None:
        """Tell breaker and discovery of an attempt without an answer."""
        timed_out = isinstance(error, httpx.TimeoutException)
        ATTEMPTS.labels(self.target, "timeout" if timed_out else "unreachable").inc()
        self.breaker.failed()
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            self._discovery.evict(self.target, instance)

    def pause_before_retry(self, call: Call, outcome: httpx.Response | httpx.TransportError) -> float | None:
        """Seconds to wait before the next attempt, or None when there is to be none.

        An answer that says when to come back is for the caller: he knows whether to wait so long.
        """
        if isinstance(outcome, HandshakeFailed):
            return None
        status = None
        if isinstance(outcome, httpx.Response):
            status = outcome.status_code
            if status < 400 or "retry-after" in outcome.headers:
                return None
        safe = call.idempotent or isinstance(outcome, NOT_SENT)
        if not self._retry.allows(call.attempt, idempotent=safe, status=status):
            return None
        pause = self._retry.pause(call.attempt)
        if pause >= call.deadline.remaining():
            return None
        log.info("retry", target=self.target, attempt=call.attempt, reason=status or type(outcome).__name__)
        RETRIES.labels(self.target).inc()
        call.attempt += 1
        return pause

    def conclude(self, call: Call, outcome: httpx.Response | httpx.TransportError) -> httpx.Response:
        """The answer, or the error of the house that stands for there being none."""
        if isinstance(outcome, httpx.Response):
            return outcome
        reason = type(outcome).__name__
        # Every time-out is what was left of the deadline, and a timer may fire a moment before it.
        if call.deadline.expired or isinstance(outcome, httpx.TimeoutException):
            raise DeadlineExceeded(f"{self.target} did not answer in time", target=self.target) from outcome
        raise DependencyUnavailable(
            f"{self.target} does not answer", target=self.target, reason=reason
        ) from outcome


@lru_cache(maxsize=256)
def _url(text: str) -> httpx.URL:
    """Parsed once for the paths that are asked for all the time."""
    return httpx.URL(text)
