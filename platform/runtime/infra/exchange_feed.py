"""The simulated exchange feed of a seat, as seen from outside; see `runtime.infra.exchange`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runtime.errors import RuntimeFault
from runtime.infra import control
from runtime.infra.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path


class ExchangeFeed:
    """A handle on the feed that runs in the process of the Consul agent whose folder is `host`.

    It shares that process because one of its own would take ten megabytes of every seat.
    """

    def __init__(self, host: Path) -> None:
        self._record = host / "consul.json"

    @property
    def url(self) -> str:
        """`http://host:port`, for EXCHANGE_FEED_URL."""
        return f"http://{LOOPBACK}:{self._recall()['exchange_port']}"

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Calls `name` of the feed's control channel; see `runtime.infra.exchange.feed`."""
        record = self._recall()
        return control.call(record["exchange_control_port"], record["exchange_token"], name, **arguments)

    def _recall(self) -> dict[str, Any]:
        try:
            record: dict[str, Any] = json.loads(self._record.read_text())
            if "exchange_port" in record:
                return record
        except (OSError, ValueError):
            pass
        raise RuntimeFault("The exchange feed does not run: start the platform first.")
