"""Links between a service and what it depends on, each through a fault proxy."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from runtime.errors import RuntimeFault
from runtime.faults import link_name
from runtime.infra.fault_proxy import FaultProxy
from runtime.names import DATABASES

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.addresses import Addresses
    from runtime.supervisor.consul_view import ConsulView


class Links:
    """Makes services see the ports of fault proxies in place of what they depend on.

    Databases, Redis and Consul are told to a service by address, which is changed. Other services it
    finds through Consul, so that it gets a view of Consul with the changed port in it.
    """

    def __init__(self, links: list[list[str]], folder: Path) -> None:
        self._links = links
        self._proxy = FaultProxy(folder)
        self._ports: dict[tuple[str, str], int] = {}
        self._views: dict[str, ConsulView] = {}

    @property
    def part(self) -> FaultProxy | None:
        """The process of the proxies, when there are links."""
        return self._proxy if self._links else None

    def start(self, addresses: Addresses) -> None:
        """Opens the links. Raises RuntimeFault when one leads nowhere."""
        if not self._links:
            return
        # It needs an HTTP server, which is large beside the rest of a supervisor that has no links.
        from runtime.supervisor.consul_view import ConsulView

        self._proxy.start()
        for service, target in self._links:
            host, port = _target(target, addresses)
            self._ports[service, target] = self._proxy.add_link(link_name(service, target), host, port)
        for service in {service for service, target in self._links if target in addresses.services}:
            ports = {target: port for (source, target), port in self._ports.items() if source == service}
            seen = self.seen_by(service, addresses)
            self._views[service] = ConsulView(seen.consul, ports)

    def seen_by(self, service: str, addresses: Addresses) -> Addresses:
        """The addresses as `service` is to know them."""
        ports = {target: port for (source, target), port in self._ports.items() if source == service}
        view = self._views.get(service)
        consul = view.address if view else _with_port(addresses.consul, ports.get("consul"))
        return dataclasses.replace(
            addresses,
            databases={name: _with_port(url, ports.get(name)) for name, url in addresses.databases.items()},
            redis=_with_port(addresses.redis, ports.get("redis")),
            consul=consul,
        )

    def stop(self) -> None:
        """Closes the links."""
        for view in self._views.values():
            view.close()
        if self._links:
            self._proxy.stop()


def _target(target: str, addresses: Addresses) -> tuple[str, int]:
    known = {
        **addresses.services,
        **addresses.databases,
        "redis": addresses.redis,
        "consul": addresses.consul,
    }
    if target not in known:
        choice = f"{', '.join(DATABASES)}, redis, consul or a service that is started"
        raise RuntimeFault(f"No link can lead to {target!r}: take {choice}; for Kafka use platform.kafka.")
    parts = urlsplit(known[target])
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _with_port(url: str, port: int | None) -> str:
    if port is None:
        return url
    parts = urlsplit(url)
    head, _, _ = parts.netloc.rpartition(":")
    return urlunsplit(parts._replace(netloc=f"{head}:{port}"))
