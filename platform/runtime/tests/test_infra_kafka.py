"""The Kafka protocol of a seat, through the client that the services use."""

import contextlib
import uuid

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from runtime.errors import RuntimeFault
from runtime.infra.kafka import KafkaCluster
from runtime.infra.kafka_process import api_number
from runtime.tests.infra_support import until

TOPICS = {"trades": 3, "accounts": 1}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = KafkaCluster(tmp_path_factory.mktemp("seat") / "kafka", TOPICS)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(autouse=True)
def healed(cluster):
    yield
    cluster.heal()


@pytest.fixture
def topic(cluster):
    name = f"t-{uuid.uuid4().hex}"
    cluster.create_topic(name, 1)
    return name


def producer_of(cluster, **options):
    return Producer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "enable.idempotence": True,
            "allow.auto.create.topics": False,
            "retry.backoff.ms": 20,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
            **options,
        }
    )


@contextlib.contextmanager
def consumer_of(cluster, *topics, group=None):
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": group or uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 2000,
            "heartbeat.interval.ms": 300,
            "fetch.wait.max.ms": 10,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
        }
    )
    consumer.subscribe(list(topics))
    try:
        yield consumer
    finally:
        consumer.close()


def send(producer, topic, *values, key=b"key", timeout=15.0):
    reports = []
    for value in values:
        producer.produce(
            topic, value, key=key, headers=[("event-type", b"Test")], on_delivery=lambda *r: reports.append(r)
        )
    until(lambda: producer.flush(0.05) == 0, "messages were not acknowledged", timeout)
    return reports


def receive(consumer, count):
    values = []

    def enough():
        message = consumer.poll(0.05)
        if message is not None and message.error() is None:
            values.append(message)
        return len(values) >= count

    until(enough, f"fewer than {count} messages arrived")
    return values


def topics_of(cluster):
    return {
        name: len(topic.partitions) for name, topic in admin(cluster).list_topics(timeout=5).topics.items()
    }


def admin(cluster):
    return AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})


def test_topics_of_the_configuration_are_there(cluster):
    """The topics given at the start exist with their partitions, on three brokers."""
    assert TOPICS.items() <= topics_of(cluster).items()
    assert sorted(admin(cluster).list_topics(timeout=5).brokers) == [1, 2, 3]


def test_idempotent_producer_and_group(cluster, topic):
    """What an idempotent producer sends reaches a group in order, with key and headers."""
    assert all(
        error is None for error, _ in send(producer_of(cluster), topic, *(b"%d" % n for n in range(50)))
    )
    with consumer_of(cluster, topic) as consumer:
        messages = receive(consumer, 50)
    assert [message.value() for message in messages] == [b"%d" % n for n in range(50)]
    assert messages[0].key() == b"key"
    assert messages[0].headers() == [("event-type", b"Test")]


def test_committed_offsets_are_kept_by_the_group(cluster, topic):
    """The next member of a group begins behind what the last one committed."""
    producer = producer_of(cluster)
    send(producer, topic, b"first", b"second")
    with consumer_of(cluster, topic, group=topic) as consumer:
        first = receive(consumer, 1)[0]
        assert first.value() == b"first"
        consumer.commit(first, asynchronous=False)
    with consumer_of(cluster, topic, group=topic) as consumer:
        assert receive(consumer, 1)[0].value() == b"second"


def test_two_members_share_the_partitions(cluster):
    """Two members of a group each get partitions, and together all of them."""
    group = uuid.uuid4().hex
    with (
        consumer_of(cluster, "trades", group=group) as one,
        consumer_of(cluster, "trades", group=group) as two,
    ):

        def shared():
            one.poll(0.02)
            two.poll(0.02)
            parts = [{p.partition for p in consumer.assignment()} for consumer in (one, two)]
            return all(parts) and parts[0] | parts[1] == {0, 1, 2} and not parts[0] & parts[1]

        until(shared, "the partitions were not shared", timeout=30)


def test_returning_member_waits_no_longer_than_a_second(cluster):
    """With the session time-out of the services, a group whose member left and came back goes on soon."""
    group = uuid.uuid4().hex
    for _ in range(2):
        with consumer_of(cluster, "trades", group=group) as consumer:
            until(lambda c=consumer: c.poll(0.02) or len(c.assignment()) == 3, "no partitions", timeout=10)


def test_transactions_are_committed(cluster, topic):
    """What a transactional producer commits is there for consumers."""
    producer = producer_of(cluster, **{"transactional.id": topic})
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.produce(topic, b"committed")
    producer.commit_transaction(15)
    with consumer_of(cluster, topic) as consumer:
        assert receive(consumer, 1)[0].value() == b"committed"


def test_broker_that_is_down_takes_nothing_until_it_is_up(cluster, topic):
    """A partition of a broker that is down takes messages again, once and in order, when it is up."""
    cluster.set_leader(topic, 0, 2)
    producer = producer_of(cluster)
    send(producer, topic, b"before")
    cluster.broker_down(2)
    reports = []
    producer.produce(topic, b"during", on_delivery=lambda *report: reports.append(report))
    assert producer.flush(0.5) == 1
    assert not reports
    cluster.broker_up(2)
    until(lambda: producer.flush(0.05) == 0, "it was not delivered after the broker came back", 30)
    assert reports[0][0] is None
    with consumer_of(cluster, topic) as consumer:
        assert [message.value() for message in receive(consumer, 2)] == [b"before", b"during"]


