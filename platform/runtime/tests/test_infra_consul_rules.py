"""The rules of the Consul agent, on its stores and paths, with a clock that the tests move."""

import base64

import pytest

from runtime.infra.consul.keys import KeyStore
from runtime.infra.consul.state import ApiError, Index, seconds
from runtime.tests.consul_support import Client, Clock


@pytest.fixture
def client():
    return Client()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("500ms", 0.5),
        ("1.5h", 5400.0),
        (15_000_000_000, 15.0),
        (None, 0.0),
        ("", 0.0),
    ],
)
def test_durations(text, expected):
    """Durations are read as Go writes them, or in nanoseconds."""
    assert seconds(text) == expected


def test_bad_duration_is_refused():
    """What is no duration is a bad request."""
    with pytest.raises(ApiError, match="400"):
        seconds("ten seconds")


def test_put_sets_indices(client):
    """A key keeps its create index; its modify index grows with every change, and with nothing else."""
    client.put("/v1/kv/a", b"1")
    first = client.key("a")
    client.put("/v1/kv/a", b"2")
    second = client.key("a")
    client.put("/v1/kv/a", b"2")
    assert first["CreateIndex"] == second["CreateIndex"] == first["ModifyIndex"]
    assert second["ModifyIndex"] > first["ModifyIndex"]
    assert client.key("a") == second  # the same value again is no change
    assert base64.b64decode(second["Value"]) == b"2"


def test_check_and_set(client):
    """With cas 0 a key is only made, with its modify index only changed when nobody else did."""
    assert client.put("/v1/kv/a", b"1", cas=0).data is True
    assert client.put("/v1/kv/a", b"x", cas=0).data is False
    index = client.key("a")["ModifyIndex"]
    assert client.put("/v1/kv/a", b"2", cas=index).data is True
    assert client.put("/v1/kv/a", b"3", cas=index).data is False
    assert client.put("/v1/kv/none", b"3", cas=99).data is False
    assert client.ask("DELETE", "/v1/kv/a", cas=index).data is False
    assert client.ask("DELETE", "/v1/kv/a", cas=client.key("a")["ModifyIndex"]).data is True


def test_absent_key_is_404_with_an_index_that_only_grows(client):
    """A key that is not there answers 404 and an index; a deletion is a change of it."""
    before = client.get("/v1/kv/a")
    assert before.status == 404
    client.put("/v1/kv/a", b"1")
    there = client.get("/v1/kv/a")
    client.ask("DELETE", "/v1/kv/a")
    after = client.get("/v1/kv/a")
    assert after.status == 404
    assert 0 < before.index < there.index < after.index


def test_recurse_keys_raw_and_flags(client):
    """Prefixes list entries or names, cut at a separator; raw is the bare value; flags are kept."""
    client.put("/v1/kv/config/orders/limit", b"5", flags=42)
    client.put("/v1/kv/config/orders/size", b"6")
    client.put("/v1/kv/config/risk", b"7")
    assert [entry["Key"] for entry in client.get("/v1/kv/config/orders/", recurse="").data] == [
        "config/orders/limit",
        "config/orders/size",
    ]
    assert client.get("/v1/kv/config/", keys="", separator="/").data == ["config/orders/", "config/risk"]
    assert client.get("/v1/kv/config/orders/limit", raw="").raw == b"5"
    assert client.key("config/orders/limit")["Flags"] == 42
    client.ask("DELETE", "/v1/kv/config/orders", recurse="")
    assert client.get("/v1/kv/config/", keys="").data == ["config/risk"]
    assert client.get("/v1/kv/nothing", keys="").status == 404


def test_values_have_a_limit(client):
    """A value above 512 KiB is refused."""
    with pytest.raises(ApiError, match="413"):
        client.put("/v1/kv/a", bytes(512 * 1024 + 1))


