"""The service catalogue, configuration store and locks of a seat; see `runtime.infra.consul`."""

import secrets
from pathlib import Path
from typing import Any

from runtime.infra.part import ServerPart
from runtime.infra.ports import LOOPBACK


class ConsulAgent(ServerPart):
    """An agent with the part of Consul's HTTP API that the platform uses, in one small process.

    `token` "": none is asked for. `session_ttl_min` and `deregister_min` are seconds: the shortest TTL
    of a session, and the least time that a critical service stays registered. Consul's own are 10 and
    60; sessions end exactly at their TTL, where Consul may take up to twice as long. `exchange_seed`: its
    process serves a simulated exchange feed too (see `ExchangeFeed`).
    """

    name = "consul"

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        token: str = "",
        session_ttl_min: float = 10.0,
        deregister_min: float = 60.0,
        exchange_seed: int | None = None,
    ) -> None:
        super().__init__(folder, port)
        self._beside: dict[str, Any] = {}
        self._configuration: dict[str, Any] = {
            "token": token,
            "session_ttl_min": session_ttl_min,
            "deregister_min": deregister_min,
        }
        if exchange_seed is not None:
            self._configuration["exchange"] = {"seed": exchange_seed, "token": secrets.token_hex(16)}

    @property
    def address(self) -> str:
        """`http://host:port`, for CONSUL_HTTP_ADDR."""
        return f"http://{LOOPBACK}:{self.port}"

    def _launch_on_port(self, deadline: float) -> None:
        ready = self._launch_module(
            "runtime.infra.consul.process", self._configuration | {"port": self.port}, deadline
        )
        self._beside = {name: ready[name] for name in ready if name.startswith("exchange_")}

    def _remember(self) -> dict[str, Any]:
        token = self._configuration.get("exchange", {}).get("token")
        return super()._remember() | self._beside | ({"exchange_token": token} if token else {})
