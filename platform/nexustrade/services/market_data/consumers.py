"""Follows the executions on Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.events.consumer import EventConsumer

if TYPE_CHECKING:
    from services.market_data.services import MarketDataService
    from shared.config import Settings

GROUP = "market-data"
EXECUTIONS = "executions"


def executions_consumer(settings: Settings, service: MarketDataService) -> EventConsumer:
    return EventConsumer(settings, GROUP, [EXECUTIONS], lambda envelope, _meta: service.event_apply(envelope))
