"""Puts auth together from the environment and the configuration, and runs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.config import Settings, load_config
from shared.django import run_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.auth.claims import ClaimsCache
    from services.auth.keys import KeyPolicy
    from services.auth.sessions import SessionPolicy

OPERATOR_NAME = "operator"
REDIS_TIMEOUT = 0.5  # seconds; without the cache the database answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What the use cases need. `tenant` is where those who register themselves belong."""

    tenant: str
    sessions: SessionPolicy
    keys: KeyPolicy
    claims: ClaimsCache


class FirstStart:
    """Makes what a log-in needs, a signing key and the operator, when it is not there yet."""

    def __init__(self, settings: Settings) -> None:
        self._operator_password = settings.operator_password

    def start(self) -> None:
        from services.auth.keys import key_ensure
        from services.auth.services import operator_ensure
        from shared.django.databases import connection_scope

        with connection_scope():
            key_ensure()
            if self._operator_password:
                operator_ensure(
                    username=OPERATOR_NAME, password=self._operator_password, tenant=dependencies().tenant
                )

    def stop(self) -> None:
        """Nothing of it runs on."""


def main() -> None:
    """Runs until it is told to stop."""
    run_service("auth", background=_background)


@cache
def dependencies() -> Dependencies:
    """The dependencies of this process, made on first use."""
    from redis import Redis

    from services.auth.claims import ClaimsCache
    from services.auth.keys import KeyPolicy
    from services.auth.sessions import SessionPolicy

    settings = Settings.from_env()
    config = load_config(settings.env)
    access_seconds = config.get("auth.access_token_seconds", int)
    store = Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    return Dependencies(
        tenant=config.get("auth.tenant", str),
        sessions=SessionPolicy(
            access_seconds=access_seconds,
            refresh_seconds=config.get("auth.refresh_token_seconds", int),
            reuse_seconds=config.get("auth.refresh_reuse_seconds", float),
        ),
        keys=KeyPolicy(
            publish_seconds=config.get("auth.key_publish_seconds", float), token_seconds=access_seconds
        ),
        claims=ClaimsCache(store),
    )


def _background(settings: Settings) -> Sequence[FirstStart]:
    from shared.django.health import health
    from shared.security import passwords

    config = load_config(settings.env)
    # First of all: what follows makes hashes.
    passwords.set_cost(
        time_cost=config.get("auth.password_hash.time_cost", int),
        memory_kib=config.get("auth.password_hash.memory_kib", int),
    )
    health.add("redis", dependencies().claims.check)
    return [FirstStart(settings)]
