"""Faults between a service and what it depends on."""

from __future__ import annotations

import time

import pytest

from runtime import Platform
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
    assert get(f"{platform.url(service)}/fetch/DATABASE_URL_ORDERS") == "42"
    return time.monotonic() - begin


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
    with pytest.raises(OSError):
        get(f"{platform.url('risk')}/fetch/DATABASE_URL_ORDERS")
    link.heal()
    ask_database(platform, "risk")


def test_a_service_is_found_through_the_link(platform):
    """What Consul tells the one service is the proxy's port; others get the real one."""
    import consul

    platform.consul.agent.service.register(
        "risk", service_id="risk-1", address="127.0.0.1", port=platform.port("risk")
    )
    host, _, port = platform.environment("orders")["CONSUL_HTTP_ADDR"].removeprefix("http://").partition(":")
    seen = consul.Consul(host=host, port=int(port)).health.service("risk")[1][0]["Service"]["Port"]
    real = platform.consul.health.service("risk")[1][0]["Service"]["Port"]
    assert real == platform.port("risk")
    assert seen != real
    assert get(f"http://127.0.0.1:{seen}/word") == "first"
    platform.faults.link("orders", "risk").reset_connections()


def test_an_unknown_link_is_refused(platform):
    """The refusal shows how to name it."""
    with pytest.raises(RuntimeFault, match=r"name it when the platform is made, links="):
        platform.faults.link("risk", "users_db")


def test_a_link_to_nowhere_is_refused(tmp_path):
    """Kafka's brokers have handles of their own."""
    tree = make_toy_tree(tmp_path / "tree")
    with pytest.raises(RuntimeFault, match=r"use platform\.kafka"):
        Platform(tree, links=[("risk", "kafka")], services=["risk"]).start()
