"""Which addresses a webhook may lead to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from services.notifications.reach import AddressRefused, AddressUnknown, Permit, Reach, is_public, resolve

pytestmark = pytest.mark.services("notifications")

PERMIT = "127.0.0.0/8:18100-18199"
INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - what must be refused
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
]
PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_inside_address_is_refused(address: str) -> None:
    """Private, local, link-local and reserved addresses are refused, also inside those of IPv6."""
    assert not is_public(ip_address(address))
    with pytest.raises(AddressRefused):
        Reach([PERMIT], resolver=lambda *_: [address]).addresses("example.com", 443)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_taken(address: str) -> None:
    """What anybody can reach, a webhook can reach."""
    assert Reach(resolver=lambda *_: [address]).addresses("example.com", 443) == [address]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost", "[::1]"]
)
def test_other_ways_to_write_an_address_are_the_address(host: str) -> None:
    """A number, hexadecimal or short forms lead where they lead, and are judged by that."""
    try:
        with pytest.raises(AddressRefused):
            Reach().addresses(host.strip("[]"), 80)
    except AddressUnknown:
        pass  # the resolver of this machine does not know the form


def test_one_inside_address_among_many_is_refused() -> None:
    """A name that gives several addresses is judged by the worst of them."""
    reach = Reach(resolver=lambda *_: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(AddressRefused):
        reach.addresses("example.com", 443)


def test_a_permit_opens_its_ports_and_no_others() -> None:
    """What is configured may be reached at its ports; the ports beside them stay shut."""
    reach = Reach([PERMIT])
    assert reach.addresses("127.0.0.1", 18100) == reach.addresses("127.0.0.1", 18199) == ["127.0.0.1"]
    for port in (18099, 18200, 80):
        with pytest.raises(AddressRefused):
            reach.addresses("127.0.0.1", port)


@pytest.mark.parametrize("text", ["127.0.0.0/8", "nonsense:1-2", "127.0.0.0/8:a-b", "127.0.0.1/8:1-2"])
def test_a_permit_that_says_nothing_is_refused(text: str) -> None:
    """A typing error in the configuration is told when the service starts."""
    with pytest.raises(ValueError, match=r".+"):
        Permit.parse(text)


@pytest.mark.parametrize("host", ["no-such-name.invalid", "x" * 300, "..", "a..b"])
def test_a_name_that_leads_nowhere_says_so(host: str) -> None:
    """A name without an address is an error of its own, whatever it looks like."""
    with pytest.raises(AddressUnknown):
        resolve(host, 80)
