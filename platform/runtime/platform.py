"""The platform as notebooks, tests, the command line and the environment see it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from runtime import logs
from runtime.backends import PartStatus, Step
from runtime.backends.embedded import EmbeddedBackend
from runtime.clock import MarketClock
from runtime.errors import NotSupported, ServiceFailed
from runtime.exchange import ExchangeHandle
from runtime.faults import Faults
from runtime.kafka import KafkaHandle
from runtime.metrics import read_metrics
from runtime.names import SERVICES, service_name
from runtime.registry import wait_found
from runtime.seat import Seat, state_root, sweep_private_seats
from runtime.supervisor.plan import Plan
from runtime.tree import check_tree, correct_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    import consul
    import httpx
    import psycopg
    import redis

    from runtime.addresses import Addresses
    from runtime.authority import Authority
    from runtime.backends import Backend

__all__ = ["PartStatus", "Platform", "Step"]

START_SECONDS = 180.0
RESTART_SECONDS = 90.0


class Platform:
    """One running platform, and handles on everything in it.

    `tree`: the folder to run, the correct tree when None. `seat`: its state folder, or None for one that
    is made for this process and deleted with it. `backend`: "embedded", "compose" or "external".
    `links`: pairs (service, what it depends on) between which faults can be put; the latter is a
    database, "redis", "consul" or a service. `env`: variables for all services, or {service: variables}.
    `keep`: goes on after this process has ended. `services`: only these. `launcher`: "forkserver", or
    "subprocess" for ordinary processes.
    """

    def __init__(
        self,
        tree: Path | str | None = None,
        seat: Path | str | None = None,
        backend: str = "embedded",
        links: Iterable[tuple[str, str]] = (),
        env: Mapping[str, Any] | None = None,
        keep: bool = False,
        *,
        services: Iterable[str] | None = None,
        launcher: str = "forkserver",
    ) -> None:
        self.services = tuple(SERVICES if services is None else (service_name(name) for name in services))
        self.tree: Path | None = None
        self._backend: Backend
        if backend == "embedded":
            self.tree = check_tree(Path(tree)) if tree is not None else correct_tree()
            self._backend = self._embedded(seat, links, env or {}, keep=keep, launcher=launcher)
        elif backend == "compose":
            from runtime.backends.compose import ComposeBackend

            self.tree = check_tree(Path(tree)) if tree is not None else correct_tree()
            self._backend = ComposeBackend(self.tree, keep=keep)
        elif backend == "external":
            from runtime.backends.external import ExternalBackend

            self._backend = ExternalBackend()
        else:
            raise ValueError(f"There is no backend {backend!r}: take embedded, compose or external.")

    def _embedded(
        self,
        seat: Path | str | None,
        links: Iterable[tuple[str, str]],
        env: Mapping[str, Any],
        *,
        keep: bool,
        launcher: str,
    ) -> EmbeddedBackend:
        chosen = Seat(Path(seat).absolute()) if seat is not None else Seat.private()
        if seat is None:
            sweep_private_seats()
        plan = Plan(
            tree=str(self.tree),
            seat=str(chosen.path),
            services=[name for name in SERVICES if name in self.services],
            environment={name: str(value) for name, value in env.items() if not isinstance(value, dict)},
            service_environment={
                service_name(name): {key: str(text) for key, text in value.items()}
                for name, value in env.items()
                if isinstance(value, dict)
            },
            links=[[service_name(source), target] for source, target in links],
            launcher=launcher,
            keep=keep,
            owner_pid=os.getpid(),
            bytecode_folder=str(state_root() / "bytecode"),
        )
        return EmbeddedBackend(chosen, plan)

    @classmethod
    def attach(cls, seat: Path | str) -> Self:
        """The platform that runs in `seat`. Raises NotRunning."""
        found = Seat(Path(seat).absolute())
        found.read_state()
        backend = EmbeddedBackend(found, None)
        described = backend.describe()
        platform = cls.__new__(cls)
        platform.services = tuple(described["services"])
        platform.tree = Path(described["tree"])
        platform._backend = backend  # noqa: SLF001
        return platform

    # -- life -------------------------------------------------------------------------------------

    def start(
        self,
        timeout: float = START_SECONDS,
        progress: Callable[[Step], None] | None = None,
        *,
        strict: bool = True,
    ) -> Self:
        """Starts everything and waits until it is healthy.

        A service that does not come up raises ServiceFailed with its last log lines and everything is
        stopped; with `strict` False it is remembered in `failed` and the others stay.
        """
        failed = self._backend.start(timeout, progress)
        if failed and strict:
            self.stop()
            service, tail = next(iter(failed.items()))
            raise ServiceFailed(service, tail)
        self._wait_found(name for name in self.services if name not in failed)
        return self

    def _wait_found(self, services: Iterable[str]) -> None:
        """Ready is not yet found: those who call a service ask Consul for it."""
        if self.backend == "embedded":
            wait_found(self.addresses.consul, services)

    def stop(self) -> None:
        """Stops everything and leaves no process; harmless when nothing runs."""
        self._backend.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def backend(self) -> str:
        """Which backend runs it."""
        return self._backend.name

    @property
    def seat(self) -> Path | None:
        """The state folder; None when there is none on this machine."""
        return self._backend.seat

    # -- services ---------------------------------------------------------------------------------

    @property
    def addresses(self) -> Addresses:
        """Where everything is."""
        return self._backend.addresses()

    @property
    def operator(self) -> tuple[str, str]:
        """User name and password of the operator."""
        return self.addresses.operator

    def url(self, service: str) -> str:
        """The base address of a service."""
        return self.addresses.services[service_name(service)]

    def port(self, service: str) -> int:
        """The port of a service."""
        return urlsplit(self.url(service)).port or 80

    def http(self, service: str, **options: Any) -> httpx.Client:
        """A client of one service, past the gateway, with the operator's certificate.

        `options` are those of httpx's client; its time-out is 30 s when none is given.
        """
        import httpx

        tls = self.addresses.tls or False  # without one it is plain HTTP, and there is nothing to verify
        return httpx.Client(base_url=self.url(service), **{"verify": tls, "timeout": 30.0, **options})

    @property
    def authority(self) -> Authority:
        """Who issues the certificates of the seat."""
        from runtime.authority import Authority

        if self.seat is None:
            raise NotSupported("Issuing certificates", self.backend)
        return Authority.load(Seat(self.seat).tls_folder)

    def environment(self, service: str) -> dict[str, str]:
        """The environment variables that a service was started with."""
        return self._backend.environment(service_name(service))

    @property
    def failed(self) -> dict[str, str]:
        """Services that did not come up at their last start, with their last log lines."""
        return self._backend.failed()

    def restart(self, service: str, timeout: float = RESTART_SECONDS) -> None:
        """Stops a service gracefully and starts it with the code as it is now. Raises ServiceFailed."""
        self.restart_all([service], timeout)

    def restart_all(self, services: Iterable[str], timeout: float = RESTART_SECONDS) -> None:
        """Restarts several services at once and waits for all. Raises ServiceFailed for one that fails."""
        names = [service_name(service) for service in services]
        with ThreadPoolExecutor(max(1, len(names)), thread_name_prefix="restart") as pool:
            restarts = [pool.submit(self._backend.restart, name, timeout) for name in names]
        # All have ended here: one that does not come up keeps none of the others down.
        for restart in restarts:
            restart.result()
        self._wait_found(names)

    def start_service(self, service: str, timeout: float = RESTART_SECONDS) -> None:
        """Starts a service that does not run. Raises ServiceFailed."""
        self._backend.start_service(service_name(service), timeout)
        self._wait_found([service_name(service)])

    def stop_service(self, service: str) -> None:
        """Stops a service gracefully and waits for its end."""
        self._backend.stop_service(service_name(service))

    def kill(self, service: str) -> None:
        """Ends a service at once, as a crash would."""
        self._backend.kill(service_name(service))

    def pause(self, service: str) -> None:
        """Freezes a service: it keeps its connections and answers nothing."""
        self._backend.pause(service_name(service))

    def resume(self, service: str) -> None:
        """Lets a paused service go on."""
        self._backend.resume(service_name(service))

    def wait_healthy(self, services: Iterable[str] | None = None, timeout: float = RESTART_SECONDS) -> None:
        """Waits until services, all of them when None, are ready. Raises ServiceFailed."""
        names = self.services if services is None else [service_name(name) for name in services]
        self._backend.wait_healthy(list(names), timeout)
        self._wait_found(names)

    def status(self) -> list[PartStatus]:
        """One row per service and per part of the infrastructure."""
        return self._backend.status()

    # -- what services tell -------------------------------------------------------------------------

    def logs(
        self, service: str | None = None, tail: int | None = None, **equals: Any
    ) -> list[dict[str, Any]]:
        """Log lines in the order of their time stamps, of one service or all, the last `tail` of them.

        Only those whose fields equal what is given, such as trace_id="…" or level="error".
        """
        names = self.services if service is None else (service_name(service),)
        records = logs.merge((name, self._backend.log_lines(name)) for name in names)
        found = list(logs.matching(records, equals))
        return found if tail is None else found[max(0, len(found) - tail) :]

    def traces(self, trace_id: str | None = None) -> list[dict[str, Any]]:
        """Finished spans in the order of their start: all, or those of one trace."""
        if self.seat is None:
            raise NotSupported("Reading traces", self.backend)
        spans = [
            span for name in self.services for span in logs.read_records(Seat(self.seat).trace_file(name))
        ]
        spans.sort(key=lambda span: float(span["start"]))
        return spans if trace_id is None else [span for span in spans if span["trace_id"] == trace_id]

    def metrics(self, service: str) -> dict[str, float]:
        """What a service counts: sample name, with its labels, → value."""
        return read_metrics(self.url(service), self.addresses.tls)

    # -- stores, broker, registry ---------------------------------------------------------------------

    def connect(self, database: str) -> psycopg.Connection[dict[str, Any]]:
        """A connection of your own to "users_db", "orders_db" or "audit_db"; rows are dicts."""
        import psycopg
        from psycopg.rows import dict_row

        return psycopg.connect(self.addresses.databases[database], row_factory=dict_row)

    def sql(self, database: str, query: str, params: Any = ()) -> list[dict[str, Any]]:
        """Runs one statement in a transaction of its own; its rows, [] when it gives none."""
        with self.connect(database) as connection:
            cursor = connection.execute(query, params or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def redis(self) -> redis.Redis:
        """A client of Redis; answers are text."""
        import redis

        return redis.Redis.from_url(self.addresses.redis, decode_responses=True)

    @property
    def kafka(self) -> KafkaHandle:
        """Looks into topics, and makes brokers fail."""
        return KafkaHandle(self.addresses.kafka, self._backend)

    @property
    def consul(self) -> consul.Consul:
        """A client of Consul."""
        import consul

        parts = urlsplit(self.addresses.consul)
        return consul.Consul(host=parts.hostname, port=parts.port, scheme=parts.scheme)

    @property
    def exchange(self) -> ExchangeHandle:
        """The exchange feed that market data asks: counts its calls, and makes it fail."""
        return ExchangeHandle(self._backend, self.addresses.exchange)

    # -- time and faults --------------------------------------------------------------------------------

    @property
    def clock(self) -> MarketClock:
        """The market clock of all services."""
        if self.seat is None:
            raise NotSupported("Moving the market clock", self.backend)
        return MarketClock(Seat(self.seat).clock_file)

    @property
    def faults(self) -> Faults:
        """Faults on the links that were named when the platform was made."""
        return Faults(self._backend)