def test_leader_moves(cluster, topic):
    """The metadata names the broker that a partition was moved to, and messages go there."""
    for broker in (1, 3):
        cluster.set_leader(topic, 0, broker)
        until(
            lambda broker=broker: (
                admin(cluster).list_topics(timeout=5).topics[topic].partitions[0].leader == broker
            ),
            "the leader did not move",
        )
        assert send(producer_of(cluster), topic, b"x")[0][0] is None


def test_slow_broker_delays_its_answers(cluster, topic):
    """Acknowledgements of a slowed broker take at least the time that was set."""
    cluster.set_leader(topic, 0, 1)
    producer = producer_of(cluster)
    send(producer, topic, b"warm")
    cluster.broker_slow(1, 300)
    reports = []
    producer.produce(topic, b"slow", on_delivery=lambda *report: reports.append(report))
    until(lambda: producer.flush(0.05) == 0, "it was not delivered")
    assert reports[0][1].latency() >= 0.3


def test_request_errors_are_answered_and_survived(cluster, topic):
    """Retriable errors are retried without a duplicate; a fatal one reaches the producer."""
    producer = producer_of(cluster)
    send(producer, topic, b"before")
    cluster.request_errors("Produce", [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.REQUEST_TIMED_OUT])
    assert send(producer, topic, b"after")[0][0] is None
    with consumer_of(cluster, topic) as consumer:
        assert [message.value() for message in receive(consumer, 2)] == [b"before", b"after"]
    cluster.request_errors("Produce", [KafkaError.TOPIC_AUTHORIZATION_FAILED])
    plain = producer_of(cluster, **{"enable.idempotence": False})
    assert send(plain, topic, b"refused")[0][0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_errors_are_taken_back(cluster, topic):
    """After heal, errors that were still to come do not come."""
    cluster.request_errors("Produce", [KafkaError.TOPIC_AUTHORIZATION_FAILED] * 50)
    cluster.heal()
    plain = producer_of(cluster, **{"enable.idempotence": False})
    assert send(plain, topic, b"fine")[0][0] is None


def test_unknown_topic_appears_only_when_the_client_allows_it(cluster):
    """Naming an unknown topic makes it, unless the client forbids that; the full list never does."""
    assert "unknown-one" not in topics_of(cluster)
    careful = producer_of(cluster)
    answer = careful.list_topics("unknown-one", timeout=5).topics["unknown-one"]
    assert answer.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    assert "unknown-one" not in topics_of(cluster)
    careless = producer_of(cluster, **{"allow.auto.create.topics": True})
    careless.list_topics("unknown-two", timeout=5)
    assert topics_of(cluster)["unknown-two"] == 4


def test_offsets_of_a_partition_are_known(cluster, topic):
    """The first and next offset of a partition can be asked for, as for a look at its last messages."""
    send(producer_of(cluster), topic, b"a", b"b", b"c")
    with consumer_of(cluster, topic) as consumer:
        assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=5) == (0, 3)


def test_control_from_another_object(cluster):
    """A handle made for the folder alone controls the cluster."""
    handle = KafkaCluster(cluster.folder, {})
    assert handle.bootstrap == cluster.bootstrap
    handle.create_topic("made-by-handle", 2)
    assert topics_of(cluster)["made-by-handle"] == 2


def test_refusals_say_why(cluster, tmp_path):
    """A topic that exists, a broker that does not, and a cluster that does not run are named."""
    with pytest.raises(RuntimeFault, match="trades"):
        cluster.create_topic("trades")
    with pytest.raises(RuntimeFault, match="9"):
        cluster.broker_down(9)
    with pytest.raises(RuntimeFault, match="does not run"):
        KafkaCluster(tmp_path / "kafka", {}).broker_down(1)
    with pytest.raises(RuntimeFault, match="no address yet"):
        _ = KafkaCluster(tmp_path / "kafka", {}).bootstrap


def test_nothing_is_kept_over_a_stop(tmp_path):
    """A new start has the configured topics, empty."""
    cluster = KafkaCluster(tmp_path / "kafka", {"trades": 1})
    cluster.start()
    send(producer_of(cluster), "trades", b"x")
    cluster.stop()
    cluster.start()
    try:
        with consumer_of(cluster, "trades") as consumer:
            assert consumer.get_watermark_offsets(TopicPartition("trades", 0), timeout=5) == (0, 0)
    finally:
        cluster.stop()


def test_api_keys_by_name_and_number():
    """A request kind is given by its name or its number."""
    assert api_number("Fetch") == api_number(1) == 1
    with pytest.raises(KeyError):
        api_number("Nonsense")


def test_topics_are_not_made_over_the_protocol(cluster):
    """CreateTopics is not part of this cluster: the client is told so, and no topic appears."""
    from confluent_kafka.admin import NewTopic

    with pytest.raises(KafkaException):
        admin(cluster).create_topics([NewTopic("by-protocol", 1)], request_timeout=1)["by-protocol"].result(5)
    assert "by-protocol" not in topics_of(cluster)
