"""Use cases: let a request in, pass it on to the service that owns its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.gateway.authentication import bearer
from services.gateway.coalescing import Coalescer, ReadKey
from shared.clients.deadline import effective_deadline
from shared.errors import NexusError, Unauthenticated
from shared.security import Identity
from shared.security.identity import API_KEY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from services.gateway.api_keys import ApiKeys
    from services.gateway.authentication import Authenticator
    from services.gateway.ratelimit import RateLimiter
    from services.gateway.routing import Route, RoutingTable
    from shared.clients import AsyncServiceClient

ANONYMOUS = Identity(subject="anonymous")


class PayloadTooLarge(NexusError):
    """The body is longer than the gateway takes; `limit` is in bytes."""

    status = 413
    problem_type = "payload-too-large"
    title = "The request is too large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Bounds of a request: seconds until its answer is of no use, bytes of its body."""

    deadline_seconds: float
    max_body_bytes: int


class Gateway:
    """Admission and forwarding."""

    def __init__(
        self,
        *,
        routes: RoutingTable,
        authenticator: Authenticator,
        api_keys: ApiKeys,
        limiter: RateLimiter,
        clients: Mapping[str, AsyncServiceClient],
        policy: Policy,
    ) -> None:
        self.routes = routes
        self.policy = policy
        self._authenticator = authenticator
        self._api_keys = api_keys
        self._limiter = limiter
        self._clients = clients
        self._reads: Coalescer[httpx.Response] = Coalescer()

    async def admit(self, *, authorization: str | None, address: str, public: bool = False) -> Identity:
        """The caller, counted against his rate: a user by name, anyone else by the address of his connection.

        Unauthenticated, RateLimited.
        """
        if public:
            await self._limiter.check_address(address)
            return ANONYMOUS
        try:
            identity = await self._identify(authorization)
        except Unauthenticated:
            await self._limiter.check_address(address)
            raise
        await self._limiter.check_user(identity.subject)
        return identity

    async def forward(
        self,
        *,
        route: Route,
        method: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        identity: Identity,
    ) -> httpx.Response:
        """The service's answer, whatever its status. DependencyUnavailable, DeadlineExceeded."""
        target = f"{route.upstream_path}?{query}" if query else route.upstream_path

        async def call() -> httpx.Response:
            return await self._clients[route.target].request(
                method, target, content=body, identity=identity, headers=headers
            )

        with effective_deadline(self.policy.deadline_seconds).active():
            if route.shared:
                key = ReadKey.of(identity, target, headers.get("accept", ""))
                return await self._reads.fetch(key, call)
            try:
                return await call()
            finally:
                if method != "GET":
                    self._reads.forget(identity)

    async def _identify(self, authorization: str | None) -> Identity:
        token = bearer(authorization)
        if token is None:
            raise Unauthenticated("an access token is required")
        if token.startswith(API_KEY_PREFIX):
            return await self._api_keys.identify(token)
        return await self._authenticator.identify(token)
