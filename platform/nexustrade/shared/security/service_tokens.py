"""Tokens with which services call each other: short-lived JWTs, HMAC-SHA256 over one shared secret.

A token is made for one audience, so that a service cannot pass on a token that it received.
Times are the machine's, never the market's: moving the market clock must not log services out.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, cast

import jwt

from shared.clock import monotonic, wall_time
from shared.errors import Unauthenticated
from shared.security.identity import Identity

ALGORITHM = "HS256"
DEFAULT_TTL = 30  # seconds; a call and its retries fit in, a stolen token is soon worthless
LEEWAY = 2  # seconds that the clocks of two hosts may differ
CACHE_LIMIT = 1024  # tokens

_REQUIRED = {"require": ["iss", "aud", "sub", "iat", "exp", "roles", "permissions", "tenant"]}
_jwt = jwt.PyJWT()


def issue(
    issuer: str, audience: str, identity: Identity | None, secret: str, ttl: float = DEFAULT_TTL
) -> str:
    """A token, good for `ttl` seconds, that lets `issuer` call `audience` on behalf of `identity`.

    Without an identity, the issuer calls on its own behalf.
    """
    caller = identity or Identity.of_service(issuer)
    now = wall_time()
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": caller.subject,
        "roles": list(caller.roles),
        "permissions": list(caller.permissions),
        "tenant": caller.tenant,
        "iat": int(now),
        "exp": int(now + ttl),
    }
    if caller.device:
        claims["device"] = caller.device
    return _jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify(token: str, audience: str, secret: str) -> Identity:
    """The caller that `token` proves.

    Unauthenticated when it is absent, forged, expired or made for another service.
    """
    return _identity(_claims(token, audience, secret))


def _claims(token: str, audience: str, secret: str) -> dict[str, Any]:
    if not token:
        raise Unauthenticated("a service token is required")
    try:
        claims = _jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=audience,
            leeway=LEEWAY,
            options=cast("Any", _REQUIRED),
        )
    except jwt.InvalidTokenError as error:
        raise Unauthenticated("the service token is not valid") from error
    return claims


def _identity(claims: dict[str, Any]) -> Identity:
    return Identity(
        subject=claims["sub"],
        roles=tuple(claims["roles"]),
        permissions=tuple(claims["permissions"]),
        tenant=claims["tenant"],
        issuer=claims["iss"],
        device=claims.get("device", ""),
    )


class TokenVerifier:
    """Verifies the tokens that one service receives, and remembers those it has seen until they expire.

    A caller uses a token for several seconds: most requests carry one whose signature is known to be right.
    """

    def __init__(self, audience: str, secret: str) -> None:
        self._audience = audience
        self._secret = secret
        self._known: dict[str, tuple[Identity, float]] = {}
        self._lock = Lock()

    def verify(self, token: str) -> Identity:
        """The caller that `token` proves; Unauthenticated like `verify` of this module."""
        known = self._known.get(token)
        if known is not None and wall_time() < known[1]:
            return known[0]
        claims = _claims(token, self._audience, self._secret)
        identity = _identity(claims)
        with self._lock:
            if len(self._known) >= CACHE_LIMIT:
                self._known.clear()
            self._known[token] = (identity, claims["exp"])
        return identity


class TokenIssuer:
    """Issues the tokens of one service, and hands out the same one until half of its life is over."""

    def __init__(self, issuer: str, secret: str, *, ttl: float = DEFAULT_TTL) -> None:
        self._issuer = issuer
        self._secret = secret
        self._ttl = ttl
        self._tokens: dict[tuple[str, Identity | None], tuple[str, float]] = {}
        self._lock = Lock()

    def token(self, audience: str, identity: Identity | None = None) -> str:
        """A token for `audience` that is good for at least half of the time to live."""
        key = (audience, identity)
        cached = self._tokens.get(key)
        now = monotonic()
        if cached is not None and cached[1] > now:
            return cached[0]
        token = issue(self._issuer, audience, identity, self._secret, self._ttl)
        with self._lock:
            if len(self._tokens) >= CACHE_LIMIT:
                self._tokens.clear()
            self._tokens[key] = (token, now + self._ttl / 2)
        return token