def test_lock_is_exclusive_and_counts_acquisitions(client):
    """One session holds a lock; the lock index grows with each acquisition, not with writes or releases."""
    one, two = client.session(), client.session()
    assert client.put("/v1/kv/leader", b"one", acquire=one).data is True
    assert client.put("/v1/kv/leader", b"two", acquire=two).data is False
    assert (client.key("leader")["Session"], client.key("leader")["LockIndex"]) == (one, 1)
    assert client.put("/v1/kv/leader", b"again", acquire=one).data is True
    assert client.key("leader")["LockIndex"] == 1
    assert client.put("/v1/kv/leader", b"x", release=two).data is False
    assert client.put("/v1/kv/leader", b"free", release=one).data is True
    assert "Session" not in client.key("leader")
    assert client.put("/v1/kv/leader", b"two", acquire=two).data is True
    assert client.key("leader")["LockIndex"] == 2


def test_locks_are_advisory(client):
    """A plain write changes a locked key and leaves the lock where it is; a plain delete removes both."""
    session = client.session()
    client.put("/v1/kv/leader", b"1", acquire=session)
    assert client.put("/v1/kv/leader", b"2").data is True
    assert client.key("leader")["Session"] == session
    client.ask("DELETE", "/v1/kv/leader")
    assert client.key("leader") is None


def test_acquire_needs_a_live_session(client):
    """A session that does not exist acquires nothing: an error, as Consul's, not False."""
    with pytest.raises(ApiError, match="500 invalid session"):
        client.put("/v1/kv/leader", b"x", acquire="8f1b0a5e-0000-0000-0000-000000000000")


def test_session_expires_unless_renewed(client):
    """A session ends at its TTL, counted from the last renewal, and releases its locks."""
    session = client.session(TTL="10s", LockDelay="0s")
    client.put("/v1/kv/leader", b"me", acquire=session)
    index = client.key("leader")["ModifyIndex"]
    client.later(9)
    assert client.put(f"/v1/session/renew/{session}").data[0]["ID"] == session
    client.later(9)
    assert client.key("leader")["Session"] == session
    client.later(1)
    released = client.key("leader")
    assert "Session" not in released
    assert base64.b64decode(released["Value"]) == b"me"
    assert released["ModifyIndex"] > index
    assert client.get(f"/v1/session/info/{session}").data == []
    with pytest.raises(ApiError, match="404"):
        client.put(f"/v1/session/renew/{session}")


def test_lock_delay_keeps_others_out(client):
    """After a session was invalidated, its lock is free for nobody until the lock-delay is over."""
    one, two = client.session(LockDelay="5s"), client.session()
    client.put("/v1/kv/leader", b"one", acquire=one)
    client.put(f"/v1/session/destroy/{one}")
    assert client.put("/v1/kv/leader", b"two", acquire=two).data is False
    client.later(4.9)
    assert client.put("/v1/kv/leader", b"two", acquire=two).data is False
    client.later(0.1)
    assert client.put("/v1/kv/leader", b"two", acquire=two).data is True


def test_release_has_no_lock_delay(client):
    """Who gives a lock back leaves it to the next at once."""
    one, two = client.session(), client.session()
    client.put("/v1/kv/leader", b"one", acquire=one)
    client.put("/v1/kv/leader", b"", release=one)
    assert client.put("/v1/kv/leader", b"two", acquire=two).data is True


def test_lock_delay_default_and_shape(client):
    """A session shows its fields as Consul does; lock-delay is 15 s unless said otherwise."""
    view = client.get(f"/v1/session/info/{client.session(Name='matching', TTL='15s')}").data[0]
    assert view["LockDelay"] == 15_000_000_000
    assert (view["Name"], view["TTL"], view["Behavior"]) == ("matching", "15s", "release")
    assert view["NodeChecks"] == ["serfHealth"]


