"""Publishes what matching has stored, symbol by symbol and in order."""

from __future__ import annotations

from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Protocol

from services.matching.errors import Fenced
from services.matching.outbox import unpack
from shared.events.topics import topic_for
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from services.matching.store import BookStore
    from shared.events.producer import Delivery

log = get_logger(__name__)

# Messages that are on their way to Kafka at the same time, of one symbol.
BATCH: Final = 200

# Seconds until what could not be published is tried again.
RETRY_PAUSE: Final = 0.2

STOP_TIMEOUT: Final = 5.0


class Sender(Protocol):
    """The part of `EventProducer` that the relay uses."""

    def send(
        self, topic: str, key: str | None, value: bytes, headers: dict[str, str], *, wait: bool = True
    ) -> Future[Delivery]: ...

    def result(self, future: Future[Delivery]) -> Delivery: ...


class Relay:
    """A thread that empties the outboxes of the symbols it is woken for.

    A message leaves its outbox after Kafka acknowledged it, so it may be published twice, with the same event
    id, but never lost. `epoch()` is the epoch in which this instance leads, or None.
    """

    def __init__(self, store: BookStore, sender: Sender, *, epoch: Callable[[], int | None]) -> None:
        self._store = store
        self._sender = sender
        self._epoch = epoch
        self._topic = topic_for("TradeExecuted").name
        self._waiting: set[str] = set()
        self._lock = Lock()
        self._woken = Event()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="relay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Publish what waits, then end; what cannot be published stays in the outbox."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT)

    def wake(self, symbol: str) -> None:
        """The outbox of `symbol` has something new. Safe from any thread; returns at once."""
        with self._lock:
            self._waiting.add(symbol)
        self._woken.set()

    def drain(self, symbol: str, epoch: int) -> int:
        """Publish all that waits for `symbol`; returns how many messages.

        PublishError when Kafka did not take them, Fenced when `epoch` has been overtaken.
        """
        published = 0
        while messages := self._store.outbox(symbol, BATCH):
            sent = [self._send(symbol, message) for message in messages]
            for future in sent:
                self._sender.result(future)
            self._store.acknowledge(symbol, len(messages), epoch)
            published += len(messages)
        return published

    def _send(self, symbol: str, message: bytes) -> Future[Delivery]:
        headers, value = unpack(message)
        return self._sender.send(self._topic, symbol, value, headers, wait=False)

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            with self._lock:
                waiting, self._waiting = self._waiting, set()
            for symbol in sorted(waiting):
                self._drain_or_retry(symbol)
            if self._stopping.is_set():
                return

    def _drain_or_retry(self, symbol: str) -> None:
        epoch = self._epoch()
        if epoch is None:
            return
        try:
            self.drain(symbol, epoch)
        except Fenced as error:
            log.warning("outbox_taken_over", symbol=symbol, error=error.message)
        except Exception as error:  # noqa: BLE001 - whatever failed, the messages are still in the outbox
            log.warning("outbox_not_published", symbol=symbol, error=f"{type(error).__name__}: {error}")
            self._stopping.wait(RETRY_PAUSE)
            self.wake(symbol)
