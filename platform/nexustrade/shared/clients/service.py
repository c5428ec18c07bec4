"""The blocking client, for Django services and background threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from shared.clients.blocking import BlockingTransport
from shared.clients.bulkhead import Bulkhead
from shared.clients.core import Call, ClientCore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.clients.breaker import CircuitBreaker
    from shared.clients.discovery import Discovery
    from shared.clients.retry import RetryPolicy
    from shared.config import Settings
    from shared.security import Identity


class ServiceClient:
    """Calls one service. Make one per target and process: it keeps connections, breaker and retry budget.

    `timeout` (seconds) bounds a call with all its attempts; an earlier deadline of the request in hand wins.
    """

    def __init__(
        self,
        target: str,
        settings: Settings,
        discovery: Discovery,
        *,
        timeout: float = 2.0,
        retry: RetryPolicy | None = None,
        breaker: CircuitBreaker | None = None,
        bulkhead: Bulkhead | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._core = ClientCore(target, settings, discovery, timeout=timeout, retry=retry, breaker=breaker)
        self._discovery = discovery
        self._bulkhead = bulkhead or Bulkhead(target)
        # Without httpx's client around it: services send each other neither cookies nor redirects.
        self._transport = transport or BlockingTransport(settings.tls)

    @property
    def target(self) -> str:
        return self._core.target

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        identity: Identity | None = None,
        idempotent: bool | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """The service's answer, whatever its status (see `raise_for_problem`).

        `identity` is whom the call is made for (None: this service itself). `idempotent` says whether the
        call may be repeated when no answer came; by default the method decides.
        Raises CircuitOpen, NoRoom, DependencyUnavailable or DeadlineExceeded when there is no answer.
        """
        body = {"json": json, "params": params}
        call = self._core.begin(method, path, body, identity, idempotent, headers, timeout)
        with self._core.trace(call):
            while True:
                outcome = self._attempt(call)
                pause = self._core.pause_before_retry(call, outcome)
                if pause is None:
                    return self._core.conclude(call, outcome)
                time.sleep(pause)

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()

    def _attempt(self, call: Call) -> httpx.Response | httpx.TransportError:
        instance = self._discovery.pick(self.target)
        self._core.breaker.before_call()
        try:
            with self._bulkhead.place(call.deadline.remaining()):
                response = self._send(self._core.request_of(call, instance))
        except httpx.TransportError as error:
            self._core.unanswered(error, instance)
            return error
        except BaseException:
            self._core.breaker.abandoned()
            raise
        self._core.answered(response)
        return response

    def _send(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        response.request = request
        try:
            response.read()
        finally:
            response.close()
        return response
