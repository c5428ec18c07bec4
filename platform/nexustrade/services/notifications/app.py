"""The Celery application: tasks travel through Redis as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.notifications.outbound import DeliveryFailed
from shared.errors import DependencyUnavailable
from shared.observability import extract, inject, span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DELIVER: Final = "notifications.deliver"
SEND: Final = "notifications.send"

# Seconds after which a task that a killed worker had taken is given to another one.
VISIBILITY_TIMEOUT: Final = 30

# How long (seconds) the worker waits for a task before it looks whether it has to stop.
POLL_SECONDS: Final = 0.2

# Seconds between two attempts while Redis is away.
RETRY_PAUSE: Final = 1.0


def make_celery(redis_url: str, queue: str = "notifications-queue") -> Celery:
    """A Celery application with a queue of its own in Redis, and no result store."""
    celery = Celery("notifications", broker=redis_url, set_as_current=False)
    celery.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        # A task counts as done when it is done: a worker killed half-way leaves it for another one.
        task_acks_late=True,
        worker_prefetch_multiplier=16,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            # One hash tag for all keys of the queue: the broker uses several of them in one transaction.
            "global_keyprefix": f"{{{queue}}}:",
            "priority_steps": [0],
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "polling_interval": POLL_SECONDS,
            "socket_keepalive": True,
        },
    )
    return celery


def register_tasks(celery: Celery, deliver: Callable[[Mapping[str, Any]], object]) -> None:
    """Make `deliver` the body of the delivery task; it is tried again for as long as Redis is away."""

    @celery.task(
        name=DELIVER,
        shared=False,
        autoretry_for=(RedisConnectionError, RedisTimeoutError),
        default_retry_delay=RETRY_PAUSE,
        max_retries=None,
    )
    def _deliver(fields: dict[str, Any], trace: dict[str, str]) -> None:
        with span("deliver notification", parent=extract(trace), kind_of_notification=fields["kind"]):
            deliver(fields)


def register_sending(
    celery: Celery, send: Callable[[Mapping[str, Any]], object], *, pauses: Sequence[float]
) -> None:
    """Make `send` the body of the task that calls a webhook.

    It is tried again after each of `pauses` (seconds) when it fails, and for as long as Redis is away.
    """

    @celery.task(
        name=SEND,
        shared=False,
        autoretry_for=(RedisConnectionError, RedisTimeoutError),
        default_retry_delay=RETRY_PAUSE,
        max_retries=None,
    )
    def _send(fields: dict[str, Any], trace: dict[str, str], tried: int = 0) -> None:
        with span("call webhook", parent=extract(trace), kind_of_notification=fields["kind"]):
            try:
                send(fields)
            except DeliveryFailed:
                if tried < len(pauses):
                    celery.send_task(SEND, args=[fields, trace, tried + 1], countdown=pauses[tried])


def enqueue_delivery(celery: Celery, fields: dict[str, Any], *, task: str = DELIVER) -> None:
    """Queue one delivery, in the current trace; DependencyUnavailable when Redis is away."""
    try:
        celery.send_task(task, args=[fields, dict(inject({}))], retry=False)
    except OperationalError as error:
        raise DependencyUnavailable("the task queue does not answer") from error
