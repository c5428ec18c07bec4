"""Faults between a service and what it depends on."""

from __future__ import annotations

import time

import httpx
import pytest

from runtime import Platform, health
from runtime.errors import RuntimeFault
from runtime.tests.platform_support import get
from runtime.tests.toy_tree import make_toy_tree


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    tree = make_toy_tree(tmp_path_factory.mktemp("toy") / "tree")
    links = [("risk", "orders_db"), ("orders", "risk"), ("orders", "redis")]
    with Platform(tree, links=links, services=["risk", "orders"]) as platform:
        yield platform


def ask_database(platform: Platform, service: str) -> float:
    begin = time.monotonic()
    assert get(platform, service, "/fetch/DATABASE_URL_ORDERS") == "42"
    return time.monotonic() - begin


def found_by(platform: Platform, caller: str, service: str) -> int:
    """The port at which a service finds another one."""
    import consul

    platform.consul.agent.service.register(
        service, service_id=f"{service}-1", address="127.0.0.1", port=platform.port(service)
    )
    host, _, port = platform.environment(caller)["CONSUL_HTTP_ADDR"].removeprefix("http://").partition(":")
    found: int = consul.Consul(host=host, port=int(port)).health.service(service)[1][0]["Service"]["Port"]
    return found


def word_at(platform: Platform, port: int) -> bytes:
    return health.fetch(f"https://127.0.0.1:{port}/word", tls=platform.addresses.tls)[1]


def test_a_slow_link_slows_its_service_alone(platform):
    """The other service reaches the same database as before, and so does the owner."""
    link = platform.faults.link("risk", "orders_db")
    link.delay(150)
    assert ask_database(platform, "risk") >= 0.6  # four answers at least, each 150 ms late
    assert min(ask_database(platform, "orders") for _ in range(10)) < 0.6
    link.heal()
    assert min(ask_database(platform, "risk") for _ in range(10)) < 0.6


def test_a_cut_link_is_an_error(platform):
    """A black hole runs into the service's own time-out."""
    link = platform.faults.link("risk", "orders_db")
    link.black_hole()
    with pytest.raises(httpx.TransportError):
        get(platform, "risk", "/fetch/DATABASE_URL_ORDERS")
    link.heal()
    ask_database(platform, "risk")


def test_a_service_is_found_through_the_link(platform):
    """What Consul tells the one service is the proxy's port; others get the real one."""
    seen = found_by(platform, "orders", "risk")
    real = platform.consul.health.service("risk")[1][0]["Service"]["Port"]
    assert real == platform.port("risk")
    assert seen != real
    assert word_at(platform, seen) == b"first"
    platform.faults.link("orders", "risk").reset_connections()


def test_a_service_is_slowed_and_cut_off_for_all_who_have_a_link_to_it(platform):
    """One call each: slow, partition, and back."""

    def ask() -> float:
        port = found_by(platform, "orders", "risk")
        begin = time.monotonic()
        assert word_at(platform, port) == b"first"
        return time.monotonic() - begin

    platform.faults.slow("risk", 150)
    assert ask() >= 0.3  # two answers at least, each 150 ms late
    platform.faults.partition("risk")
    with pytest.raises(OSError):
        ask()
    platform.faults.rejoin("risk")
    assert min(ask() for _ in range(10)) < 0.3


def test_a_service_without_links_cannot_be_cut_off(platform):
    """The refusal shows how to name one."""
    with pytest.raises(RuntimeFault, match=r"name one when the platform is made, links="):
        platform.faults.partition("users")


def test_an_unknown_link_is_refused(platform):
    """The refusal shows how to name it."""
    with pytest.raises(RuntimeFault, match=r"name it when the platform is made, links="):
        platform.faults.link("risk", "users_db")


def test_a_link_to_nowhere_is_refused(tmp_path):
    """Kafka's brokers have handles of their own."""
    tree = make_toy_tree(tmp_path / "tree")
    with pytest.raises(RuntimeFault, match=r"use platform\.kafka"):
        Platform(tree, links=[("risk", "kafka")], services=["risk"]).start()
