"""The keys that sign access tokens: made once, published before they sign, kept until no token needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connections, transaction
from django.db.models import Q, QuerySet

from services.auth.models import DATABASE, StoredKey
from shared.clock import wall_time
from shared.security import jwt

# Any fixed number serves: it keeps two starting instances from making a first key each.
_ADVISORY_LOCK = 0x6E657875


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """How a change of keys is stretched over time, in seconds.

    `publish_seconds`: a new key is published for this long before it signs, so that every verifier has it.
    `token_seconds`: the longest life of a token, for which an old key stays published after its last one.
    """

    publish_seconds: float
    token_seconds: float


def wall_now() -> datetime:
    """The machine's time: sessions and keys do not age when the market clock is moved."""
    return datetime.fromtimestamp(wall_time(), UTC)


def key_ensure() -> None:
    """Makes the first signing key unless there is one; safe when several instances start together."""
    with transaction.atomic(using=DATABASE):
        _keys_lock()
        if not StoredKey.objects.exists():
            _key_create(signs_from=wall_now())


def key_rotate(*, policy: KeyPolicy) -> StoredKey:
    """Publishes a new key, which takes over after `publish_seconds`, and returns it."""
    with transaction.atomic(using=DATABASE):
        _keys_lock()
        key = _key_create(signs_from=wall_now() + timedelta(seconds=policy.publish_seconds))
        retires_at = key.signs_from + timedelta(seconds=policy.token_seconds + jwt.LEEWAY)
        StoredKey.objects.filter(retires_at=None).exclude(pk=key.pk).update(retires_at=retires_at)
    return key


def key_signing() -> jwt.SigningKey:
    """The key that signs now: the newest whose time has come."""
    return _loaded(_in_use().filter(signs_from__lte=wall_now()).latest("signs_from"))


def keys_published() -> list[jwt.SigningKey]:
    """The keys that a verifier must know, newest first, the one that signs next among them."""
    return [_loaded(key) for key in _in_use().order_by("-signs_from")]


def _in_use() -> QuerySet[StoredKey]:
    return StoredKey.objects.filter(Q(retires_at=None) | Q(retires_at__gt=wall_now()))


def _key_create(*, signs_from: datetime) -> StoredKey:
    key = jwt.SigningKey.generate()
    return StoredKey.objects.create(key_id=key.kid, private_key=key.to_pem(), signs_from=signs_from)


def _loaded(stored: StoredKey) -> jwt.SigningKey:
    return jwt.SigningKey.from_pem(stored.key_id, stored.private_key)


def _keys_lock() -> None:
    with connections[DATABASE].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
