"""Topics are created as the configuration lists them."""

from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException

from shared.events.provision import topics_provision
from shared.events.topics import load_topics

pytestmark = pytest.mark.services()


class FakeAdmin:
    """Brokers that have some topics; `refusing` maps a topic to the error it is refused with."""

    def __init__(self, *present, refusing=None):
        self.topics = dict.fromkeys(present)
        self.asked = {}
        self._refusing = refusing or {}

    def list_topics(self, timeout):
        assert timeout > 0
        return self

    def create_topics(self, topics, operation_timeout):
        assert operation_timeout > 0
        answers = {}
        for topic in topics:
            self.asked[topic.topic] = (topic.num_partitions, topic.replication_factor)
            answers[topic.topic] = Future()
            if topic.topic in self._refusing:
                answers[topic.topic].set_exception(KafkaException(KafkaError(self._refusing[topic.topic])))
            else:
                answers[topic.topic].set_result(None)
        return answers


def test_missing_topics_are_created_with_their_partitions():
    """What the brokers have already is left alone, the rest is created as configured."""
    topics = load_topics()
    admin = FakeAdmin("executions", "accounts")
    created = topics_provision(admin, topics.values(), replication_factor=3)
    assert set(created) == set(topics) - {"executions", "accounts"}
    assert admin.asked == {name: (topics[name].partitions, 3) for name in created}


def test_nothing_is_asked_when_all_topics_are_there():
    """A second run of the job changes nothing."""
    admin = FakeAdmin(*load_topics())
    assert topics_provision(admin, load_topics().values()) == []
    assert admin.asked == {}


def test_a_topic_that_another_run_created_meanwhile_is_as_good():
    """Two jobs at the same time both succeed."""
    admin = FakeAdmin(refusing={"executions": KafkaError.TOPIC_ALREADY_EXISTS})
    assert "executions" not in topics_provision(admin, load_topics().values())


def test_a_refusal_ends_the_job():
    """A topic that cannot be created is an error, not a surprise for the services."""
    admin = FakeAdmin(refusing={"executions": KafkaError.TOPIC_AUTHORIZATION_FAILED})
    with pytest.raises(KafkaException):
        topics_provision(admin, load_topics().values())
