"""Reads commands from Kafka while this instance leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.matching.store import Position

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.matching.services import MatchingService
    from shared.events import EventEnvelope
    from shared.events.message import MessageMeta

GROUP = "matching"
COMMANDS = "order-commands"


class CommandLog:
    """Hands commands to the service together with their place in Kafka's log.

    `cluster_id()` asks Kafka which cluster it is. It is asked when reading starts, and again whenever offsets
    jump back, because then the log may be that of a cluster which was started empty.
    """

    def __init__(self, service: MatchingService, cluster_id: Callable[[], str]) -> None:
        self._service = service
        self._ask_cluster_id = cluster_id
        self._cluster_id = ""
        self._last: dict[int, int] = {}

    def start_at(self, _topic: str, partition: int) -> int | None:
        """The offset to read a partition from; None where nothing of this cluster has been applied yet."""
        self._cluster_id = self._ask_cluster_id()
        applied = self._service.applied_offset(self._cluster_id, partition)
        self._last[partition] = -1 if applied is None else applied
        return None if applied is None else applied + 1

    def handle(self, envelope: EventEnvelope, meta: MessageMeta) -> None:
        self._service.command_apply(envelope, self._position(meta))

    def _position(self, meta: MessageMeta) -> Position:
        if meta.offset <= self._last.get(meta.partition, -1):
            self._cluster_id = self._ask_cluster_id()
        self._last[meta.partition] = meta.offset
        return Position(self._cluster_id, meta.partition, meta.offset)
