"""The service catalogue, configuration store and locks of a seat; see `runtime.infra.consul`."""

from pathlib import Path

from runtime.infra.part import ServerPart
from runtime.infra.ports import LOOPBACK


class ConsulAgent(ServerPart):
    """An agent with the part of Consul's HTTP API that the platform uses, in one small process.

    `token` "": none is asked for. `session_ttl_min` and `deregister_min` are seconds: the shortest TTL
    of a session, and the least time that a critical service stays registered. Consul's own are 10 and
    60; sessions end exactly at their TTL, where Consul may take up to twice as long.
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
    ) -> None:
        super().__init__(folder, port)
        self._configuration = {
            "token": token,
            "session_ttl_min": session_ttl_min,
            "deregister_min": deregister_min,
        }

    @property
    def address(self) -> str:
        """`http://host:port`, for CONSUL_HTTP_ADDR."""
        return f"http://{LOOPBACK}:{self.port}"

    def _launch_on_port(self, deadline: float) -> None:
        self._launch_module(
            "runtime.infra.consul.process", self._configuration | {"port": self.port}, deadline
        )
