"""Wiring of the orders service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.django.run import run_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config import Settings
    from shared.http.lifecycle import Part

# Fast enough that a recovered order is decided within a second of being due, slow enough to cost nothing.
RECOVERY_INTERVAL_SECONDS = 1.0


def main() -> None:
    """Serves until told to stop."""
    run_service("orders", consumers=_consumers, background=_background)


def _consumers(settings: Settings) -> Sequence[Part]:
    from services.orders.consumers import EXECUTION_EVENTS, on_account, on_execution
    from shared.django.health import health
    from shared.events.consumer import EventConsumer

    executions = EventConsumer(
        settings, "orders-executions", ["executions"], on_execution, only=EXECUTION_EVENTS
    )
    accounts = EventConsumer(settings, "orders-accounts", ["accounts"], on_account)
    # Not whether brokers answer: without them orders are still taken, and published later.
    health.add("executions", executions.check)
    health.add("accounts", accounts.check)
    return [executions, accounts]


def _background(settings: Settings) -> Sequence[Part]:
    from services.orders.dependencies import dependencies
    from services.orders.instruments import instruments_seed
    from services.orders.models import OutboxMessage
    from services.orders.recovery import orders_recover
    from shared.django.databases import connection_scope
    from shared.django.outbox import OutboxRelay
    from shared.events.producer import EventProducer
    from shared.http.lifecycle import Loop

    def recover() -> None:
        with connection_scope():
            orders_recover(policy=dependencies().credit_check, risk=dependencies().risk)

    with connection_scope():
        instruments_seed(calendar=dependencies().calendar)
    producer = EventProducer(settings)
    return [
        OutboxRelay(OutboxMessage, producer),
        Loop("orders-recovery", recover, interval=RECOVERY_INTERVAL_SECONDS),
    ]
