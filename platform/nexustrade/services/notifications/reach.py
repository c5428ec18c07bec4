"""Where webhooks may lead: to addresses of the public internet, and to those that are configured besides."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from shared.errors import NexusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Network

    Address = IPv4Address | IPv6Address
    Resolver = Callable[[str, int], Iterable[str]]

# IPv6 addresses that carry one of IPv4 in their last bits and lead there: NAT64 (RFC 6052), and the form that
# RFC 4291 has given up.
CARRIERS = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))


class AddressRefused(NexusError):
    """A webhook leads to where it may not; `host` is the name or address in its URL."""

    status = 422
    problem_type = "address-refused"
    title = "The address may not be reached"


class AddressUnknown(NexusError):
    """The name in a URL leads nowhere at the moment."""

    status = 422
    problem_type = "address-unknown"
    title = "The name does not resolve"


@dataclass(frozen=True, slots=True)
class Permit:
    """A network and a range of ports that may be reached although they are not public."""

    network: IPv4Network | IPv6Network
    first_port: int
    last_port: int

    @classmethod
    def parse(cls, text: str) -> Permit:
        """From "127.0.0.0/8:18100-18199"; ValueError."""
        network, _, ports = text.rpartition(":")
        first, _, last = ports.partition("-")
        return cls(ip_network(network), int(first), int(last or first))

    def covers(self, address: Address, port: int) -> bool:
        return address in self.network and self.first_port <= port <= self.last_port


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system's resolver gives them; AddressUnknown when there are none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressUnknown("the name does not resolve", host=host) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Reach:
    """Decides by addresses, never by names: a name leads wherever its owner says, and may change its mind."""

    def __init__(self, permits: Iterable[str] = (), *, resolver: Resolver = resolve) -> None:
        self._permits = tuple(map(Permit.parse, permits))
        self._resolver = resolver

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses that `host` has now. AddressRefused when one of them may not be reached."""
        found = list(self._resolver(host, port))
        for address in found:
            if not self._allows(ip_address(address), port):
                raise AddressRefused(f"{host} leads to an address that may not be reached", host=host)
        return found

    def _allows(self, address: Address, port: int) -> bool:
        return is_public(address) or any(permit.covers(address, port) for permit in self._permits)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the internet, and not to a machine, a site or a provider's inside."""
    carried = _carried(address)
    if carried is not None:
        return is_public(carried)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: Address) -> IPv4Address | None:
    """The address of IPv4 to which an address of IPv6 leads in the end, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if any(address in carrier for carrier in CARRIERS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
