"""Wires the notification service together: Kafka consumer, Celery worker and HTTP in one process."""

from __future__ import annotations

from functools import partial

from redis import Redis

from services.notifications.accounts import Accounts
from services.notifications.api import make_router
from services.notifications.app import enqueue_delivery, make_celery, register_tasks
from services.notifications.consumers import events_consumer
from services.notifications.services import NotificationService
from services.notifications.store import NotificationStore
from services.notifications.worker import WorkerThread
from shared.clients import ConsulDiscovery, ServiceClient
from shared.config import Settings, load_config
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
    service = NotificationService(store, enqueue=partial(enqueue_delivery, celery))
    register_tasks(celery, service.notification_deliver)
    worker = WorkerThread(celery, settings.instance_id)
    consumer = events_consumer(settings, config, service)

    health = HealthRegistry()
    health.add("redis", redis.ping)
    health.add("kafka", consumer.check)
    health.add("worker", worker.check)
    app = make_app(settings.service, settings, health)
    app.include_router(make_router(service, Accounts(users)))
    serve(app, settings, parts=[ConsulRegistration(settings, health.ready), worker, consumer])
    users.close()
    redis.close()
