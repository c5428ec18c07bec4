"""Wires the notification service together: Kafka consumer, Celery worker and HTTP in one process."""

from __future__ import annotations

from functools import partial

from redis import Redis

from services.notifications.accounts import Accounts
from services.notifications.api import make_router
from services.notifications.api_webhooks import make_router as make_webhook_router
from services.notifications.app import SEND, enqueue_delivery, make_celery, register_sending, register_tasks
from services.notifications.consumers import events_consumer
from services.notifications.outbound import Courier
from services.notifications.reach import Reach
from services.notifications.services import NotificationService
from services.notifications.store import NotificationStore
from services.notifications.webhook_services import WebhookService
from services.notifications.webhook_store import WebhookStore
from services.notifications.worker import WorkerThread
from shared.clients import ConsulDiscovery, ServiceClient
from shared.config import Config, Settings, load_config
from shared.distributed.registration import ConsulRegistration
from shared.http.fastapi import make_app
from shared.http.serve import serve
from shared.observability import HealthRegistry, configure_logging, configure_tracing

REDIS_TIMEOUT = 2.0  # seconds


def main() -> None:
    settings = Settings.from_env()
    configure_logging(settings.service)
    configure_tracing(settings)
    config = load_config(settings.env)

    redis = Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
    )
    users = ServiceClient("users", settings, ConsulDiscovery.of(settings))
    celery = make_celery(settings.redis_url)
    store = NotificationStore(redis, keep=config.get("notifications.keep", int))
    # A queue and a worker of their own: a receiver that takes its time holds up webhooks and nothing else.
    webhook_celery = make_celery(settings.redis_url, "webhooks-queue")
    webhooks = WebhookService(
        WebhookStore(redis), _courier(config), partial(enqueue_delivery, webhook_celery, task=SEND)
    )
    register_sending(
        webhook_celery, webhooks.webhook_deliver, pauses=config.get("notifications.webhooks.pauses", list)
    )
    service = NotificationService(
        store, enqueue=partial(enqueue_delivery, celery), announce=webhooks.webhook_announce
    )
    register_tasks(celery, service.notification_deliver)
    workers = [
        WorkerThread(celery, settings.instance_id),
        WorkerThread(webhook_celery, f"{settings.instance_id}-webhooks"),
    ]
    consumer = events_consumer(settings, config, service)

    health = HealthRegistry()
    health.add("redis", redis.ping)
    health.add("kafka", consumer.check)
    for name, worker in zip(("worker", "webhooks"), workers, strict=True):
        health.add(name, worker.check)
    app = make_app(settings.service, settings, health)
    accounts = Accounts(users)
    app.include_router(make_router(service, accounts))
    app.include_router(make_webhook_router(webhooks, accounts))
    serve(app, settings, parts=[ConsulRegistration(settings, health.ready), *workers, consumer])
    users.close()
    redis.close()


def _courier(config: Config) -> Courier:
    return Courier(
        reach=Reach(config.get("notifications.webhooks.permitted", list)),
        seconds=config.get("notifications.webhooks.seconds", float),
        max_bytes=config.get("notifications.webhooks.max_answer_bytes", int),
        max_redirects=config.get("notifications.webhooks.max_redirects", int),
    )
