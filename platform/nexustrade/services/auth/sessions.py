"""Use cases: log-in, rotation of refresh tokens, log-out."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from services.auth.claims import claims_of
from services.auth.keys import key_signing, wall_now
from services.auth.models import DATABASE, RefreshFamily, RefreshToken, User
from shared.errors import NotFound, Unauthenticated
from shared.observability.logging import get_logger
from shared.security import Identity, jwt, passwords

if TYPE_CHECKING:
    from services.auth.claims import ClaimsCache

# Stands in for the hash of a user who does not exist, so that his log-in costs what any other costs.
_NOBODY = passwords.hash(secrets.token_urlsafe())

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """Lifetimes, in seconds.

    `reuse_seconds`: how long a used refresh token may come again, from a client whose two tabs refresh
    together or who never got his answer.
    """

    access_seconds: int
    refresh_seconds: int
    reuse_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a client gets for a log-in or a refresh; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - a kind of token


def session_open(*, username: str, password: str, device: str, policy: SessionPolicy) -> Tokens:
    """Logs in; Unauthenticated, in the same words and after the same work, whatever was wrong.

    `device` is what the client calls itself, empty for one that gives no name; all tokens of the session
    carry it.
    """
    user = User.objects.filter(username=username.lower()).first()
    matches = passwords.verify(user.password_hash if user else _NOBODY, password)
    if user is None or not matches:
        raise Unauthenticated("wrong username or password")
    now = wall_now()
    RefreshFamily.objects.filter(user=user, expires_at__lte=now).delete()
    with transaction.atomic(using=DATABASE):
        family = RefreshFamily.objects.create(
            user=user, device=device, expires_at=now + timedelta(seconds=policy.refresh_seconds)
        )
        refresh_token = _token_issue(family)
    return _tokens(claims_of(user), family, refresh_token, policy)


def session_refresh(*, refresh_token: str, policy: SessionPolicy, claims: ClaimsCache) -> Tokens:
    """Trades a refresh token for new tokens; the old one is used up.

    A used token that comes again within `reuse_seconds` gets a successor of its own. One that comes later
    was copied: its whole family is revoked. Unauthenticated then, and for unknown or ended sessions.
    """
    family, successor = _token_rotate(refresh_token, policy)
    if successor is None:
        _log.warning("refresh token reused", user_id=family.user_id, family_id=family.pk)
        raise Unauthenticated("the session is over")
    return _tokens(claims.get(family.user_id), family, successor, policy)


def session_close(*, user_id: str, refresh_token: str | None) -> None:
    """Ends the session of this refresh token, or all sessions of the user; another's token ends nothing."""
    if refresh_token is None:
        _families_revoke(user_id=user_id)
    else:
        _families_revoke(user_id=user_id, refreshtoken__token_hash=_digest(refresh_token))


def session_list(*, user_id: str) -> list[RefreshFamily]:
    """The sessions that the user can still refresh, the latest log-in first."""
    live = RefreshFamily.objects.filter(user_id=user_id, revoked_at=None, expires_at__gt=wall_now())
    return list(live.order_by("-expires_at", "pk"))


def session_end(*, user_id: str, session_id: str) -> None:
    """Ends one session of the user; NotFound when he has no such session."""
    if not _families_revoke(user_id=user_id, pk=session_id):
        raise NotFound("there is no such session")


def _token_rotate(refresh_token: str, policy: SessionPolicy) -> tuple[RefreshFamily, str | None]:
    """The token's family and a successor; no successor, and a revoked family, when the token was copied."""
    with transaction.atomic(using=DATABASE):
        # The locks make two uses of one token queue up, and a log-out wait for a rotation or stop it.
        token = (
            RefreshToken.objects.select_for_update()
            .select_related("family")
            .filter(pk=_digest(refresh_token))
            .first()
        )
        now = wall_now()
        if token is None or token.family.revoked_at is not None or token.family.expires_at <= now:
            raise Unauthenticated("the session is over")
        if token.used_at is not None and now - token.used_at > timedelta(seconds=policy.reuse_seconds):
            _families_revoke(family_id=token.family.pk)
            return token.family, None
        if token.used_at is None:
            token.used_at = now
            token.save(update_fields=["used_at"])
        return token.family, _token_issue(token.family, parent_hash=token.pk)


def _token_issue(family: RefreshFamily, *, parent_hash: str = "") -> str:
    text = secrets.token_urlsafe(32)
    RefreshToken.objects.create(token_hash=_digest(text), family=family, parent_hash=parent_hash)
    return text


def _families_revoke(**which: Any) -> int:
    families = RefreshFamily.objects.filter(revoked_at=None, **which)
    return families.update(revoked_at=wall_now())


def _digest(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _tokens(claims: Identity, family: RefreshFamily, refresh_token: str, policy: SessionPolicy) -> Tokens:
    identity = replace(claims, device=family.device)
    return Tokens(
        access_token=jwt.issue(key_signing(), identity, ttl=policy.access_seconds),
        refresh_token=refresh_token,
        expires_in=policy.access_seconds,
    )
