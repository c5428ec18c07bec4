"""The Kafka protocol of a seat; what runs, and what it is not, is said in `kafka_process`."""

import importlib.util
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runtime.errors import RuntimeFault
from runtime.infra import control
from runtime.infra.part import Part

BROKERS = 3


class KafkaCluster(Part):
    """Three brokers in one small process, with `topics` (name → partitions), on the loopback interface.

    Brokers are numbered 1, 2, 3. The ports are free-chosen at each start and nothing is kept over a
    stop: whoever uses the cluster must be started after it.
    """

    name = "kafka"

    def __init__(self, folder: Path, topics: Mapping[str, int], *, brokers: int = BROKERS) -> None:
        super().__init__(folder)
        self._topics = dict(topics)
        self._brokers = brokers
        self._token = ""
        self._ready: dict[str, Any] = {}

    @property
    def bootstrap(self) -> str:
        """`host:port,host:port,host:port`, for `bootstrap.servers`."""
        ready = self._ready or self._recall()
        if "bootstrap" not in ready:
            raise RuntimeFault("kafka has no address yet: start it first.")
        return str(ready["bootstrap"])

    @property
    def address(self) -> str:
        return self.bootstrap

    @property
    def port(self) -> int:
        """The port of the first broker."""
        return int(self.bootstrap.split(",")[0].rpartition(":")[2])

    def create_topic(self, topic: str, partitions: int = 3) -> None:
        """Makes a topic; RuntimeFault when it exists."""
        self._call("create_topic", topic=topic, partitions=partitions)

    def broker_down(self, broker: int) -> None:
        """Cuts all connections of a broker and refuses new ones."""
        self._call("broker_down", broker=broker)

    def broker_up(self, broker: int) -> None:
        """Ends `broker_down`."""
        self._call("broker_up", broker=broker)

    def broker_slow(self, broker: int, ms: int) -> None:
        """Delays every answer of a broker by `ms` milliseconds; 0 ends it."""
        self._call("broker_slow", broker=broker, ms=ms)

    def request_errors(self, api_key: int | str, errors: Sequence[int]) -> None:
        """Answers the next requests of a kind with error codes of the Kafka protocol, one request each.

        `api_key`: "Produce", "Fetch", … or its number. No codes at all take back what is left.
        """
        self._call("request_errors", api_key=api_key, errors=[int(error) for error in errors])

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Moves the leadership of a partition to `broker`; -1 leaves it without a leader."""
        self._call("set_leader", topic=topic, partition=partition, broker=broker)

    def set_coordinator(self, kind: str, key: str, broker: int) -> None:
        """Moves the coordinator of a "group" or "transaction" named `key` to `broker`."""
        self._call("set_coordinator", kind=kind, key=key, broker=broker)

    def heal(self) -> None:
        """All brokers up and at full speed; errors that are still to come for any request are taken back."""
        from runtime.infra.kafka_process import API_KEYS

        for broker in range(1, self._brokers + 1):
            self.broker_up(broker)
            self.broker_slow(broker, 0)
        for api_key in API_KEYS:
            self.request_errors(api_key, [])

    def _launch(self, deadline: float) -> None:
        self._token = secrets.token_hex(16)
        configuration = {
            "library": str(_library()),
            "brokers": self._brokers,
            "topics": self._topics,
            "token": self._token,
        }
        self._ready = self._launch_module("runtime.infra.kafka_process", configuration, deadline)

    def _remember(self) -> dict[str, Any]:
        return {**self._ready, "token": self._token}

    def _call(self, name: str, /, **arguments: Any) -> None:
        record = self._recall()
        if "control_port" not in record:
            raise RuntimeFault(f"kafka cannot do {name}: it does not run.")
        control.call(record["control_port"], record["token"], name, **arguments)


def _library() -> Path:
    """librdkafka, as the wheel of confluent-kafka brings it; found without importing that package."""
    package = importlib.util.find_spec("confluent_kafka")
    if package is None or package.origin is None:
        raise RuntimeFault("The package confluent-kafka is missing: install requirements.txt.")
    folder = Path(package.origin).parent
    for pattern in ("../confluent_kafka.libs/librdkafka*", ".dylibs/librdkafka*"):
        found = sorted(folder.glob(pattern))
        if found:
            return found[0].resolve()
    raise RuntimeFault("confluent-kafka is here without its librdkafka: install it from its wheel (pip).")
