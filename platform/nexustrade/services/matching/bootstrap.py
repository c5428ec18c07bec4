"""Wires the matching service together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.matching.api import make_router
from services.matching.consumers import COMMANDS, GROUP, CommandLog
from services.matching.leadership import Leadership
from services.matching.relay import Relay
from services.matching.services import MatchingService
from services.matching.session_end import SessionEnd
from services.matching.store import BookStore
from shared.config import Settings, load_config
from shared.distributed import ConsulRegistration, LeaderElection
from shared.events.consumer import EventConsumer
from shared.events.producer import EventProducer
from shared.http.fastapi import make_app
from shared.http.lifecycle import Loop
from shared.http.serve import serve
from shared.observability import HealthRegistry, configure_logging, configure_tracing

if TYPE_CHECKING:
    from collections.abc import Callable

REDIS_TIMEOUT = 2.0  # seconds
KAFKA_TIMEOUT = 5.0  # seconds
SESSION_CHECK = 1.0  # seconds between looks at the market clock

# Messages in flight are retried in order for this long (seconds); then the relay starts over from the outbox.
DELIVERY_TIMEOUT = 60.0


def main() -> None:
    settings = Settings.from_env()
    configure_logging(settings.service)
    configure_tracing(settings)
    config = load_config(settings.env)

    redis = make_redis(settings)
    store = BookStore(redis)
    producer = EventProducer(
        settings, config=config, delivery_timeout=DELIVERY_TIMEOUT, client_options={"linger.ms": 0}
    )
    relay = Relay(store, producer, epoch=lambda: service.epoch)
    service = MatchingService(
        store,
        producer_name=settings.service,
        leads=lambda epoch: election.epoch == epoch,
        on_output=relay.wake,
    )
    commands = CommandLog(service, cluster_id_reader(settings))
    leadership = Leadership(
        service,
        lambda: EventConsumer(
            settings,
            GROUP,
            [COMMANDS],
            commands.handle,
            start_at=commands.start_at,
            config=config,
        ),
    )
    election = LeaderElection(
        settings,
        config.get("matching.leader_key", str),
        on_elected=leadership.on_elected,
        on_lost=leadership.on_lost,
        epoch_floor=store.highest_epoch,
        ttl=config.get("matching.session_ttl_seconds", int),
    )

    health = HealthRegistry()
    health.add("redis", redis.ping)
    health.add("kafka", producer.check)
    health.add("commands", leadership.check)
    app = make_app(settings.service, settings, health)
    app.include_router(make_router(service, settings.instance_id))
    session_end = Loop("session-end", SessionEnd(service).step, interval=SESSION_CHECK)
    registration = ConsulRegistration(settings, health.ready)
    serve(app, settings, parts=[registration, relay, election, session_end])
    producer.close()
    redis.close()


def make_redis(settings: Settings) -> Redis:
    """A client that fails fast: whoever uses it decides about trying again."""
    return Redis.from_url(
        settings.redis_url,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 1),
    )


def cluster_id_reader(settings: Settings) -> Callable[[], str]:
    """A function that asks Kafka for the id of its cluster."""

    def cluster_id() -> str:
        # A client of its own each time: it is asked rarely, and an idle client costs threads.
        client = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
        return str(client.list_topics(timeout=KAFKA_TIMEOUT).cluster_id)

    return cluster_id
