"""Notifications in Redis: a bounded list per account, latest first.

notifications:{account}:items       list   notifications as JSON
notifications:{account}:seen:<id>   text   this notification was stored, for as long as it may be repeated
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from services.notifications.messages import Notification

if TYPE_CHECKING:
    from redis import Redis

# Seconds for which a repetition is recognised: far longer than any redelivery by Kafka or Celery takes.
REMEMBERED: Final = 24 * 3600

_ADD = """
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[2]) - 1)
return 1
"""


class NotificationStore:
    """`keep` is how many notifications an account has at most; older ones fall out."""

    def __init__(self, redis: Redis, *, keep: int) -> None:
        self._redis = redis
        self._keep = keep
        self._add = redis.register_script(_ADD)

    def add(self, notification: Notification) -> bool:
        """Store a notification; False when it was stored before."""
        account_id = notification.account_id
        added = self._add(
            keys=[_key(account_id, "items"), _key(account_id, f"seen:{notification.notification_id}")],
            args=[json.dumps(notification.as_dict()), self._keep, REMEMBERED],
        )
        return bool(added)

    def latest(self, account_id: str, limit: int) -> list[Notification]:
        """The latest notifications of an account, latest first."""
        rows = self._redis.lrange(_key(account_id, "items"), 0, limit - 1)
        return [Notification.from_dict(json.loads(row)) for row in rows]


def _key(account_id: str, name: str) -> str:
    return f"notifications:{{{account_id}}}:{name}"
