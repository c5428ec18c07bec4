"""How the tasks of notifications travel."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import ContentDisallowed
from kombu.serialization import dumps, loads, prepare_accept_content
from kombu.transport import memory

from services.notifications.app import SEND, enqueue_delivery, make_celery

pytestmark = pytest.mark.services("notifications")

FIELDS = {"kind": "test", "notification_id": "n1", "order_id": None}


class Mark:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.folder,)


@pytest.fixture(params=["notifications-queue", "webhooks-queue"])
def celery(request: pytest.FixtureRequest) -> Iterator[Celery]:
    """The application of a queue, on a broker in memory."""
    made = make_celery("memory://", request.param)
    yield made
    made.close()
    memory.Channel.queues.clear()


def read(celery: Celery, content: bytes | str, kind: str, encoding: str) -> Any:
    """What the worker makes of the body of a message."""
    return loads(content, kind, encoding, accept=prepare_accept_content(celery.conf.accept_content))


def test_a_task_is_text(celery: Celery) -> None:
    """The body of a queued task is JSON, and holds what was queued."""
    enqueue_delivery(celery, FIELDS, task=SEND)
    with celery.connection_for_read() as connection:
        message = connection.default_channel.basic_get("celery", no_ack=True)
    assert (message.content_type, message.content_encoding) == ("application/json", "utf-8")
    args, *_ = json.loads(message.body)
    assert args[0] == FIELDS


def test_an_object_on_the_queue_is_not_built(celery: Celery, tmp_path: Path) -> None:
    """A message that holds a Python object is refused by its kind, before anything in it runs."""
    kind, encoding, content = dumps([[Mark(tmp_path / "ran")], {}, {}], serializer="pickle")
    try:
        read(celery, content, kind, encoding)
    except ContentDisallowed:
        pass
    else:
        pytest.fail("the message was read")
    assert not (tmp_path / "ran").exists(), "code of the message ran"


def test_an_object_under_a_false_name_is_not_built(celery: Celery, tmp_path: Path) -> None:
    """What calls itself JSON is read as JSON, whatever it is."""
    _, _, content = dumps([[Mark(tmp_path / "ran")], {}, {}], serializer="pickle")
    with pytest.raises(Exception, match=r".+"):
        read(celery, content, "application/json", "utf-8")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("serializer", ["yaml", "msgpack"])
def test_other_forms_are_refused(celery: Celery, serializer: str) -> None:
    """Forms that nobody here writes are not read either."""
    kind = {"yaml": "application/x-yaml", "msgpack": "application/x-msgpack"}[serializer]
    with pytest.raises(ContentDisallowed):
        read(celery, b"[]", kind, "utf-8")
