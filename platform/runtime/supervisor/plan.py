"""What a supervisor is asked to run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from runtime.names import SERVICES


@dataclass(frozen=True)
class Plan:
    """One platform: a tree, a seat, and how to run the one in the other."""

    tree: str
    seat: str
    services: list[str] = field(default_factory=lambda: list(SERVICES))
    environment: dict[str, str] = field(default_factory=dict)  # for all services
    service_environment: dict[str, dict[str, str]] = field(default_factory=dict)  # for one of them
    links: list[list[str]] = field(default_factory=list)  # [service, what it depends on]
    launcher: str = "forkserver"
    keep: bool = False
    owner_pid: int = 0
    bytecode_folder: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        return cls(**data)
