"""Leader election on a Consul key, with a fencing token.

A candidate holds a session with a TTL and acquires the key with it, which Consul grants to one session in
one step. Consul counts the acquisitions of a key (LockIndex); the epoch of a leader is that count on top of a
base that is stored once, so it grows with every leader, also after Consul lost its memory. Whoever takes
orders from leaders remembers the highest epoch and refuses lower ones.

The leader trusts its own clock before Consul: its lease ends one TTL after the last renewal that it knows of,
whatever it cannot hear meanwhile.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from consul.exceptions import ConsulException, NotFound

from shared import clock
from shared.distributed.consul import consul_client
from shared.distributed.errors import CoordinationError
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.config.settings import Settings

TICK_SECONDS = 0.5
MINIMUM_TTL = 10  # seconds; Consul accepts no shorter one
_FAILURES = (ConsulException, OSError)

_log = get_logger(__name__)


class LeaderElection:
    """Takes part in the election for `key` from `start` to `stop`.

    `on_elected(epoch)` and `on_lost()` are called in turns, in a thread of their own, while the lease is kept
    elsewhere; they may take their time. When `on_elected` raises, leadership is given up and tried for again.
    `epoch_floor()` is the highest epoch that the guarded resource has seen; new epochs lie above it.
    """

    def __init__(
        self,
        settings: Settings,
        key: str,
        *,
        on_elected: Callable[[int], object],
        on_lost: Callable[[], object],
        epoch_floor: Callable[[], int] = lambda: 0,
        ttl: int = MINIMUM_TTL,
        client: Any = None,
    ) -> None:
        self.key = key
        self._instance = settings.instance_id
        self._on_elected = on_elected
        self._on_lost = on_lost
        self._epoch_floor = epoch_floor
        self._ttl = ttl
        self._consul = client or consul_client(settings)
        self._session: str | None = None
        self._renewed_at = 0.0
        self._epoch = 0
        self._stopping = threading.Event()
        self._resigning = threading.Event()
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._threads = (
            threading.Thread(target=self._run, name=f"election-{key}", daemon=True),
            threading.Thread(target=self._serve_calls, name=f"election-calls-{key}", daemon=True),
        )

    @property
    def epoch(self) -> int:
        """The fencing token of this leader; 0 while it is none."""
        return self._epoch if self.is_leader() else 0

    def is_leader(self) -> bool:
        """Whether the lease is certainly this candidate's, by this process's clock."""
        return self._epoch > 0 and clock.monotonic() < self._renewed_at + self._ttl

    def ensure(self) -> int:
        """The epoch; CoordinationError unless this is the leader."""
        epoch = self.epoch
        if not epoch:
            raise CoordinationError(f"not the leader of {self.key}", key=self.key)
        return epoch

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Steps down: `on_lost` ends first, then the key is free for the next candidate."""
        self._stopping.set()
        give_up = clock.monotonic() + timeout
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, give_up - clock.monotonic()))

    def tick(self) -> None:
        """One round: keep the session, then keep the key or try for it. Errors of Consul are raised."""
        if self._resigning.is_set():
            self._leave()
            self._resigning.clear()
        self._keep_session()
        holder = self._holder()
        if self._epoch:
            if holder.get("Session") != self._session:
                self._lose("the key is no longer held")
        elif not holder.get("Session"):
            self._try()
        elif holder["Session"] == self._session:
            # Acquired, but the answer was lost or the lease ran out here before it did there. Nobody can lead
            # while the key is held: it is given up, and the next acquisition has an epoch of its own.
            self._leave()

    def _run(self) -> None:
        self._attempt(self._drop_old_sessions)
        while not self._stopping.is_set():
            self._attempt(self.tick)
            if self._epoch and not self.is_leader():
                self._lose("the lease ran out")
            self._stopping.wait(TICK_SECONDS)
        if self._epoch:
            self._lose("stopping")
        self._calls.put(None)
        self._threads[1].join()
        self._attempt(self._leave)

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except _FAILURES as error:
            _log.warning("Consul does not answer", key=self.key, reason=str(error))

    def _drop_old_sessions(self) -> None:
        """Ends what a killed process of this instance left; it would hold the key until its TTL."""
        for session in self._consul.session.list()[1] or ():
            if session.get("Name") == self._session_name:
                self._consul.session.destroy(session["ID"])

    @property
    def _session_name(self) -> str:
        return f"{self.key}:{self._instance}"

    def _keep_session(self) -> None:
        asked = clock.monotonic()
        if self._session is None:
            # No lock delay: the fencing token does its work, and the next leader starts at once.
            self._session = self._consul.session.create(name=self._session_name, ttl=self._ttl, lock_delay=0)
            self._renewed_at = asked
        elif asked >= self._renewed_at + self._ttl / 3:
            try:
                self._consul.session.renew(self._session)
                self._renewed_at = asked
            except NotFound:
                self._session = None
                if self._epoch:
                    self._lose("the session has ended")
                self._keep_session()

    def _holder(self) -> dict[str, Any]:
        """The key as the servers agree on it now; empty when nobody ever held it."""
        return self._consul.kv.get(self.key, consistency="consistent")[1] or {}

    def _try(self) -> None:
        base = self._base()
        if not self._consul.kv.put(self.key, self._instance, acquire=self._session):
            return
        holder = self._holder()
        if holder.get("Session") == self._session:
            self._epoch = epoch = base + int(holder["LockIndex"])
            _log.info("elected", key=self.key, epoch=epoch)
            self._calls.put(lambda: self._on_elected(epoch))

    def _base(self) -> int:
        """What the acquisitions are counted from: written by the first candidate ever, read by all."""
        name = f"{self.key}/epoch-base"
        _, stored = self._consul.kv.get(name, consistency="consistent")
        if stored is None:
            self._consul.kv.put(name, str(self._epoch_floor()), cas=0)
            _, stored = self._consul.kv.get(name, consistency="consistent")
        return int(stored["Value"])

    def _lose(self, reason: str) -> None:
        _log.warning("leadership ended", key=self.key, epoch=self._epoch, reason=reason)
        self._epoch = 0
        # The next round asks Consul at once whether the session is still alive.
        self._renewed_at = 0.0
        self._calls.put(self._on_lost)

    def _serve_calls(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call()
            except Exception:  # noqa: BLE001 - whatever it was, another candidate may do better
                _log.exception("leadership could not be taken up or laid down", key=self.key)
                self._resigning.set()

    def _leave(self) -> None:
        """Frees the key, if held, and ends the session."""
        session = self._session
        if session is not None:
            self._consul.kv.put(self.key, "", release=session)
            self._consul.session.destroy(session)
            self._session = None
