"""Being found: a service's entry in Consul, kept alive by the service itself.

The entry has a TTL check that the service renews with its own readiness; a process that hangs or dies turns
critical when the TTL runs out, and is removed after a while.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from consul.exceptions import ConsulException

from shared.distributed.consul import consul_client
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.config.settings import Settings

    Ready = Callable[[], tuple[bool, Mapping[str, str]]]

UNREADY_SECONDS = 0.25  # how soon to look again while the service is not ready
UNREADY_LOOKS = 3  # so many in a row, and a service that was ready counts as critical: a stall is no outage
REMOVE_AFTER = "1m"  # the shortest that Consul accepts
_FAILURES = (ConsulException, OSError)

_log = get_logger(__name__)


class ConsulRegistration:
    """The entry of this instance under the service's name, from `start` to `stop`.

    `ready` gives (ready?, check → state), as HealthRegistry.ready does; `ttl` is in seconds.
    """

    def __init__(self, settings: Settings, ready: Ready, *, ttl: float = 10.0, client: Any = None) -> None:
        self._settings = settings
        self._ready = ready
        self._ttl = ttl
        self._consul = client or consul_client(settings)
        self._check = f"service:{settings.instance_id}"
        self._registered = False
        self._passing = False
        self._unready = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="consul-registration", daemon=True)

    def start(self) -> None:
        """Starts the thread that registers and renews; Consul may come later."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Removes the entry, so that nobody is sent here any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        try:
            self._consul.agent.service.deregister(self._settings.instance_id)
        except _FAILURES as error:
            _log.warning("not deregistered", reason=str(error))

    def report(self) -> bool:
        """Registers if needed and renews the check with the present readiness; whether it is ready.

        A check that passes is let run until UNREADY_LOOKS looks in a row have found the service not ready.
        """
        if not self._registered:
            self._register()
            self._passing = False
        ready, checks = self._ready()
        self._unready = 0 if ready else self._unready + 1
        if self._passing and 0 < self._unready < UNREADY_LOOKS:
            return False
        renew = self._consul.agent.check.ttl_pass if ready else self._consul.agent.check.ttl_fail
        notes = ", ".join(f"{name}: {state}" for name, state in checks.items())
        # An agent that has forgotten the check answers 404: False.
        self._registered = bool(renew(self._check, notes=notes))
        self._passing = ready and self._registered
        return ready and self._registered

    def _run(self) -> None:
        while not self._stopping.is_set():
            ready = False
            try:
                ready = self.report()
            except _FAILURES as error:
                self._registered = False
                _log.warning("Consul does not answer", reason=str(error))
            self._stopping.wait(self._ttl / 4 if ready else UNREADY_SECONDS)

    def _register(self) -> None:
        settings = self._settings
        self._registered = self._consul.agent.service.register(
            settings.service,
            service_id=settings.instance_id,
            address=settings.advertise_host,
            port=settings.port,
            check={
                "CheckID": self._check,
                "TTL": f"{self._ttl:g}s",
                "DeregisterCriticalServiceAfter": REMOVE_AFTER,
            },
            replace_existing_checks=True,
        )
