"""Wiring of the risk service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.django.run import run_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config import Settings
    from shared.http.lifecycle import Part


def main() -> None:
    """Serves until told to stop."""
    run_service("risk", consumers=_consumers)


def _consumers(settings: Settings) -> Sequence[Part]:
    from services.risk.consumers import on_account, on_execution
    from shared.django.health import health
    from shared.events.consumer import EventConsumer
    from shared.events.types import OrderCancelled, OrderReplaced, TradeExecuted

    applied = (TradeExecuted, OrderCancelled, OrderReplaced)
    executions = EventConsumer(settings, "risk-executions", ["executions"], on_execution, only=applied)
    accounts = EventConsumer(settings, "risk-accounts", ["accounts"], on_account)
    # Not whether brokers answer: without them exposure is still reserved, and trades are booked later.
    health.add("executions", executions.check)
    health.add("accounts", accounts.check)
    return [executions, accounts]
