"""What access tokens say about their users, cached in Redis for the way of a token refresh."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import redis.exceptions

from services.auth.models import User
from services.auth.roles import permissions_of
from shared.errors import Unauthenticated
from shared.observability.logging import get_logger
from shared.security import Identity

if TYPE_CHECKING:
    from redis import Redis

# Bounds how long an old entry can live should Redis be away when it ought to be dropped.
TTL_SECONDS = 60

_log = get_logger(__name__)


class ClaimsCache:
    """Reads identities through Redis; `drop` makes every later read go to the database.

    Entries carry the user's generation in their key. A reader that looked before a change can only write
    under the old generation, where no one looks any more.
    """

    def __init__(self, client: Redis) -> None:
        self._redis = client

    def get(self, user_id: str) -> Identity:
        """The user's tenant, roles and permissions; Unauthenticated when there is no such user any more."""
        try:
            generation = int(self._redis.get(_generation_key(user_id)) or 0)
            entry = self._redis.get(_entry_key(user_id, generation))
            if entry is not None:
                return _decode(user_id, entry)
            claims = claims_read(user_id)
            self._redis.set(_entry_key(user_id, generation), _encode(claims), ex=TTL_SECONDS)
        except redis.exceptions.RedisError as error:
            _log.warning("claims not cached", error=str(error))
            return claims_read(user_id)
        return claims

    def check(self) -> None:
        """Raises unless Redis answers."""
        self._redis.ping()

    def drop(self, user_id: str) -> None:
        """To be called once a change of the user's roles is committed."""
        try:
            self._redis.incr(_generation_key(user_id))
        except redis.exceptions.RedisError as error:
            _log.warning("claims not dropped", user_id=user_id, error=str(error))


def claims_read(user_id: str) -> Identity:
    """The same from the database."""
    user = User.objects.filter(pk=user_id).only("tenant", "roles").first()
    if user is None:
        raise Unauthenticated("there is no such user any more")
    return claims_of(user)


def claims_of(user: User) -> Identity:
    """The claims of a user at hand."""
    roles = tuple(user.roles)
    return Identity(subject=user.pk, roles=roles, permissions=permissions_of(roles), tenant=user.tenant)


def _generation_key(user_id: str) -> str:
    return f"auth:claims:{{{user_id}}}:generation"


def _entry_key(user_id: str, generation: int) -> str:
    return f"auth:claims:{{{user_id}}}:{generation}"


def _encode(claims: Identity) -> str:
    return json.dumps({"roles": claims.roles, "permissions": claims.permissions, "tenant": claims.tenant})


def _decode(user_id: str, entry: bytes | str) -> Identity:
    stored = json.loads(entry)
    return Identity(
        subject=user_id,
        roles=tuple(stored["roles"]),
        permissions=tuple(stored["permissions"]),
        tenant=stored["tenant"],
    )
