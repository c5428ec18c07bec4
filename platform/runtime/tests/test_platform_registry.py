"""A started platform is one whose services find each other."""

import pytest

from runtime.infra.consul_agent import ConsulAgent
from runtime.registry import wait_found


@pytest.fixture
def agent(tmp_path):
    agent = ConsulAgent(tmp_path / "consul")
    agent.start()
    yield agent
    agent.stop()


def register(agent, name, *, passing):
    from urllib.parse import urlsplit

    import consul as client

    parts = urlsplit(agent.address)
    consul = client.Consul(host=parts.hostname, port=parts.port)
    consul.agent.service.register(
        name, service_id=name, address="127.0.0.1", port=1, check={"CheckID": f"check:{name}", "TTL": "10s"}
    )
    if passing:
        consul.agent.check.ttl_pass(f"check:{name}")
    return consul


def test_services_that_pass_are_found_at_once(agent):
    """Nothing is missing."""
    register(agent, "orders", passing=True)
    assert wait_found(agent.address, ["orders"]) == []


def test_a_service_that_does_not_pass_or_register_is_named(agent):
    """Ready services that nobody can find are told, not waited for without end."""
    register(agent, "orders", passing=True)
    register(agent, "risk", passing=False)
    assert wait_found(agent.address, ["orders", "risk", "audit"], timeout=0.5) == ["risk", "audit"]
