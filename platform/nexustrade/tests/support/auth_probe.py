"""Use cases of auth, called in a process like its own."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from typing import Any


def password_checks(*, username: str, password: str, device: str = "") -> dict[str, Any]:
    """How many passwords a log-in has compared with a hash, and whether it was let in."""
    from services.auth import sessions
    from services.auth.bootstrap import dependencies
    from shared.errors import Unauthenticated
    from shared.security import passwords

    count, verify = 0, passwords.verify

    def counted(hashed: str, given: str) -> bool:
        nonlocal count
        count += 1
        return verify(hashed, given)

    passwords.verify = counted  # type: ignore[assignment]  # the process ends with this call
    try:
        policy = dependencies().sessions
        sessions.session_open(username=username, password=password, device=device, policy=policy)
    except Unauthenticated:
        return {"checks": count, "admitted": False}
    return {"checks": count, "admitted": True}


def role_change_seen(*, username: str, role: str) -> dict[str, Any]:
    """A role is taken away while somebody reads the user's rights right after they left the cache.

    Returns the roles that this reader found, and those that are read once the change is done.
    """
    from services.auth import services
    from services.auth.bootstrap import dependencies
    from services.auth.claims import ClaimsCache
    from shared.django.databases import connection_scope

    cache = dependencies().claims
    found: list[tuple[str, ...]] = []

    def read(user_id: str) -> None:
        with connection_scope():
            found.append(cache.get(user_id).roles)

    class ReadAtOnce(ClaimsCache):
        def drop(self, user_id: str) -> None:
            super().drop(user_id)
            reader = Thread(target=read, args=(user_id,))
            reader.start()
            reader.join()

    watched = ReadAtOnce(cache._redis)
    tenant = dependencies().tenant
    user = services.role_revoke(username=username, tenant=tenant, role=role, claims=watched)
    return {"during": found, "after": cache.get(user.pk).roles}


def key_change(*, after_seconds: list[float]) -> dict[str, Any]:
    """The keys in use before a change of keys and so many seconds after it; nothing of it is kept."""
    from django.db import transaction

    from services.auth import keys
    from services.auth.bootstrap import dependencies
    from services.auth.models import DATABASE

    wall_now = keys.wall_now
    policy = dependencies().keys
    with transaction.atomic(using=DATABASE):
        old = keys.key_signing().kid
        new = keys.key_rotate(policy=policy).pk
        seen = []
        for seconds in after_seconds:
            keys.wall_now = lambda seconds=seconds: wall_now() + timedelta(seconds=seconds)
            published = [key.kid for key in keys.keys_published()]
            seen.append({"signs": keys.key_signing().kid, "published": published})
        transaction.set_rollback(True, using=DATABASE)
    spans = {"publish": policy.publish_seconds, "token": policy.token_seconds}
    return {"old": old, "new": new, "seen": seen} | spans
