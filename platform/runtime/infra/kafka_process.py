"""The process that speaks the Kafka protocol in a seat.

What it is: the mock cluster of librdkafka (the C library inside the confluent-kafka wheel), driven
through ctypes: three brokers on loopback ports with idempotent and transactional producers, consumer
groups, offsets, message headers, partition leaders, and faults on demand.

What it is not: Apache Kafka. It keeps nothing on disk, and of each partition only the newest 5 MiB
or so; it has no CreateTopics request (topics are made through the control channel), no
access control, no log compaction, no retention by time. A waiting fetch is not woken by a new
message: it answers after fetch.wait.max.ms, so set that to 10 or 20. Under Docker Compose the services
talk to Apache Kafka.

Groups: the first member of a group gets its partitions at once. Any later change (a member comes,
goes, or comes back) waits for session.timeout.ms less one second, at least one second, before
partitions are given out again; with the usual 45 s a restarted service would hear nothing for 44 s.
So members set session.timeout.ms to 2000 and heartbeat.interval.ms to 500: then a service that left
and comes back waits one second at most, one that was killed three. Static membership
(group.instance.id) makes it slower here, not faster.

Topics that appear by themselves: a metadata request that *names* an unknown topic makes that topic
(four partitions) unless the client forbids it. A client that wants to know whether a topic exists
sets `allow.auto.create.topics` to false (the default of a librdkafka producer is true) or asks for
the full list of topics, `list_topics()` without a name, which creates nothing.

Only ctypes and a few small modules are imported: the process is a fixed cost of every seat.
"""

import contextlib
import ctypes
import functools
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from runtime.infra.control import ControlServer, read_configuration, report_ready

_PRODUCER = 0
_REPLICAS = 3
_TEXT = 512
_KNOCK_SECONDS = 0.01

# Numbers of the Kafka protocol: requests, and errors to answer them with.
API_KEYS = {
    "Produce": 0,
    "Fetch": 1,
    "ListOffsets": 2,
    "Metadata": 3,
    "OffsetCommit": 8,
    "OffsetFetch": 9,
    "FindCoordinator": 10,
    "JoinGroup": 11,
    "Heartbeat": 12,
    "LeaveGroup": 13,
    "SyncGroup": 14,
    "InitProducerId": 22,
    "AddPartitionsToTxn": 24,
    "EndTxn": 26,
    "TxnOffsetCommit": 28,
}
COORDINATOR_KINDS = {"transaction": 0, "group": 1}

_POINTER = ctypes.c_void_p
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "rd_kafka_conf_new": (_POINTER, []),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        [_POINTER, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "rd_kafka_new": (_POINTER, [ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_size_t]),
    "rd_kafka_err2str": (ctypes.c_char_p, [ctypes.c_int]),
    "rd_kafka_mock_cluster_new": (_POINTER, [_POINTER, ctypes.c_int]),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, [_POINTER]),
    "rd_kafka_mock_topic_create": (ctypes.c_int, [_POINTER, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, [_POINTER, ctypes.c_int32]),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, [_POINTER, ctypes.c_int32]),
    "rd_kafka_mock_broker_set_rtt": (ctypes.c_int, [_POINTER, ctypes.c_int32, ctypes.c_int]),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        [_POINTER, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)],
    ),
    "rd_kafka_mock_clear_request_errors": (None, [_POINTER, ctypes.c_int16]),
    "rd_kafka_mock_partition_set_leader": (
        ctypes.c_int,
        [_POINTER, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int32],
    ),
    "rd_kafka_mock_coordinator_set": (
        ctypes.c_int,
        [_POINTER, ctypes.c_int, ctypes.c_char_p, ctypes.c_int32],
    ),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [_POINTER, ctypes.c_int32]),
}


