"""How a platform is run: embedded on this machine, under Docker Compose, or by somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime.addresses import Addresses


class Step(NamedTuple):
    """A part of the platform has reached a state: started, ready or failed; `seconds` since the start."""

    part: str
    state: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.part} {self.state} ({self.seconds:.1f} s)"


class PartStatus(NamedTuple):
    """One row of a status list. `pss_mib` counts the part's child processes too."""

    service: str
    port: int | None
    healthy: bool
    pss_mib: float
    restarts: int
    pid: int | None


class Backend(Protocol):
    """What every backend can do. Methods that it has no means for raise NotSupported."""

    name: str
    seat: Path | None

    def start(self, timeout: float, progress: Callable[[Step], None] | None) -> dict[str, str]:
        """Starts everything and returns the services that failed, with their last log lines."""

    def stop(self) -> None: ...

    def addresses(self) -> Addresses: ...

    def status(self) -> list[PartStatus]: ...

    def failed(self) -> dict[str, str]: ...

    def environment(self, service: str) -> dict[str, str]: ...

    def wait_healthy(self, services: list[str], timeout: float) -> None: ...

    def restart(self, service: str, timeout: float) -> None: ...

    def start_service(self, service: str, timeout: float) -> None: ...

    def stop_service(self, service: str) -> None: ...

    def kill(self, service: str) -> None: ...

    def pause(self, service: str) -> None: ...

    def resume(self, service: str) -> None: ...

    def log_lines(self, service: str) -> list[str]:
        """All that the service has written."""
