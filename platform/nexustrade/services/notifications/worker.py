"""The Celery worker, inside this process: one thread, no child processes, no chatter among workers."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from celery.bootsteps import RUN
from kombu.asynchronous import set_event_loop

from shared.errors import DependencyUnavailable
from shared.observability import get_logger

if TYPE_CHECKING:
    from celery import Celery

log = get_logger(__name__)

STOP_TIMEOUT: Final = 5.0  # seconds
WAKE_SECONDS: Final = 0.2


class WorkerThread:
    """Runs the tasks of `celery` one after the other, so an account's notifications keep their order."""

    def __init__(self, celery: Celery, name: str) -> None:
        # Kombu has one event loop for a process unless it has none: each worker is to get its own.
        set_event_loop(None)
        self._celery = celery
        self._worker: Any = celery.WorkController(
            hostname=name,
            pool_cls="solo",
            concurrency=1,
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        # The worker looks for a request to stop between two polls; this ends a poll that finds nothing.
        self._worker.timer.call_repeatedly(WAKE_SECONDS, lambda: None)
        self._thread = Thread(target=self._run, name="celery-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the task in hand; what is still queued waits in Redis."""
        if self._thread.is_alive():
            self._worker.stop()
            self._thread.join(STOP_TIMEOUT)

    def check(self) -> None:
        """Raises DependencyUnavailable unless the worker is taking tasks; for readiness."""
        consumer = getattr(self._worker, "consumer", None)
        taking = consumer is not None and consumer.blueprint.state == RUN and consumer.task_consumer
        if not self._thread.is_alive() or not taking:
            raise DependencyUnavailable("the worker takes no tasks")

    def _run(self) -> None:
        # What runs in this thread belongs to this application, also where Celery asks for the current one.
        self._celery.set_current()
        try:
            self._worker.start()
        except SystemExit:
            log.info("worker_ended")
