"""Use cases: registration, log-in, rotation of refresh tokens, log-out, roles."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from services.auth.claims import claims_of
from services.auth.keys import key_signing, wall_now
from services.auth.models import DATABASE, RefreshFamily, RefreshToken, User
from services.auth.roles import OPERATOR, TRADER
from shared.errors import Conflict, NotFound, Unauthenticated
from shared.observability.logging import get_logger
from shared.security import Identity, jwt, passwords

if TYPE_CHECKING:
    from collections.abc import Callable

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


def user_register(*, username: str, email: str, password: str, tenant: str) -> User:
    """Makes a trader; Conflict naming the field when the name or the address is taken."""
    username, email = username.lower(), email.lower()
    password_hash = passwords.hash(password)
    try:
        with transaction.atomic(using=DATABASE):
            return User.objects.create(
                username=username, email=email, password_hash=password_hash, tenant=tenant, roles=[TRADER]
            )
    except IntegrityError:
        field = "username" if User.objects.filter(username=username).exists() else "email"
        raise Conflict(f"this {field} is taken", field=field) from None


def operator_ensure(*, username: str, password: str, tenant: str) -> None:
    """Makes the operator, or gives him the password that the environment has for him."""
    user, created = User.objects.get_or_create(
        username=username,
        defaults={
            "email": f"{username}@{tenant}.invalid",
            "password_hash": lambda: passwords.hash(password),  # costly: only when it is needed
            "tenant": tenant,
            "roles": [OPERATOR],
        },
    )
    if not created and not passwords.verify(user.password_hash, password):
        User.objects.filter(pk=user.pk).update(password_hash=passwords.hash(password))


def session_open(*, username: str, password: str, policy: SessionPolicy) -> Tokens:
    """Logs in; Unauthenticated, in the same words and after the same work, whatever was wrong."""
    user = User.objects.filter(username=username.lower()).first()
    matches = passwords.verify(user.password_hash if user else _NOBODY, password)
    if user is None or not matches:
        raise Unauthenticated("wrong username or password")
    now = wall_now()
    RefreshFamily.objects.filter(user=user, expires_at__lte=now).delete()
    with transaction.atomic(using=DATABASE):
        family = RefreshFamily.objects.create(
            user=user, expires_at=now + timedelta(seconds=policy.refresh_seconds)
        )
        refresh_token = _token_issue(family)
    return _tokens(claims_of(user), refresh_token, policy)


def session_refresh(*, refresh_token: str, policy: SessionPolicy, claims: ClaimsCache) -> Tokens:
    """Trades a refresh token for new tokens; the old one is used up.

    A used token that comes again within `reuse_seconds` gets a successor of its own. One that comes later
    was copied: its whole family is revoked. Unauthenticated then, and for unknown or ended sessions.
    """
    family, successor = _token_rotate(refresh_token, policy)
    if successor is None:
        _log.warning("refresh token reused", user_id=family.user_id, family_id=family.pk)
        raise Unauthenticated("the session is over")
    return _tokens(claims.get(family.user_id), successor, policy)


def session_close(*, user_id: str, refresh_token: str | None) -> None:
    """Ends the session of this refresh token, or all sessions of the user; another's token ends nothing."""
    if refresh_token is None:
        _families_revoke(user_id=user_id)
    else:
        _families_revoke(user_id=user_id, refreshtoken__token_hash=_digest(refresh_token))


def user_get(*, username: str) -> User:
    """The user of this name; NotFound."""
    return _user(User.objects.all(), username)


def role_grant(*, username: str, role: str, claims: ClaimsCache) -> User:
    """Gives a role; nothing changes when the user has it. NotFound for an unknown user."""
    return _roles_change(username, claims, lambda roles: roles | {role})


def role_revoke(*, username: str, role: str, claims: ClaimsCache) -> User:
    """Takes a role away; nothing changes when the user does not have it. NotFound for an unknown user."""
    return _roles_change(username, claims, lambda roles: roles - {role})


def _roles_change(username: str, claims: ClaimsCache, change: Callable[[set[str]], set[str]]) -> User:
    with transaction.atomic(using=DATABASE):
        user = _user(User.objects.select_for_update(), username)
        user.roles = sorted(change(set(user.roles)))
        user.save(update_fields=["roles"])
        # Dropped earlier, the entry could be read from the old row and cached once more.
        transaction.on_commit(lambda: claims.drop(user.pk), using=DATABASE)
    return user


def _user(users: Any, username: str) -> User:
    user: User | None = users.filter(username=username.lower()).first()
    if user is None:
        raise NotFound("there is no user of this name")
    return user


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
        return token.family, _token_issue(token.family)


def _token_issue(family: RefreshFamily) -> str:
    text = secrets.token_urlsafe(32)
    RefreshToken.objects.create(token_hash=_digest(text), family=family)
    return text


def _families_revoke(**which: Any) -> None:
    families = RefreshFamily.objects.filter(revoked_at=None, **which)
    families.update(revoked_at=wall_now())


def _digest(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _tokens(identity: Identity, refresh_token: str, policy: SessionPolicy) -> Tokens:
    return Tokens(
        access_token=jwt.issue(key_signing(), identity, ttl=policy.access_seconds),
        refresh_token=refresh_token,
        expires_in=policy.access_seconds,
    )
