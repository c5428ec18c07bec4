"""Where the instances of a service are, as Consul knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from shared.clock import monotonic
from shared.config import load_config
from shared.errors import DependencyUnavailable
from shared.observability.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.config import Settings

    Lookup = Callable[[str], Sequence["Instance"]]

log = get_logger("discovery")

CACHE_TTL = 1.0  # seconds; how long a lookup serves
MAX_STALENESS = 30.0  # seconds; how long the last answer serves while Consul itself is unreachable
QUARANTINE = 2.0  # seconds; how long an instance that refused a connection is passed over
LOOKUP_TIMEOUT = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Instance:
    """One running copy of a service; those that Consul names serve HTTPS."""

    id: str
    host: str
    port: int
    scheme: str = "https"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


class Discovery(Protocol):
    """Finds instances; `pick` raises DependencyUnavailable when there is none."""

    def pick(self, service: str) -> Instance: ...

    def pick_cached(self, service: str) -> Instance | None:
        """Like `pick`, from memory alone; None when memory is too old to answer."""
        ...

    def evict(self, service: str, instance: Instance) -> None:
        """Pass over an instance that could not be connected to."""
        ...


class StaticDiscovery:
    """Fixed addresses, for tests and for targets outside Consul."""

    def __init__(self, instances: Mapping[str, Sequence[Instance]]) -> None:
        self._instances = instances
        self._turn = count()

    def pick(self, service: str) -> Instance:
        instances = self._instances.get(service)
        if not instances:
            raise DependencyUnavailable(f"no healthy instance of {service}", target=service)
        return instances[next(self._turn) % len(instances)]

    def pick_cached(self, service: str) -> Instance | None:
        return self.pick(service)

    def evict(self, service: str, instance: Instance) -> None:
        """Addresses that are fixed stay."""


@dataclass(slots=True)
class _Entry:
    instances: tuple[Instance, ...] = ()
    fetched_at: float = float("-inf")
    fresh_until: float = float("-inf")
    evicted: dict[Instance, float] = field(default_factory=dict)  # until when
    refreshing: Lock = field(default_factory=Lock)


class ConsulDiscovery:
    """Healthy instances from Consul's catalogue, remembered for a moment, taken in turn.

    One lookup at a time per service; meanwhile the others go on with what is known. Thread-safe. `lookup` and
    `clock` are replaced in tests.
    """

    def __init__(
        self,
        lookup: Lookup,
        *,
        ttl: float = CACHE_TTL,
        quarantine: float = QUARANTINE,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._lookup = lookup
        self._ttl = ttl
        self._quarantine = quarantine
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._turn = count()

    @classmethod
    def of(cls, settings: Settings) -> ConsulDiscovery:
        """Discovery through the agent that `settings` name."""
        ttl = load_config(settings.env).get("discovery.cache_seconds", float, CACHE_TTL)
        return cls(consul_lookup(settings), ttl=ttl)

    def pick(self, service: str) -> Instance:
        entry = self._entries.setdefault(service, _Entry())
        if not self._fresh(entry):
            self._refresh(service, entry)
        instance = self._choose(entry)
        if instance is None:
            raise DependencyUnavailable(f"no healthy instance of {service}", target=service)
        return instance

    def pick_cached(self, service: str) -> Instance | None:
        entry = self._entries.get(service)
        return self._choose(entry) if entry is not None and self._fresh(entry) else None

    def evict(self, service: str, instance: Instance) -> None:
        entry = self._entries.setdefault(service, _Entry())
        entry.evicted[instance] = self._clock() + self._quarantine
        entry.fresh_until = float("-inf")

    def _fresh(self, entry: _Entry) -> bool:
        return self._clock() < entry.fresh_until

    def _refresh(self, service: str, entry: _Entry) -> None:
        # Whoever has something usable at hand does not queue behind a lookup that is under way.
        if not entry.refreshing.acquire(blocking=not entry.instances):
            return
        try:
            if not self._fresh(entry):
                entry.instances = tuple(self._lookup(service))
                entry.fetched_at = self._clock()
                entry.fresh_until = entry.fetched_at + self._ttl
        except Exception as error:
            now = self._clock()
            if not entry.instances or now - entry.fetched_at > MAX_STALENESS:
                raise DependencyUnavailable("service discovery does not answer", target=service) from error
            # Not every call has to find out by itself that Consul is silent.
            entry.fresh_until = now + self._ttl
            log.warning("lookup failed", target=service, error=str(error))
        finally:
            entry.refreshing.release()

    def _choose(self, entry: _Entry) -> Instance | None:
        now = self._clock()
        usable = [known for known in entry.instances if entry.evicted.get(known, 0.0) <= now]
        # With nothing else left, one that failed a moment ago is still better than none.
        candidates = usable or entry.instances
        return candidates[next(self._turn) % len(candidates)] if candidates else None


def consul_lookup(settings: Settings) -> Lookup:
    """A function that asks Consul for the passing instances of a service."""
    from shared.distributed.consul import consul_client

    client = consul_client(settings, timeout=LOOKUP_TIMEOUT)
    one_at_a_time = Lock()  # the client keeps a single connection

    def lookup(service: str) -> list[Instance]:
        with one_at_a_time:
            _, nodes = client.health.service(service, passing=True)
        return [
            Instance(
                node["Service"]["ID"],
                node["Service"]["Address"] or node["Node"]["Address"],
                node["Service"]["Port"],
            )
            for node in nodes
        ]

    return lookup
