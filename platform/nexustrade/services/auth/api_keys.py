"""Use cases: the keys with which a user's programs call the platform."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from django.db import transaction

from services.auth.keys import wall_now
from services.auth.models import DATABASE, ApiKey, User
from services.auth.roles import DELEGABLE
from shared.errors import Conflict, Forbidden, NotFound, Unauthenticated
from shared.security import Identity
from shared.security.identity import API_KEY, API_KEY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.auth.claims import ClaimsCache

LIMIT = 20  # live keys of one user


def api_key_create(*, identity: Identity, name: str, permissions: Iterable[str]) -> tuple[ApiKey, str]:
    """Makes a key with some of the caller's permissions; returns it and its text, which is not kept.

    Forbidden for a permission that the caller lacks or that no key may have; Conflict when he has too many.
    """
    wanted = sorted(set(permissions))
    for permission in wanted:
        if permission not in identity.permissions or permission not in DELEGABLE:
            raise Forbidden(f"a key of yours cannot have the permission {permission}")
    text = API_KEY_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic(using=DATABASE):
        # Held so that two requests at once do not both find room for one more.
        if not User.objects.select_for_update().filter(pk=identity.subject).exists():
            raise Unauthenticated("there is no such user any more")
        if ApiKey.objects.filter(user_id=identity.subject, revoked_at=None).count() >= LIMIT:
            raise Conflict(f"a user may have {LIMIT} keys", limit=LIMIT)
        key = ApiKey.objects.create(
            user_id=identity.subject,
            name=name,
            permissions=wanted,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            created_at=wall_now(),
        )
    return key, text


def api_key_list(*, user_id: str) -> list[ApiKey]:
    """The user's keys that work, the newest first."""
    return list(ApiKey.objects.filter(user_id=user_id, revoked_at=None).order_by("-created_at", "pk"))


def api_key_revoke(*, user_id: str, key_id: str) -> None:
    """Ends a key of the user, at once; NotFound when he has no such key."""
    keys = ApiKey.objects.filter(pk=key_id, user_id=user_id, revoked_at=None)
    if not keys.update(revoked_at=wall_now()):
        raise NotFound("there is no such key")


def api_key_identify(*, digest: str, claims: ClaimsCache) -> Identity:
    """Whom a key with this SHA-256 speaks for; Unauthenticated for one that is unknown or revoked.

    It may do what it was made for, as far as its user still may: it has none of his roles.
    """
    key = ApiKey.objects.filter(digest=digest, revoked_at=None).first()
    if key is None:
        raise Unauthenticated("the API key is not valid")
    user = claims.get(key.user_id)
    allowed = tuple(each for each in key.permissions if each in user.permissions)
    return Identity(subject=key.user_id, roles=(API_KEY,), permissions=allowed, tenant=user.tenant)