class MockCluster:
    """The cluster inside the library at `library`; broker numbers run from 1."""

    def __init__(self, library: str, brokers: int) -> None:
        self._library = ctypes.CDLL(library)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._brokers = brokers
        text = ctypes.create_string_buffer(_TEXT)
        client = self._library.rd_kafka_new(_PRODUCER, self._configuration(), text, _TEXT)
        if not client:
            raise RuntimeError(text.value.decode())
        self._cluster = self._library.rd_kafka_mock_cluster_new(client, brokers)
        if not self._cluster:
            raise RuntimeError("the brokers could not be made")
        # Otherwise every group waits three seconds for members that may come.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)

    def bootstrap(self) -> str:
        """`host:port,…` of all brokers."""
        return str(self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode())

    def create_topic(self, topic: str, partitions: int) -> None:
        replicas = min(_REPLICAS, self._brokers)
        self._check(
            self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, replicas),
            topic,
        )

    def create_topics(self, topics: dict[str, int]) -> None:
        for topic, partitions in topics.items():
            self.create_topic(topic, partitions)

    def broker_down(self, broker: int) -> None:
        self._check(self._library.rd_kafka_mock_broker_set_down(self._cluster, broker), broker)

    def broker_up(self, broker: int) -> None:
        self._check(self._library.rd_kafka_mock_broker_set_up(self._cluster, broker), broker)

    def broker_slow(self, broker: int, ms: int) -> None:
        self._check(self._library.rd_kafka_mock_broker_set_rtt(self._cluster, broker, ms), broker)

    def request_errors(self, api_key: int | str, errors: list[int]) -> None:
        """Answers the next requests of that kind with these errors, one each; clears them when empty."""
        number = api_number(api_key)
        if not errors:
            self._library.rd_kafka_mock_clear_request_errors(self._cluster, number)
            return
        array = (ctypes.c_int * len(errors))(*errors)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, number, len(errors), array)

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Moves a partition to `broker`; -1 leaves it without a leader."""
        self._check(
            self._library.rd_kafka_mock_partition_set_leader(
                self._cluster, topic.encode(), partition, broker
            ),
            topic,
        )

    def set_coordinator(self, kind: str, key: str, broker: int) -> None:
        """Makes `broker` the coordinator of the group or transactional id `key`."""
        number = COORDINATOR_KINDS[kind]
        self._check(
            self._library.rd_kafka_mock_coordinator_set(self._cluster, number, key.encode(), broker), key
        )

    def _configuration(self) -> Any:
        configuration = self._library.rd_kafka_conf_new()
        text = ctypes.create_string_buffer(_TEXT)
        # This client only hosts the brokers; it has nothing to connect to and should not say so.
        self._library.rd_kafka_conf_set(configuration, b"log_level", b"3", text, _TEXT)
        return configuration

    def _check(self, error: int, what: object) -> None:
        if error:
            raise ValueError(f"{what}: {self._library.rd_kafka_err2str(error).decode()}")


class Waker:
    """Keeps the cluster's thread attentive while a call waits for it.

    The thread that serves calls sleeps for up to a second, and now and then misses that one has come; a new
    connection always wakes it.
    """

    def __init__(self, bootstrap: str) -> None:
        self._addresses = [address.rsplit(":", 1) for address in bootstrap.split(",")]

    def __call__(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, with its wait cut short."""

        @functools.wraps(call)
        def awake(*words: Any, **named: Any) -> Any:
            done = threading.Event()
            thread = threading.Thread(target=self._knock, args=(done,), daemon=True)
            thread.start()
            try:
                return call(*words, **named)
            finally:
                done.set()
                thread.join()

        return awake

    def _knock(self, done: threading.Event) -> None:
        while not done.wait(_KNOCK_SECONDS):
            for host, port in self._addresses:
                with contextlib.suppress(OSError):  # a broker that is down
                    socket.create_connection((host, int(port)), timeout=1.0).close()


def api_number(api_key: int | str) -> int:
    """The number of a request kind, given as that or by its name in the Kafka protocol."""
    return API_KEYS[api_key] if isinstance(api_key, str) else int(api_key)


def main() -> None:
    """Runs the cluster until the owner ends or asks to stop."""
    configuration = read_configuration()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    cluster = MockCluster(configuration["library"], configuration["brokers"])
    awake = Waker(cluster.bootstrap())
    awake(cluster.create_topics)(configuration["topics"])
    handlers = {
        name: awake(getattr(cluster, name))
        for name in (
            "create_topic",
            "broker_down",
            "broker_up",
            "broker_slow",
            "request_errors",
            "set_leader",
            "set_coordinator",
        )
    }
    control = ControlServer(handlers, configuration["token"])
    control.start()
    report_ready(bootstrap=cluster.bootstrap(), control_port=control.port)
    stopped.wait()


if __name__ == "__main__":
    main()
