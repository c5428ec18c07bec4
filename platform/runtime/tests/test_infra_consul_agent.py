"""The Consul agent over the network, through the client that the services use."""

import http.client
import json
import socket
import threading
import time

import consul
import pytest

from runtime.infra.consul_agent import ConsulAgent
from runtime.tests.infra_support import until


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    agent = ConsulAgent(tmp_path_factory.mktemp("seat") / "consul", token="sesame", session_ttl_min=0.2)
    agent.start()
    yield agent
    agent.stop()


@pytest.fixture
def client(agent):
    with consul.Consul(port=agent.port, token="sesame") as client:
        yield client


def call(agent, method, path, body=b"", token="sesame"):
    """The answer to a request that py-consul would not send, or answers with less."""
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=10)
    try:
        connection.request(method, path, body, {"X-Consul-Token": token})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


class Waiter(threading.Thread):
    """Asks in the background; `result` is the answer and `seconds` how long it took."""

    def __init__(self, query):
        super().__init__()
        self.query = query
        self.start()

    def run(self):
        begin = time.monotonic()
        self.result = self.query()
        self.seconds = time.monotonic() - begin

    def answer(self):
        self.join(20)
        assert not self.is_alive(), "the query did not come back"
        return self.result


def test_service_is_found_while_it_is_healthy(client):
    """A service registers, reports its health and is found; it goes when it deregisters."""
    check = consul.Check.ttl("10s")
    assert client.agent.service.register(
        "risk", "risk-1", address="127.0.0.1", port=8005, tags=["v1"], check=check
    )
    assert client.health.service("risk", passing=True)[1] == []
    assert client.agent.check.ttl_pass("service:risk-1", "ready")
    found = client.health.service("risk", passing=True)[1]
    assert [(entry["Service"]["Address"], entry["Service"]["Port"]) for entry in found] == [
        ("127.0.0.1", 8005)
    ]
    assert client.catalog.services()[1]["risk"] == ["v1"]
    assert client.agent.services()["risk-1"]["Service"] == "risk"
    assert client.agent.service.deregister("risk-1")
    assert client.health.service("risk")[1] == []


def test_missed_heartbeat_wakes_who_watches(client):
    """A blocking query for healthy instances comes back when a TTL ends, without one."""
    client.agent.service.register("audit", "audit-1", check=consul.Check.ttl("6s"))
    client.agent.check.ttl_pass("service:audit-1")
    index, found = client.health.service("audit", passing=True)
    assert len(found) == 1
    later, found = client.health.service("audit", passing=True, index=index, wait="20s")
    assert found == []
    assert int(later) > int(index)


def test_blocking_query_is_woken_by_a_write(client, agent):
    """A query for a key waits until that key changes, not for others, and brings the new value."""
    client.kv.put("watched", "old")
    index, _ = client.kv.get("watched")
    with consul.Consul(port=agent.port, token="sesame") as other:
        waiter = Waiter(lambda: other.kv.get("watched", index=index, wait="20s"))
        client.kv.put("unrelated", str(time.monotonic()))
        assert waiter.is_alive()
        client.kv.put("watched", "new")
        later, entry = waiter.answer()
    assert entry["Value"] == b"new"
    assert int(later) > int(index)


def test_blocking_query_waits_for_a_key_to_appear(client, agent):
    """The index of an absent key can be waited on."""
    index, entry = client.kv.get("to-come")
    assert entry is None
    with consul.Consul(port=agent.port, token="sesame") as other:
        waiter = Waiter(lambda: other.kv.get("to-come", index=index, wait="20s"))
        client.kv.put("to-come", "here")
        assert waiter.answer()[1]["Value"] == b"here"


def test_blocking_query_ends_after_its_wait(client):
    """Without a change the query returns what there is when its wait is over."""
    client.kv.put("still", "x")
    index, _ = client.kv.get("still")
    begin = time.monotonic()
    later, entry = client.kv.get("still", index=index, wait="300ms")
    assert time.monotonic() - begin >= 0.3
    assert (later, entry["Value"]) == (index, b"x")


