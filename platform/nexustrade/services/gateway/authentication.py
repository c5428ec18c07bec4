"""Who sends a request, by his access token."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shared.clock import monotonic, wall_time
from shared.errors import DependencyUnavailable, NexusError, Unauthenticated
from shared.observability.logging import get_logger
from shared.observability.metrics import counter
from shared.security import Identity, jwt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    FetchJwks = Callable[[], Awaitable[dict[str, Any]]]

_log = get_logger(__name__)
_fetches = counter("gateway_jwks_fetches", "Times the signing keys were fetched from auth")


class KeySet:
    """The public keys that auth publishes, kept for `max_age` seconds.

    A key id that is not known makes them be fetched again, at most once in `min_interval` seconds, so that
    made-up ids cannot be used to flood auth. When auth does not answer, known keys stay in use.
    """

    def __init__(self, fetch: FetchJwks, *, max_age: float, min_interval: float) -> None:
        self._fetch = fetch
        self._max_age = max_age
        self._min_interval = min_interval
        self._keys: jwt.PublicKeys = {}
        self._fetched_at = float("-inf")
        self._refreshing = asyncio.Lock()

    async def with_key(self, key_id: str) -> jwt.PublicKeys:
        """The keys, fetched afresh if they are old or lack `key_id`; DependencyUnavailable without any."""
        # While somebody fetches them, a key that is known will do: a slow auth delays one caller, not all.
        if self._is_due(key_id) and not (key_id in self._keys and self._refreshing.locked()):
            async with self._refreshing:
                if self._is_due(key_id):
                    await self._refresh()
        if not self._keys:
            raise DependencyUnavailable("access tokens cannot be verified", service="auth")
        return self._keys

    def _is_due(self, key_id: str) -> bool:
        age = monotonic() - self._fetched_at
        return age >= self._max_age or (key_id not in self._keys and age >= self._min_interval)

    async def _refresh(self) -> None:
        _fetches.inc()
        try:
            self._keys = jwt.public_keys(await self._fetch())
        except NexusError as error:
            _log.warning("signing keys not refreshed", error=error.message)
        finally:
            self._fetched_at = monotonic()


@dataclass(frozen=True, slots=True)
class _Verified:
    identity: Identity
    key_id: str
    expires_at: float


class Authenticator:
    """Verifies access tokens; a token that was verified is not verified again until it expires."""

    def __init__(self, keys: KeySet, *, remember: int = 4096) -> None:
        self._keys = keys
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        self._remember = remember

    async def identify(self, token: str) -> Identity:
        """The user that `token` proves; Unauthenticated when it proves none."""
        known = self._verified.get(token)
        key_id = known.key_id if known else jwt.key_id(token)
        keys = await self._keys.with_key(key_id)
        if known is None or known.expires_at <= wall_time() or key_id not in keys:
            known = self._verify(token, key_id, keys)
        return known.identity

    def _verify(self, token: str, key_id: str, keys: jwt.PublicKeys) -> _Verified:
        self._verified.pop(token, None)
        claims = jwt.claims_of(token, keys)
        verified = _Verified(identity_of(claims), key_id, claims["exp"] + jwt.LEEWAY)
        self._verified[token] = verified
        if len(self._verified) > self._remember:
            self._verified.popitem(last=False)
        return verified


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """Who sends requests with a token of these claims: a user, from his device if it has a name."""
    user = jwt.identity_of(claims)
    return replace(user, device=claims["device"]) if "device" in claims else user


def bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization: Bearer` header, None without one; Unauthenticated for others."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("a bearer token is required")
    return token.strip()
