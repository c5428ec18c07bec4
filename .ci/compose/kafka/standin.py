"""One broker of the embedded Kafka cluster on Kafka's ports, with the platform's topics."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import confluent_kafka
import yaml

BROKER_PORT = 29092
OUTSIDE_PORT = 9092

# The brokers are made in this process, by a library that reads these; see reachable.c.
os.environ["STANDIN_PORT"] = str(BROKER_PORT)
os.environ["STANDIN_ADDRESS"] = socket.gethostbyname(socket.gethostname())

from runtime.infra.kafka_process import MockCluster  # noqa: E402 - after the environment is set


def make_cluster() -> MockCluster:
    libraries = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    cluster = MockCluster(str(next(libraries.glob("librdkafka*"))), 1)
    topics = yaml.safe_load(Path(__file__).with_name("topics.yaml").read_text(encoding="utf-8"))["topics"]
    for name, topic in topics.items():
        cluster.create_topic(name, topic["partitions"])
    return cluster


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    inside, outward = await asyncio.open_connection("127.0.0.1", BROKER_PORT)
    await asyncio.gather(copy(reader, outward), copy(inside, writer), return_exceptions=True)


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    cluster = make_cluster()
    print("brokers at", cluster.bootstrap())
    async with await asyncio.start_server(forward, "0.0.0.0", OUTSIDE_PORT):  # noqa: S104 - in a container
        await stop.wait()


asyncio.run(main())
