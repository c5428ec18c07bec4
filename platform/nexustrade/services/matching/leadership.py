"""What winning and losing the election means for this instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import DependencyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.matching.services import MatchingService
    from shared.events.consumer import EventConsumer


class Leadership:
    """Reads commands from the moment this instance is elected until it loses the lead.

    `make_consumer` makes a consumer that has not been started.
    """

    def __init__(self, service: MatchingService, make_consumer: Callable[[], EventConsumer]) -> None:
        self._service = service
        self._make_consumer = make_consumer
        self._consumer: EventConsumer | None = None

    def on_elected(self, epoch: int) -> None:
        """Recover the books, then read on from the position they were stored with."""
        self._service.lead(epoch=epoch)
        consumer = self._make_consumer()
        consumer.start()
        self._consumer = consumer

    def on_lost(self) -> None:
        self._service.step_down()
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.stop()

    def check(self) -> None:
        """Raises DependencyUnavailable when this instance leads but reads no commands; for readiness."""
        consumer = self._consumer
        if consumer is not None:
            consumer.check()
        elif self._service.epoch is not None:
            raise DependencyUnavailable("commands are not read")
