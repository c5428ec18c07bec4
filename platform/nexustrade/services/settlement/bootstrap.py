"""Wiring of the settlement service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.django.run import run_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config import Settings
    from shared.http.lifecycle import Part

RECOVERY_INTERVAL_SECONDS = 1.0
# An account that cannot pay today is not asked every second.
COLLECTION_INTERVAL_SECONDS = 30.0
NETTING_INTERVAL_SECONDS = 2.0


def main() -> None:
    """Serves until told to stop."""
    run_service("settlement", consumers=_consumers, background=_background)


def _consumers(settings: Settings) -> Sequence[Part]:
    from services.settlement.consumers import on_account, on_execution
    from shared.django.health import health
    from shared.events.consumer import EventConsumer
    from shared.events.types import AccountOpened, TradeExecuted

    executions = EventConsumer(
        settings, "settlement-executions", ["executions"], on_execution, only=(TradeExecuted,)
    )
    accounts = EventConsumer(settings, "settlement-accounts", ["accounts"], on_account, only=(AccountOpened,))
    health.add("kafka", executions.check)
    health.add("accounts", accounts.check)
    return [executions, accounts]


def _background(settings: Settings) -> Sequence[Part]:
    from services.settlement.models import OutboxMessage
    from services.settlement.recovery import collect, net_past_days, recover
    from shared.django.outbox import OutboxRelay
    from shared.events.producer import EventProducer
    from shared.http.lifecycle import Loop

    return [
        OutboxRelay(OutboxMessage, EventProducer(settings)),
        Loop("settlement-recovery", recover, interval=RECOVERY_INTERVAL_SECONDS),
        Loop("fee-collection", collect, interval=COLLECTION_INTERVAL_SECONDS),
        Loop("netting", net_past_days, interval=NETTING_INTERVAL_SECONDS),
    ]
