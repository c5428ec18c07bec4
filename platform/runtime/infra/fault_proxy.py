"""TCP links between the parts of a platform that can be slowed, silenced and cut."""

import secrets
from pathlib import Path
from typing import Any

from runtime.errors import RuntimeFault
from runtime.infra import control
from runtime.infra.part import Part


class FaultProxy(Part):
    """One process that hosts any number of links, each a loopback port in front of a target.

    Links are made after the start and end with the process. Calls on an unknown link raise a RuntimeFault.
    """

    name = "fault-proxy"

    def __init__(self, folder: Path, *, seed: int = 0) -> None:
        super().__init__(folder)
        self._seed = seed
        self._token = ""
        self._ready: dict[str, Any] = {}

    @property
    def address(self) -> str:
        """Of the control channel; each link has a port of its own."""
        return f"127.0.0.1:{self._recall().get('control_port', 0)}"

    def add_link(self, name: str, target_host: str, target_port: int, port: int = 0) -> int:
        """Makes a link; returns the port that clients use instead of the target's (`port` 0: a free one)."""
        return int(
            self._call("add_link", name=name, target_host=target_host, target_port=target_port, port=port)
        )

    def delay(self, name: str, ms: float, way: str = "reply") -> None:
        """Everything that travels that way comes `ms` milliseconds later; 0 ends it.

        "request" is the way to the target, "reply" the way back: a question and its answer take
        `ms` longer, whatever was asked at the same time.
        """
        self._call("delay", name=name, ms=ms, way=way)

    def drop(self, name: str, ratio: float) -> None:
        """Loses each chunk with the probability `ratio` (0–1).

        TCP has no holes, so all that its connection carries from then on is lost with it: the
        connection stays open and silent.
        """
        self._call("drop", name=name, ratio=ratio)

    def black_hole(self, name: str) -> None:
        """Nothing passes in either direction and nobody is told. What was under way arrives after `heal`."""
        self._call("black_hole", name=name)

    def reset_connections(self, name: str) -> int:
        """Cuts the present connections with a TCP reset; new ones work. Returns how many were cut."""
        return int(self._call("reset_connections", name=name))

    def heal(self, name: str | None = None) -> None:
        """Ends delay, drop and black hole of a link, of all links without a name."""
        self._call("heal", name=name)

    def links(self) -> list[dict[str, Any]]:
        """For each link: name, target, connections, delay_ms, drop_ratio, black_hole."""
        links: list[dict[str, Any]] = self._call("links")
        return links

    def _launch(self, deadline: float) -> None:
        self._token = secrets.token_hex(16)
        configuration = {"token": self._token, "seed": self._seed}
        self._ready = self._launch_module("runtime.infra.fault_proxy_process", configuration, deadline)

    def _remember(self) -> dict[str, Any]:
        return {**self._ready, "token": self._token}

    def _call(self, name: str, /, **arguments: Any) -> Any:
        record = self._recall()
        if "control_port" not in record:
            raise RuntimeFault(f"The fault proxy cannot do {name}: it does not run.")
        return control.call(record["control_port"], record["token"], name, **arguments)
