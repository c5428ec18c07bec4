"""What can be done with a platform that runs. One platform of the toy tree serves all tests here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from runtime import Platform
from runtime.errors import NotSupported, ServiceFailed
from runtime.names import SERVICES
from runtime.tests.infra_support import until
from runtime.tests.platform_support import get
from runtime.tests.toy_tree import make_toy_tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return make_toy_tree(tmp_path_factory.mktemp("toy") / "tree")


@pytest.fixture(scope="module")
def platform(tree):
    with Platform(tree, env={"NEXUS__A__B": 1, "risk": {"NEXUS__C": "2"}}) as platform:
        yield platform


def test_a_restart_runs_the_code_as_it_is_now(platform, tree):
    """Two patches of the same length within one second are both seen."""
    word = tree / "services" / "users" / "word.py"
    for text in ("third", "forth", "fifth"):
        word.write_text(f'WORD = "{text}"\n')
        platform.restart("users")
        assert get(platform, "users", "/word") == text
    row = next(row for row in platform.status() if row.service == "users")
    assert row.restarts == 3
    assert row.healthy


def test_nothing_is_written_into_the_tree(platform, tree):
    """Bytecode is kept elsewhere."""
    assert get(platform, "audit", "/word") == "first"
    assert not list(tree.rglob("__pycache__"))


def test_a_killed_service_stays_down_until_it_is_started(platform):
    """A crash is for the learner to see: nothing restarts by itself."""
    platform.kill("audit")
    row = next(row for row in platform.status() if row.service == "audit")
    assert (row.healthy, row.pid) == (False, None)
    platform.start_service("audit")
    platform.wait_healthy(["audit"])


def test_a_stopped_service_ends_gracefully(platform):
    """SIGTERM lets it finish."""
    platform.stop_service("auth")
    assert platform.logs("auth")[-1]["event"] == "stopped"
    platform.start_service("auth")


def test_a_paused_service_answers_when_it_is_resumed(platform):
    """It is not ready as long as it is frozen."""
    platform.pause("matching")
    with pytest.raises(ServiceFailed, match="matching was not ready after"):
        platform.wait_healthy(["matching"], timeout=0.5)
    platform.resume("matching")
    platform.wait_healthy(["matching"])


def test_the_market_clock_moves_for_all(platform):
    """Every process sees the same offset at once."""
    platform.clock.advance(timedelta(days=1))
    assert {get(platform, service, "/clock") for service in SERVICES} == {str(86_400_000_000)}
    platform.clock.set(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))
    assert abs(platform.clock.now() - datetime(2026, 11, 24, 15, 0, tzinfo=UTC)) < timedelta(seconds=5)
    with pytest.raises(ValueError, match="time zone"):
        platform.clock.set(datetime(2026, 11, 24))  # noqa: DTZ001
    platform.clock.reset()
    assert get(platform, "risk", "/clock") == "0"


def test_logs_are_parsed_filtered_and_in_order(platform):
    """Lines of several services come in the order of their time."""
    get(platform, "orders", "/one")
    get(platform, "risk", "/two")
    get(platform, "orders", "/three")
    wanted = {"/one", "/two", "/three"}
    lines = [line for line in platform.logs(event="request", trace_id="abc") if line["path"] in wanted]
    assert [(line["service"], line["path"]) for line in lines] == [
        ("orders", "/one"),
        ("risk", "/two"),
        ("orders", "/three"),
    ]
    assert len(platform.logs("orders", tail=2)) == 2
    assert platform.logs("orders", path="/nowhere") == []
    assert platform.logs("orders", tail=0) == []


def test_traces_are_found_by_their_id(platform):
    """Spans of all services, in the order of their start."""
    get(platform, "orders", "/traced")
    names = [span["name"] for span in platform.traces("abc")]
    assert "/traced" in names
    assert platform.traces("none") == []


def test_metrics_are_numbers_by_name_and_labels(platform):
    """Labels come in alphabetical order."""
    assert platform.metrics("risk") == {'requests_total{method="GET",path="/b"}': 3.0}


def test_databases_and_redis_can_be_asked(platform):
    """Statements with and without rows, with parameters."""
    platform.sql("audit_db", "create table entry (id int, note text)")
    assert platform.sql("audit_db", "insert into entry values (%s, %s)", (7, "50%")) == []
    assert platform.sql("audit_db", "select * from entry where note like '5%'") == [{"id": 7, "note": "50%"}]
    platform.redis().set("key", "value")
    assert platform.redis().get("key") == "value"
    with platform.connect("users_db") as connection:
        assert connection.execute("select 2 as two").fetchone() == {"two": 2}


def test_topics_can_be_looked_into(platform):
    """Peeking shows the last messages, of all partitions, without a consumer group."""
    from confluent_kafka import Producer

    assert platform.kafka.topics() == {"orders": 2, "trades": 1}
    assert platform.kafka.peek("orders") == []
    producer = Producer({"bootstrap.servers": platform.addresses.kafka, "log_level": 0})
    for number in range(10):
        # Times of their own: partitions are merged by them, and they are no finer than a millisecond.
        moment = 1_000_000 + number
        headers = {"event-type": "SubmitOrder"}
        producer.produce("orders", key=f"k{number}", value=b"v", headers=headers, timestamp=moment)
    producer.flush(10)
    seen = platform.kafka.peek("orders", 4)
    assert [message.key for message in seen] == ["k6", "k7", "k8", "k9"]
    assert seen[0].headers == {"event-type": "SubmitOrder"}
    with pytest.raises(KeyError):
        platform.kafka.peek("nowhere")


def test_services_see_only_what_is_meant_for_them(platform):
    """Variables for all, for one, and none of the owner's own."""
    seen = json.loads(get(platform, "risk", "/environment"))
    assert (seen["NEXUS__A__B"], seen["NEXUS__C"]) == ("1", "2")
    assert "NEXUS__C" not in platform.environment("users")
    assert seen == platform.environment("risk")
    assert not any(name.startswith("PY") for name in seen)


def test_status_counts_memory(platform):
    """Every part has a row; every live process some memory."""
    rows = {row.service: row for row in platform.status()}
    assert set(rows) >= {*SERVICES, "postgres", "valkey", "kafka", "consul", "runtime"}
    assert all(row.pss_mib > 1 and row.healthy for row in rows.values())


def test_names_may_be_written_either_way(platform):
    """market_data and market-data are the same; a wrong name is refused with the right ones."""
    assert platform.url("market_data") == platform.url("market-data")
    with pytest.raises(KeyError, match="market-data"):
        platform.url("markets")


def test_the_external_backend_uses_given_addresses(platform, monkeypatch):
    """It looks and waits; it does not start or stop."""
    for service in SERVICES:
        monkeypatch.setenv(f"NEXUS_URL_{service.upper().replace('-', '_')}", platform.url(service))
    for name, value in platform.addresses.infrastructure_environment().items():
        monkeypatch.setenv(name, value)
    with Platform(backend="external") as outside:
        assert outside.url("risk") == platform.url("risk")
        assert outside.operator == platform.operator
        assert outside.sql("orders_db", "select 1 as a") == [{"a": 1}]
        assert all(row.healthy for row in outside.status())
        with pytest.raises(NotSupported, match="Restarting risk is not possible on the external backend"):
            outside.restart("risk")
        with pytest.raises(NotSupported):
            outside.clock.advance(timedelta(days=1))
    until(lambda: get(platform, "risk", "/word") == "first")
