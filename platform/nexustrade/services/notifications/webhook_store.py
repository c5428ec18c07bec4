"""Webhooks in Redis.

notifications:{account}:webhook    text   the webhook as JSON
notifications:{account}:attempts   list   the latest attempts as JSON, latest first
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from services.notifications.webhooks import Attempt, Webhook

if TYPE_CHECKING:
    from redis import Redis

ATTEMPTS_KEPT: Final = 50


class WebhookStore:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def put(self, webhook: Webhook) -> None:
        """Store the webhook of its account, over the one there was."""
        self._redis.set(_key(webhook.account_id, "webhook"), json.dumps(asdict(webhook)))

    def get(self, account_id: str) -> Webhook | None:
        """The account's webhook."""
        found = self._redis.get(_key(account_id, "webhook"))
        return Webhook(**json.loads(found)) if found else None

    def remove(self, account_id: str) -> None:
        """Forget the account's webhook and its attempts."""
        self._redis.delete(_key(account_id, "webhook"), _key(account_id, "attempts"))

    def note(self, account_id: str, attempt: Attempt) -> None:
        """Keep an attempt among the latest."""
        pipeline = self._redis.pipeline()
        pipeline.lpush(_key(account_id, "attempts"), json.dumps(attempt.as_dict()))
        pipeline.ltrim(_key(account_id, "attempts"), 0, ATTEMPTS_KEPT - 1)
        pipeline.execute()

    def attempts(self, account_id: str) -> list[Attempt]:
        """The latest attempts, latest first."""
        rows = self._redis.lrange(_key(account_id, "attempts"), 0, -1)
        return [Attempt.from_dict(json.loads(row)) for row in rows]


def _key(account_id: str, name: str) -> str:
    return f"notifications:{{{account_id}}}:{name}"
