"""What a message on a task queue can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery
from support.receiver import Receiver
from support.wait import until
from support.webhooks import set_webhook, try_webhook

from services.notifications.app import DELIVER, SEND, enqueue_delivery, make_celery

pytestmark = pytest.mark.services("gateway", "users", "notifications")

NOTIFICATION = {"kind": "test", "title": "after", "body": "", "order_id": None, "created_at": ""}


class Mark:
    """Sets a key in Redis when it is unpickled."""

    def __init__(self, url: str, key: str) -> None:
        self._code = f"__import__('redis').Redis.from_url({url!r}).set({key!r}, 'ran')"

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, (self._code,)


@pytest.fixture
def queue_of(platform: Any) -> Iterator[Callable[[str], Celery]]:
    """Puts tasks on a queue as whoever can reach Redis could."""
    made: list[Celery] = []

    def make(name: str) -> Celery:
        made.append(make_celery(platform.environment("notifications")["REDIS_URL"], name))
        return made[-1]

    yield make
    for celery in made:
        celery.close()


def planted(platform: Any, celery: Celery, task: str, key: str) -> None:
    mark = Mark(platform.environment("notifications")["REDIS_URL"], key)
    celery.send_task(task, args=[{"kind": mark}, {}], serializer="pickle", retry=False)


def test_code_in_a_notification_does_not_run(platform: Any, new_trader, market: Any, queue_of) -> None:
    """A task that holds a Python object is dropped unread, and the tasks behind it are done."""
    trader, key, celery = new_trader(cash="0"), market.name("ran-"), queue_of("notifications-queue")
    planted(platform, celery, DELIVER, key)
    fields = NOTIFICATION | {"notification_id": key, "account_id": trader.account_id}
    enqueue_delivery(celery, fields)
    path = f"/v1/notifications?account_id={trader.account_id}"
    until(lambda: trader.client.get(path).json()["items"], message="the task behind it is done")
    assert platform.redis().get(key) is None, "code of a message ran in the service"


def test_code_in_a_webhook_s_task_does_not_run(platform: Any, new_trader, market: Any, queue_of) -> None:
    """The same holds for the queue of webhooks."""
    trader, key = new_trader(cash="0"), market.name("ran-")
    planted(platform, queue_of("webhooks-queue"), SEND, key)
    with Receiver() as receiver:
        set_webhook(trader, receiver.url())
        assert try_webhook(trader)["outcome"] == "delivered"
    assert platform.redis().get(key) is None, "code of a message ran in the service"


def test_a_refused_task_is_reported(platform: Any, market: Any, queue_of) -> None:
    """Whoever runs the platform reads in its log that a task was refused, and by what kind."""
    planted(platform, queue_of("notifications-queue"), DELIVER, market.name("ran-"))

    def reported() -> list[Any]:
        return [line for line in platform.logs("notifications") if "x-python-serialize" in str(line)]

    until(reported, message="the refusal is logged")
