"""Somebody who can write to Redis puts messages on the queues of notifications."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import Celery
from IPython.display import HTML

from lab.case import Incident
from lab.market import Trader
from lab.riskdesk.common import answered, market_of, waited
from lab.security.helpers import Receiver, set_webhook, try_webhook
from lab.style import coloured, table

#: The queues of the service, each with the task that travels on it.
QUEUES = {"notifications-queue": "notifications.deliver", "webhooks-queue": "notifications.send"}
ORDINARY, OBJECT = "plain values", "a Python object"
_FORMS = {ORDINARY: "json", OBJECT: "pickle"}
#: What the object does when it is built: it writes down where it was, and nothing else.
_CODE = (
    "__import__('redis').Redis.from_url({url!r}).set({key!r}, __import__('json').dumps("
    "sorted(n for n in __import__('os').environ if 'SECRET' in n or 'PASSWORD' in n or 'URL' in n)), ex=600)"
)


class Mark:
    """Leaves a note in Redis when it is unpickled: the names of the variables that it found there."""

    def __init__(self, url: str, key: str) -> None:
        self._code = _CODE.format(url=url, key=key)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, (self._code,)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message, and what it made the service do: `found` are names of variables, None when none ran."""

    queue: str
    holds: str
    found: tuple[str, ...] | None
    done: bool

    @property
    def right(self) -> bool:
        return self.done == (self.holds == ORDINARY) and self.found is None


@dataclass(frozen=True, kw_only=True)
class Messages:
    """What came of two messages on each queue."""

    messages: tuple[Message, ...]

    @property
    def ran(self) -> list[str]:
        """Queues with a message whose code ran."""
        return [each.queue for each in self.messages if each.found is not None]

    def __str__(self) -> str:
        return (
            f"code of {len(self.ran)} messages ran in the service" if self.ran else "no code of a message ran"
        )


def send(incident: Incident) -> Messages:
    """On each queue a message that holds code, and an ordinary one behind it, which has to be done."""
    market = market_of(incident)
    trader, redis = market.new_trader(cash="0"), incident.platform.redis()
    told = []
    for queue in QUEUES:
        key = market.name("mark-")
        with _celery(incident, queue) as celery:
            _planted(incident, celery, queue, key)
            (_notify if queue == "notifications-queue" else _call)(celery, trader, market.name("n-"))
        note = redis.get(key)
        found = None if note is None else tuple(json.loads(str(note)))
        told += [
            Message(queue=queue, holds=OBJECT, found=found, done=found is not None),
            Message(queue=queue, holds=ORDINARY, found=None, done=True),
        ]
    return Messages(messages=tuple(told))


@contextmanager
def _celery(incident: Incident, queue: str) -> Iterator[Celery]:
    """An application of somebody's own on that queue."""
    celery = Celery("somebody", broker=_redis_url(incident), set_as_current=False)
    options = {"global_keyprefix": f"{{{queue}}}:", "priority_steps": [0]}
    celery.conf.update(task_ignore_result=True, broker_transport_options=options)
    try:
        yield celery
    finally:
        celery.close()


def _redis_url(incident: Incident) -> str:
    return incident.platform.environment("notifications")["REDIS_URL"]


def _planted(incident: Incident, celery: Celery, queue: str, key: str) -> None:
    mark = Mark(_redis_url(incident), key)
    celery.send_task(QUEUES[queue], args=[{"kind": mark}, {}], serializer=_FORMS[OBJECT], retry=False)


def _notify(celery: Celery, trader: Trader, notification_id: str) -> None:
    fields = {"notification_id": notification_id, "account_id": trader.account_id, "kind": "test"}
    fields |= {"title": "after", "body": "", "created_at": ""}
    args = [fields | {"order_id": None}, {}]
    celery.send_task(QUEUES["notifications-queue"], args=args, serializer=_FORMS[ORDINARY], retry=False)

    def listed() -> Any:
        params = {"account_id": trader.account_id}
        return answered(trader.client.get("/v1/notifications", params=params), 200)["items"]

    waited(listed, "the notification behind the object is delivered")


def _call(_celery: Celery, trader: Trader, _: str) -> None:
    with Receiver() as receiver:
        set_webhook(trader, receiver.url())
        waited(lambda: try_webhook(trader)["outcome"] == "delivered", "the webhook is called")


def did(before: Messages, after: Messages | None = None) -> HTML:
    """A row for each message: what it made the service do, before and after."""
    runs = [before] if after is None else [before, after]
    rows = [
        (each.queue, each.holds, *(_did(run.messages[number]) for run in runs))
        for number, each in enumerate(before.messages)
    ]
    heads = ["what it made the service do"] if after is None else ["before", "after"]
    return table(("queue", "the message holds", *heads), rows, caption=str(runs[-1]))


def _did(message: Message) -> HTML:
    if message.found is not None:
        names = f"{message.found[0]} and {len(message.found) - 1} more" if message.found else "nothing"
        return coloured(f"ran its code, which saw {names}", good=False)
    return coloured("the task, as meant" if message.done else "nothing: refused unread", good=message.right)
