"""Creates the topics of config/topics.yaml that the brokers do not have yet.

`python -m shared.events.provision` is the init job under Compose. KAFKA_REPLICATION_FACTOR (default 1) is the
number of brokers that keep each partition. Ends with status 1 when the brokers do not answer or refuse.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from shared.events.topics import load_topics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.events.topics import Topic

TIMEOUT = 30.0  # seconds


def topics_provision(
    admin: AdminClient, topics: Iterable[Topic], *, replication_factor: int = 1
) -> list[str]:
    """The names of the topics that were created; KafkaException when one could not be.

    May run in several places at once: a topic that somebody else created meanwhile is as good.
    """
    present = admin.list_topics(timeout=TIMEOUT).topics
    wanted = [
        NewTopic(topic.name, topic.partitions, replication_factor)
        for topic in topics
        if topic.name not in present
    ]
    created = admin.create_topics(wanted, operation_timeout=TIMEOUT) if wanted else {}
    return [name for name, future in created.items() if _was_created(future)]


def _was_created(future: object) -> bool:
    try:
        future.result(TIMEOUT)  # type: ignore[attr-defined]
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False
    return True


def main() -> None:
    """Creates what is missing, says what was created."""
    admin = AdminClient({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})
    factor = int(os.environ.get("KAFKA_REPLICATION_FACTOR", "1"))
    try:
        created = topics_provision(admin, load_topics().values(), replication_factor=factor)
    except KafkaException as error:
        sys.exit(f"topics were not created: {error}")
    print(f"topics created: {', '.join(created) or 'none, all were there'}")


if __name__ == "__main__":
    main()
