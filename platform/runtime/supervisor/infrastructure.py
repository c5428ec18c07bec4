"""The embedded servers of one seat, started side by side."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import yaml

from runtime.addresses import Addresses
from runtime.errors import CorruptState
from runtime.infra.consul_agent import ConsulAgent
from runtime.infra.exchange_feed import ExchangeFeed
from runtime.infra.kafka import KafkaCluster
from runtime.infra.postgres import PostgresServer
from runtime.infra.valkey import ValkeyServer
from runtime.names import DATABASES, OPERATOR
from runtime.tls import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime.infra.part import Part
    from runtime.seat import Seat

EXCHANGE_SEED = 1
"""Every seat sees the same market."""


class Infrastructure:
    """PostgreSQL, Valkey, the Kafka protocol, the Consul API and the exchange feed of one seat."""

    def __init__(self, seat: Seat, topics: dict[str, int]) -> None:
        secrets = seat.secrets()
        self.postgres = PostgresServer(seat.path / "postgres", password=secrets.postgres)
        self.valkey = ValkeyServer(seat.path / "valkey", password=secrets.valkey)
        self.kafka = KafkaCluster(seat.path / "kafka", topics)
        self.consul = ConsulAgent(seat.path / "consul", exchange_seed=EXCHANGE_SEED)
        self.exchange = ExchangeFeed(seat.path / "consul")
        self._secrets = secrets
        self._credentials = Credentials.of(seat.tls_folder, OPERATOR)

    @property
    def parts(self) -> dict[str, Part]:
        """The servers by name, in the order of a status list."""
        return {"postgres": self.postgres, "valkey": self.valkey, "kafka": self.kafka, "consul": self.consul}

    def start(self, started: Callable[[str, float], None]) -> None:
        """Starts all of them; `started` is told the name and seconds of each. Raises a RuntimeFault."""

        def start_one(name: str, part: Part) -> None:
            begin = time.monotonic()
            part.start()
            started(name, time.monotonic() - begin)

        _side_by_side(start_one, self.parts)

    def stop(self) -> None:
        """Stops all of them."""
        _side_by_side(lambda _, part: part.stop(), self.parts)

    def addresses(self, services: dict[str, str]) -> Addresses:
        """Where everything is, with the services at the addresses given."""
        return Addresses(
            services=services,
            databases={database: self.postgres.url(database) for database in DATABASES},
            redis=self.valkey.url,
            kafka=self.kafka.bootstrap,
            consul=self.consul.address,
            exchange=self.exchange.url,
            operator_password=self._secrets.operator,
            service_token_secret=self._secrets.service_token,
            credentials=self._credentials,
        )


def read_topics(tree: Path) -> dict[str, int]:
    """Topic → partitions, from the tree's config/topics.yaml; {} when the tree names none.

    Raises CorruptState when the file cannot be understood.
    """
    file = tree / "config" / "topics.yaml"
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        listed = content.get("topics", content)
        return {str(name): _partitions(value) for name, value in listed.items()}
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise CorruptState(file, f"expected topic: partitions; {error}") from None


def _partitions(value: Any) -> int:
    return int(value["partitions"] if isinstance(value, dict) else value)


def _side_by_side(action: Callable[[str, Part], None], parts: dict[str, Part]) -> None:
    with ThreadPoolExecutor(len(parts)) as pool:
        futures = [pool.submit(action, name, part) for name, part in parts.items()]
    for future in futures:
        future.result()
