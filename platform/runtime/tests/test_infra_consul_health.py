"""The rules of the Consul agent for services and their checks."""

import pytest

from runtime.infra.consul.state import ApiError
from runtime.tests.consul_support import Client


@pytest.fixture
def client():
    return Client()


def test_ttl_check_turns_critical_and_back(client):
    """A service is healthy as long as it says so in time."""
    client.register()
    assert client.passing() == ["risk-1"]
    client.later(10)
    assert client.passing() == []
    checks = client.get("/v1/health/state/critical").data
    assert [(check["CheckID"], check["Output"]) for check in checks] == [("service:risk-1", "TTL expired")]
    client.put("/v1/agent/check/pass/service:risk-1", note="fine")
    assert client.passing() == ["risk-1"]


def test_states_of_a_check(client):
    """warn, fail and update set the state and the output; all instances are listed without passing."""
    client.register()
    client.put("/v1/agent/check/warn/service:risk-1", note="slow")
    assert client.passing() == []
    client.put("/v1/agent/check/update/service:risk-1", {"Status": "critical", "Output": "no database"})
    checks = client.get("/v1/health/service/risk").data[0]["Checks"]
    assert [(c["CheckID"], c["Status"]) for c in checks] == [
        ("serfHealth", "passing"),
        ("service:risk-1", "critical"),
    ]
    assert checks[1]["Output"] == "no database"
    client.put("/v1/agent/check/fail/service:risk-1")
    with pytest.raises(ApiError, match="400"):
        client.put("/v1/agent/check/update/service:risk-1", {"Status": "splendid"})
    with pytest.raises(ApiError, match="404"):
        client.put("/v1/agent/check/pass/nobody")


def test_checks_are_critical_until_they_pass(client):
    """A check that is registered without a status starts critical."""
    body = {"Name": "risk", "Check": {"TTL": "10s"}}
    client.put("/v1/agent/service/register", body)
    assert client.passing() == []
    client.put("/v1/agent/check/pass/service:risk")
    assert client.passing() == ["risk"]


def test_critical_service_is_deregistered(client):
    """A service that stays critical is removed after its time, which is a minute at least."""
    client.register(DeregisterCriticalServiceAfter="1s")
    client.later(10)
    client.later(59)
    assert "risk-1" in client.get("/v1/agent/services").data
    client.later(1)
    assert client.get("/v1/agent/services").data == {}
    assert client.get("/v1/catalog/services").data == {"consul": []}


def test_registering_again_keeps_the_health(client):
    """A service that registers again under the same id replaces itself and stays as healthy as it was."""
    client.register()
    client.later(10)
    client.register()
    assert client.passing() == []
    assert len(client.get("/v1/catalog/service/risk").data) == 1


def test_instances_of_a_service(client):
    """The catalogue lists services with their tags, and each instance with its address."""
    client.register("risk-1")
    client.register("risk-2")
    client.register("orders-1", "orders")
    assert client.get("/v1/catalog/services").data == {"consul": [], "risk": ["v1"], "orders": ["v1"]}
    found = client.get("/v1/catalog/service/risk").data
    assert [(entry["ServiceID"], entry["ServiceAddress"], entry["ServicePort"]) for entry in found] == [
        ("risk-1", "127.0.0.1", 8005),
        ("risk-2", "127.0.0.1", 8005),
    ]
    assert client.get("/v1/health/service/risk", tag="v2").data == []
    client.put("/v1/agent/service/deregister/risk-1")
    assert client.passing() == ["risk-2"]
    with pytest.raises(ApiError, match="404"):
        client.put("/v1/agent/service/deregister/risk-1")


def test_checks_that_are_not_ttl_are_refused(client):
    """A check that the agent would have to run itself is refused, not forgotten."""
    with pytest.raises(ApiError, match="Only TTL checks"):
        client.register(TTL=None, HTTP="http://127.0.0.1/health")
    assert client.get("/v1/agent/services").data == {}


def test_heartbeats_are_no_changes(client):
    """A check that passes again does not wake those who wait for a change."""
    client.register()
    before = client.get("/v1/health/service/risk").index
    client.put("/v1/agent/check/pass/service:risk-1", note="one")
    client.put("/v1/agent/check/pass/service:risk-1", note="two")
    assert client.get("/v1/health/service/risk").index == before
    client.put("/v1/agent/check/fail/service:risk-1")
    assert client.get("/v1/health/service/risk").index > before


def test_index_of_a_service_grows_when_it_goes(client):
    """The index of a service does not fall when its last instance is removed."""
    client.register()
    before = client.get("/v1/health/service/risk").index
    client.put("/v1/agent/service/deregister/risk-1")
    gone = client.get("/v1/health/service/risk")
    assert gone.data == []
    assert gone.index > before
