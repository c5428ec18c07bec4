"""The platform under Docker Compose, on the real servers."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runtime import health
from runtime.addresses import Addresses
from runtime.backends import PartStatus, Step
from runtime.errors import NotSupported, RuntimeFault, ServiceFailed, one_line
from runtime.names import OPERATOR
from runtime.seat import state_root, write_private
from runtime.tls import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

_TLS_FOLDER = "/var/lib/nexustrade/tls"
"""Where containers find certificates."""

_COMMAND_SECONDS = 600.0
"""The first start fetches and builds images."""


class ComposeBackend:
    """Runs the docker-compose.yml of `tree`, or the one at the project's root, through the docker CLI.

    With `keep` False the containers are removed at the stop, else they are stopped by `nexus down`.
    """

    name = "compose"
    seat: Path | None = None

    def __init__(self, tree: Path, *, keep: bool = False) -> None:
        self._file = compose_file(tree)
        self._keep = keep
        self._failed: dict[str, str] = {}
        self._restarts: dict[str, int] = {}
        self._credentials: Credentials | None = None

    # -- life -----------------------------------------------------------------------------------

    def start(self, timeout: float, progress: Callable[[Step], None] | None) -> dict[str, str]:
        """`docker compose up`, then waits for every service; images that are missing are built first."""
        begin = time.monotonic()
        self._compose("up", "--detach", "--build")
        deadline = time.monotonic() + timeout
        self._failed = {}
        addresses = self.addresses()
        for service, url in addresses.services.items():
            ready = health.wait_ready(url, max(1.0, deadline - time.monotonic()), tls=addresses.tls)
            if not ready:
                self._failed[service] = "\n".join(self.log_lines(service)[-20:])
            if progress is not None:
                progress(Step(service, "ready" if ready else "failed", time.monotonic() - begin))
        return self._failed

    def stop(self) -> None:
        """`docker compose down`: containers, networks and volumes go."""
        self._compose("down", "--volumes", "--remove-orphans")

    # -- facts ----------------------------------------------------------------------------------

    def addresses(self) -> Addresses:
        """The published ports; passwords from the environment or the .env beside the compose file.

        The operator's certificate is that of the environment, else it is fetched from a running container.
        """
        given = Addresses.from_environment({**_read_env_file(self._file.with_name(".env")), **os.environ})
        return given if given.credentials else dataclasses.replace(given, credentials=self._fetched())

    def _fetched(self) -> Credentials | None:
        if self._credentials is None:
            folder = state_root() / "compose"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for file in ("ca.crt", f"{OPERATOR}.crt", f"{OPERATOR}.key"):
                try:
                    found = self._container("auth").exec_run(["cat", f"{_TLS_FOLDER}/{file}"])
                except RuntimeFault:
                    return None  # nothing runs
                write_private(folder / file, found.output)
            self._credentials = Credentials.of(folder, OPERATOR)
        return self._credentials

    def status(self) -> list[PartStatus]:
        addresses = self.addresses()
        services = addresses.services
        ready = dict(zip(services, health.all_ready(services.values(), tls=addresses.tls), strict=True))
        rows = []
        for name, container in sorted(self._containers().items()):
            state = container.attrs["State"]
            running = state["Status"] == "running"
            port = urlsplit(services[name]).port if name in services else None
            own_check = state.get("Health", {}).get("Status", "healthy") == "healthy"
            restarts = self._restarts.get(name, 0) + int(container.attrs.get("RestartCount", 0))
            healthy = ready.get(name, running and own_check)
            memory = _memory_mib(container) if running else 0.0
            rows.append(PartStatus(name, port, healthy, memory, restarts, state["Pid"] or None))
        return rows

    def failed(self) -> dict[str, str]:
        return self._failed

    def environment(self, service: str) -> dict[str, str]:
        variables = self._container(service).attrs["Config"]["Env"]
        return dict(variable.split("=", 1) for variable in variables)

    def log_lines(self, service: str) -> list[str]:
        return self._compose("logs", "--no-color", "--no-log-prefix", service).splitlines()

    # -- services -------------------------------------------------------------------------------

    def wait_healthy(self, services: list[str], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        for service in services:
            addresses = self.addresses()
            left = max(0.1, deadline - time.monotonic())
            if not health.wait_ready(addresses.services[service], left, tls=addresses.tls):
                tail = "\n".join(self.log_lines(service)[-20:])
                raise ServiceFailed(service, tail, f"was not ready after {timeout:.0f} s")

    def restart(self, service: str, timeout: float) -> None:
        # The image holds the code: a patch needs another image.
        self._compose("up", "--detach", "--build", "--force-recreate", "--no-deps", service)
        self._restarts[service] = self._restarts.get(service, 0) + 1
        self.wait_healthy([service], timeout)

    def start_service(self, service: str, timeout: float) -> None:
        self._compose("up", "--detach", "--no-deps", service)
        self.wait_healthy([service], timeout)

    def stop_service(self, service: str) -> None:
        self._compose("stop", service)

    def kill(self, service: str) -> None:
        self._compose("kill", service)

    def pause(self, service: str) -> None:
        self._compose("pause", service)

    def resume(self, service: str) -> None:
        self._compose("unpause", service)

    # -- Docker ---------------------------------------------------------------------------------

    def _compose(self, *arguments: str) -> str:
        command = [*compose_command(), "--file", str(self._file), *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise RuntimeFault(f"`{' '.join(command)}` hangs: look at the docker service.") from None
        if done.returncode != 0:
            said = one_line(done.stderr or done.stdout)
            raise RuntimeFault(f"`{' '.join(command)}` failed: {said}. Is docker running?")
        return done.stdout

    def _containers(self) -> dict[str, Any]:
        import docker

        ids = self._compose("ps", "--quiet").split()
        try:
            client = docker.from_env()
            found = [client.containers.get(each) for each in ids]
        except docker.errors.DockerException as error:
            raise RuntimeFault(f"docker does not answer: {one_line(str(error))}. Start it.") from None
        return {container.labels["com.docker.compose.service"]: container for container in found}

    def _container(self, service: str) -> Any:
        container = self._containers().get(service)
        if container is None:
            raise NotSupported(f"Looking at {service}, which does not run,", self.name)
        return container


def compose_file(tree: Path) -> Path:
    """The compose file of a workspace (beside its services/) or of the project (at its root)."""
    for folder in (tree, *tree.parents[:2]):
        if (folder / "docker-compose.yml").is_file():
            return folder / "docker-compose.yml"
    raise RuntimeFault(f"{tree} has no docker-compose.yml: take a workspace, or a whole checkout.")


def compose_command() -> list[str]:
    """`docker compose` where the plug-in is there, else `docker-compose`. Raises RuntimeFault."""
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise RuntimeFault("Docker Compose is not installed: install it, or use the embedded backend.")


def _read_env_file(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def _memory_mib(container: Any) -> float:
    usage = container.stats(stream=False).get("memory_stats", {})
    inactive = usage.get("stats", {}).get("inactive_file", 0)
    mebibytes: float = round((usage.get("usage", 0) - inactive) / 2**20, 1)
    return mebibytes
