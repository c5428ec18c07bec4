"""The asynchronous client, for the gateway and the other FastAPI services."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from shared.clients.bulkhead import AsyncBulkhead
from shared.clients.core import Call, ClientCore
from shared.clients.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.clients.breaker import CircuitBreaker
    from shared.clients.discovery import Discovery
    from shared.clients.retry import RetryPolicy
    from shared.config import Settings
    from shared.security import Identity


class AsyncServiceClient:
    """Calls one service. Make one per target and event loop; the twin of `ServiceClient`."""

    def __init__(
        self,
        target: str,
        settings: Settings,
        discovery: Discovery,
        *,
        timeout: float = 2.0,
        retry: RetryPolicy | None = None,
        breaker: CircuitBreaker | None = None,
        bulkhead: AsyncBulkhead | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._core = ClientCore(target, settings, discovery, timeout=timeout, retry=retry, breaker=breaker)
        self._discovery = discovery
        self._bulkhead = bulkhead or AsyncBulkhead(target)
        # Without httpx's client around it: services send each other neither cookies nor redirects.
        self._transport = transport or PooledTransport(settings.tls)

    @property
    def target(self) -> str:
        return self._core.target

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        identity: Identity | None = None,
        idempotent: bool | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the twin of the blocking client
    ) -> httpx.Response:
        """The service's answer, whatever its status; see `ServiceClient.request`.

        `content` sends a body as it is, for a proxy that does not look into it.
        """
        body = {"content": content} if content is not None else {"json": json}
        call = self._core.begin(
            method, path, {**body, "params": params}, identity, idempotent, headers, timeout
        )
        with self._core.trace(call):
            while True:
                outcome = await self._attempt(call)
                pause = self._core.pause_before_retry(call, outcome)
                if pause is None:
                    return self._core.conclude(call, outcome)
                await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._transport.aclose()

    async def _attempt(self, call: Call) -> httpx.Response | httpx.TransportError:
        # A lookup blocks: only when memory has no answer is it worth a trip to another thread.
        instance = self._discovery.pick_cached(self.target)
        if instance is None:
            instance = await asyncio.to_thread(self._discovery.pick, self.target)
        self._core.breaker.before_call()
        try:
            async with self._bulkhead.place(call.deadline.remaining()):
                response = await self._send(self._core.request_of(call, instance))
        except httpx.TransportError as error:
            self._core.unanswered(error, instance)
            return error
        except BaseException:
            self._core.breaker.abandoned()
            raise
        self._core.answered(response)
        return response

    async def _send(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        response.request = request
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response
