"""Faults on the links of a running platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.errors import NotSupported, RuntimeFault

if TYPE_CHECKING:
    from runtime.backends import Backend
    from runtime.infra.fault_proxy import FaultProxy


def link_name(service: str, target: str) -> str:
    """How the proxy calls the link from `service` to `target`."""
    return f"{service}->{target}"


class Link:
    """One connection between a service and what it depends on."""

    def __init__(self, proxy: FaultProxy, name: str) -> None:
        self._proxy = proxy
        self._name = name

    def delay(self, ms: float) -> None:
        """Answers come `ms` milliseconds later; 0 ends it."""
        self._proxy.delay(self._name, ms)

    def drop(self, ratio: float) -> None:
        """Each piece of data is lost with this probability (0–1), and all after it on its connection."""
        self._proxy.drop(self._name, ratio)

    def black_hole(self) -> None:
        """Nothing passes and nobody is told."""
        self._proxy.black_hole(self._name)

    def reset_connections(self) -> int:
        """Cuts the present connections; returns how many."""
        return self._proxy.reset_connections(self._name)

    def heal(self) -> None:
        """Ends every fault of the link."""
        self._proxy.heal(self._name)


class Faults:
    """The links that were named when the platform was made."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def link(self, service: str, target: str) -> Link:
        """The link from `service` to a database, "redis", "consul" or another service.

        Raises RuntimeFault when it was not named when the platform was made.
        """
        proxy = self._proxy()
        name = link_name(service, target)
        known = [link["name"] for link in proxy.links()] if proxy.is_running() else []
        if name not in known:
            wanted = f"links=[({service!r}, {target!r})]"
            raise RuntimeFault(f"There is no link {name}: name it when the platform is made, {wanted}.")
        return Link(proxy, name)

    def heal(self) -> None:
        """Ends every fault on every link."""
        proxy = self._proxy()
        if proxy.is_running():
            proxy.heal()

    def _proxy(self) -> FaultProxy:
        if self._backend.name != "embedded" or self._backend.seat is None:
            raise NotSupported("Putting faults on links", self._backend.name)
        from runtime.infra.fault_proxy import FaultProxy

        return FaultProxy(self._backend.seat / "fault-proxy")
