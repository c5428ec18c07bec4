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

    def slow(self, service: str, ms: float) -> None:
        """Everybody whose link to a service was named gets its answers `ms` milliseconds later."""
        for link in self._links_to(service):
            link.delay(ms)

    def partition(self, service: str) -> None:
        """Cuts a service off from everybody whose link to it was named, and tells nobody."""
        for link in self._links_to(service):
            link.black_hole()

    def rejoin(self, service: str) -> None:
        """Ends `slow` and `partition` of a service; connections that they have spoilt are cut."""
        for link in self._links_to(service):
            link.heal()
            link.reset_connections()

    def heal(self) -> None:
        """Ends every fault on every link."""
        proxy = self._proxy()
        if proxy.is_running():
            proxy.heal()

    def _links_to(self, service: str) -> list[Link]:
        proxy = self._proxy()
        known = [link["name"] for link in proxy.links()] if proxy.is_running() else []
        names = [name for name in known if name.endswith(f"->{service}")]
        if not names:
            wanted = f"links=[(CALLER, {service!r})]"
            raise RuntimeFault(f"No link leads to {service}: name one when the platform is made, {wanted}.")
        return [Link(proxy, name) for name in names]

    def _proxy(self) -> FaultProxy:
        if self._backend.name != "embedded" or self._backend.seat is None:
            raise NotSupported("Putting faults on links", self._backend.name)
        from runtime.infra.fault_proxy import FaultProxy

        return FaultProxy(self._backend.seat / "fault-proxy")