def test_leader_is_elected_again_when_its_session_expires(client, agent):
    """A leader that stops renewing loses its lock by its TTL; the next one's lock index is higher."""
    _, body = call(agent, "PUT", "/v1/session/create", b'{"TTL": "6s", "LockDelay": "0s", "Name": "one"}')
    one = json.loads(body)["ID"]
    two = client.session.create("two", lock_delay=0)
    assert client.kv.put("leader", "one", acquire=one)
    assert not client.kv.put("leader", "two", acquire=two)
    index, entry = client.kv.get("leader")
    assert entry["Session"] == one
    _, freed = client.kv.get("leader", index=index, wait="20s")
    assert "Session" not in freed
    assert client.kv.put("leader", "two", acquire=two)
    assert client.kv.get("leader")[1]["LockIndex"] == entry["LockIndex"] + 1


def test_session_calls_of_the_client(client):
    """Create, info, list, renew and destroy work through py-consul."""
    session = client.session.create("mine", ttl=10, behavior="delete", lock_delay=0)
    assert client.session.info(session)[1]["Name"] == "mine"
    assert session in [entry["ID"] for entry in client.session.list()[1]]
    assert client.session.renew(session)["ID"] == session
    assert client.kv.put("ephemeral", "x", acquire=session)
    assert client.session.destroy(session)
    assert client.kv.get("ephemeral")[1] is None
    with pytest.raises(consul.NotFound):
        client.session.renew(session)


def test_keys_of_the_client(client):
    """Check-and-set, prefixes, names and deletion work through py-consul; values are bytes."""
    assert client.kv.put("tree/a", b"\x00\xff", cas=0)
    assert not client.kv.put("tree/a", "y", cas=0)
    client.kv.put("tree/b c/ü", "z")
    assert client.kv.get("tree/a")[1]["Value"] == b"\x00\xff"
    assert [entry["Key"] for entry in client.kv.get("tree/", recurse=True)[1]] == ["tree/a", "tree/b c/ü"]
    assert client.kv.get("tree/", keys=True, separator="/")[1] == ["tree/a", "tree/b c/"]
    assert client.kv.delete("tree/", recurse=True)
    assert client.kv.get("tree/", keys=True)[1] is None


def test_agent_tells_about_itself(client, agent):
    """The leader and the agent's own configuration can be asked for."""
    assert ":" in client.status.leader()
    assert json.loads(call(agent, "GET", "/v1/agent/self")[1])["Config"]["NodeName"]


def test_wrong_token_is_refused(agent):
    """Without the seat's token nothing is told and nothing changed."""
    with (
        consul.Consul(port=agent.port, token="wrong") as stranger,
        pytest.raises(consul.ACLPermissionDenied),
    ):
        stranger.kv.put("a", "b")


def test_every_answer_has_an_index(agent, client):
    """Answers to reads carry X-Consul-Index, also for what is not there."""
    client.kv.put("a", "b")
    for path in (
        "/v1/kv/a",
        "/v1/kv/none",
        "/v1/health/service/none",
        "/v1/catalog/services",
        "/v1/session/list",
    ):
        answer, _ = call(agent, "GET", path)
        assert answer.status == (404 if path.endswith("kv/none") else 200)
        assert int(answer.headers["X-Consul-Index"]) > 0


@pytest.mark.parametrize(
    ("rubbish", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"PUT /v1/kv/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"PUT /v1/kv/a HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"PUT /v1/kv/a HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
    ],
)
def test_rubbish_is_refused_and_survived(rubbish, status, agent, client):
    """A client that does not speak HTTP gets an error and no attention; others are served."""
    with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as connection:
        connection.sendall(rubbish)
        assert status in connection.recv(1000)
        until(lambda: connection.recv(1000) == b"", "the connection stayed open")
    assert client.status.leader()


def test_clients_that_leave_are_no_trouble(agent, client):
    """Clients that go away while their query waits leave the agent as it was."""
    client.kv.put("awaited", "x")
    index, _ = client.kv.get("awaited")
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as connection:
            query = f"GET /v1/kv/awaited?index={index}&wait=60s&token=sesame HTTP/1.1\r\n\r\n"
            connection.sendall(query.encode())
    client.kv.put("awaited", "y")
    assert client.kv.get("awaited")[1]["Value"] == b"y"
    assert "Traceback" not in agent.log_tail()


def test_restart_forgets_everything(tmp_path):
    """As a development agent of Consul, it begins empty."""
    agent = ConsulAgent(tmp_path / "consul")
    agent.start()
    try:
        with consul.Consul(port=agent.port) as client:
            client.kv.put("a", "b")
            agent.kill()
            agent.start()
            until(client.status.leader, "it does not answer")
            assert client.kv.get("a")[1] is None
    finally:
        agent.stop()