def test_delete_behavior_deletes_held_keys(client):
    """Keys held by a session with behavior delete go with it."""
    session = client.session(Behavior="delete", LockDelay="0s")
    client.put("/v1/kv/ephemeral", b"x", acquire=session)
    client.put("/v1/kv/other", b"x")
    client.put(f"/v1/session/destroy/{session}")
    assert client.key("ephemeral") is None
    assert client.key("other") is not None


def test_session_depends_on_its_checks(client):
    """A session that names a service's check ends when that check turns critical, or goes."""
    for end in (lambda: client.later(10), lambda: client.put("/v1/agent/service/deregister/risk-1")):
        client.register()
        client.put("/v1/agent/check/pass/service:risk-1")
        session = client.session(Checks=["serfHealth", "service:risk-1"], LockDelay="0s")
        client.put("/v1/kv/leader", b"x", acquire=session)
        end()
        assert "Session" not in client.key("leader")
        assert client.get("/v1/session/list").data == []


def test_session_refuses_missing_and_critical_checks(client):
    """A session cannot be bound to a check that does not exist or is critical already."""
    with pytest.raises(ApiError, match="Missing check 'none'"):
        client.session(Checks=["none"])
    client.register(Status="critical")
    with pytest.raises(ApiError, match="critical state"):
        client.session(Checks=["service:risk-1"])


@pytest.mark.parametrize("body", [{"TTL": "5s"}, {"TTL": "25h"}, {"Behavior": "explode"}, {"TTL": "soon"}])
def test_bad_sessions_are_refused(body, client):
    """A TTL outside of 10 s to 24 h, or an unknown behavior, is a bad request."""
    with pytest.raises(ApiError, match="400"):
        client.session(**body)


def test_shortest_ttl_is_configurable():
    """As Consul's session_ttl_min, so that a failover can be watched in less than ten seconds."""
    client = Client(session_ttl_min=1.0)
    session = client.session(TTL="1s")
    client.later(1)
    assert client.get(f"/v1/session/info/{session}").data == []


def test_token_is_asked_for():
    """With a token, only who gives it is served: as a header, a bearer or a query parameter."""
    client = Client(token="sesame")
    with pytest.raises(ApiError, match="403"):
        client.get("/v1/agent/services")
    with pytest.raises(ApiError, match="403"):
        client.get("/v1/agent/services", token="wrong")
    assert client.get("/v1/agent/services", token="sesame").data == {}
    for headers in ({"x-consul-token": "sesame"}, {"authorization": "Bearer sesame"}):
        assert client.ask("GET", "/v1/agent/services", headers=headers).data == {}
    assert client.get("/v1/status/leader").data


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nonsense", 404), ("POST", "/v1/kv/a", 405), ("GET", "/v1/kv/", 400), ("GET", "/", 404)],
)
def test_unknown_requests_are_refused(method, path, status, client):
    """Paths and methods that there are not are refused with their status."""
    with pytest.raises(ApiError) as caught:
        client.ask(method, path)
    assert caught.value.status == status


@pytest.mark.parametrize("body", [b"not json", b"[1]"])
def test_bodies_that_are_no_object_are_refused(body, client):
    """A body that is not a JSON object is a bad request."""
    with pytest.raises(ApiError, match="400"):
        client.ask("PUT", "/v1/agent/service/register", body)


def test_index_is_one_number_for_all():
    """Every change of any store takes the next number and tells those who wait."""
    told = []
    index = Index(lambda: told.append(index.value))
    keys = KeyStore(index, Clock())
    keys.put("a", b"1")
    keys.put("b", b"2")
    keys.delete("a")
    keys.delete("a")
    assert told == [2, 3, 4]


def test_next_deadline_is_the_nearest(client):
    """The agent sleeps until the first TTL ends."""
    assert client.api.next_deadline() is None
    client.session(TTL="30s")
    client.register()
    assert client.api.next_deadline() == client.clock.time + 10
    client.put("/v1/agent/service/deregister/risk-1")
    assert client.api.next_deadline() == client.clock.time + 30
