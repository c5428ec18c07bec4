"""Settings from the environment, layered files, flags."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.config import Config, ConfigError, Flags, MissingVariable, Settings, load_config
from shared.config.flags import bucket

pytestmark = pytest.mark.services("gateway", "orders", "risk")

ENVIRON = {
    "NEXUS_SERVICE": "market-data",
    "NEXUS_PORT": "8007",
    "REDIS_URL": "redis://127.0.0.1:6379",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "CONSUL_HTTP_ADDR": "http://127.0.0.1:8500",
    "SERVICE_TOKEN_SECRET": "s" * 32,
    "NEXUS_TLS_CA": "/tls/ca.crt",
    "NEXUS_TLS_CERT": "/tls/market-data.crt",
    "NEXUS_TLS_KEY": "/tls/market-data.key",
    "DATABASE_URL_ORDERS": "postgresql://u:p@h:5432/orders_db",
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(
        "risk: {default_limit: '1000', collar: '1.05'}\nhttp: {threads: 4}\nhosts: [a, b]\n"
    )
    (tmp_path / "test.yaml").write_text("risk: {default_limit: '2000'}\nhosts: [c]\n")
    return tmp_path


def test_settings_have_the_documented_defaults() -> None:
    """What may be left out is derived from what must be there."""
    found = Settings.from_mapping(ENVIRON)
    assert (found.host, found.advertise_host, found.port) == ("127.0.0.1", "127.0.0.1", 8007)
    assert (found.instance_id, found.env) == ("market-data-8007", "development")
    assert found.database_url("orders").endswith("/orders_db")


@pytest.mark.parametrize("variable", sorted(set(ENVIRON) - {"DATABASE_URL_ORDERS"}))
def test_a_missing_variable_is_named(variable: str) -> None:
    """An operator reads which variable to set; an empty one counts as missing."""
    for environ in ({k: v for k, v in ENVIRON.items() if k != variable}, ENVIRON | {variable: ""}):
        with pytest.raises(MissingVariable, match=variable):
            Settings.from_mapping(environ)


def test_a_database_that_the_service_needs_is_asked_for_at_the_start() -> None:
    """A missing database URL is found before the first query."""
    with pytest.raises(MissingVariable, match="DATABASE_URL_USERS"):
        Settings.from_mapping(ENVIRON, databases=["users"])
    with pytest.raises(MissingVariable, match="DATABASE_URL_AUDIT"):
        Settings.from_mapping(ENVIRON).database_url("audit")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NEXUS_PORT", "http"),
        ("NEXUS_PORT", "70000"),
        ("NEXUS_ENV", "staging"),
        ("SERVICE_TOKEN_SECRET", "too-short"),
    ],
)
def test_a_malformed_variable_is_named(variable: str, value: str) -> None:
    """A wrong value is refused, and the message says whose it is."""
    with pytest.raises(ConfigError, match=variable):
        Settings.from_mapping(ENVIRON | {variable: value})


def test_an_entry_point_ends_with_one_line_and_status_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that cannot be configured says so in a line, not in a traceback."""
    for variable, value in ENVIRON.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(SystemExit) as ended:
        Settings.from_env()
    assert ended.value.code == 78
    assert capsys.readouterr().err == "environment variable REDIS_URL is not set\n"


def test_settings_do_not_show_secrets() -> None:
    """A settings object that ends up in a log gives no secret away."""
    shown = repr(Settings.from_mapping(ENVIRON | {"OPERATOR_PASSWORD": "hunter2"}))
    assert "s" * 32 not in shown
    assert "hunter2" not in shown
    assert "u:p" not in shown


def test_a_later_layer_wins_key_by_key(files: Path) -> None:
    """The environment's file overrides the base, a variable overrides both, the rest stays."""
    config = load_config("test", files, {})
    assert config.get("risk.default_limit", Decimal) == 2000
    assert config.get("risk.collar", Decimal) == Decimal("1.05")
    assert config.get("hosts", list) == ["c"]
    overridden = load_config(
        "test", files, {"NEXUS__RISK__DEFAULT_LIMIT": "3000", "NEXUS__HTTP__THREADS": "8"}
    )
    assert overridden.get("risk.default_limit", Decimal) == 3000
    assert overridden.get("http.threads", int) == 8
    assert overridden.get("risk.collar", Decimal) == Decimal("1.05")


def test_reading_a_setting_checks_its_type() -> None:
    """A number that is text, or a float where money is meant, is found where it is read."""
    config = Config({"a": {"float": 0.1, "text": "x", "flag": True}})
    for path, kind in [("a.float", Decimal), ("a.text", int), ("a.flag", int), ("a.float", int), ("a", str)]:
        with pytest.raises(ConfigError, match=path):
            config.get(path, kind)


def test_an_absent_setting_is_named_unless_there_is_a_default(files: Path) -> None:
    """Nothing absent turns into None."""
    config = load_config("test", files, {})
    with pytest.raises(ConfigError, match=r"risk\.unknown"):
        config.get("risk.unknown", int)
    assert config.get("risk.unknown.deeper", int, 7) == 7


def test_variables_give_typed_values() -> None:
    """Text from the environment becomes what the reader asks for."""
    environ = {
        "NEXUS__A__ON": "true",
        "NEXUS__A__OFF": "0",
        "NEXUS__A__LIST": "[1, 2]",
        "NEXUS__A__RATE": "0.5",
    }
    config = load_config("production", environ=environ)
    assert config.get("a.on", bool) is True
    assert config.get("a.off", bool) is False
    assert config.get("a.list", list) == [1, 2]
    assert config.get("a.rate", float) == 0.5


def test_a_handed_out_section_is_a_copy(files: Path) -> None:
    """Changing what `get` returned changes no setting."""
    config = load_config("test", files, {})
    config.get("risk", dict)["default_limit"] = "0"
    config.get("hosts", list).append("d")
    assert config.get("risk.default_limit", Decimal) == 2000
    assert config.get("hosts", list) == ["c"]


def test_equal_content_has_an_equal_version(files: Path) -> None:
    """Services that compare versions see a difference exactly when a value differs."""
    first, second = load_config("test", files, {}), load_config("test", files, {})
    assert first.version == second.version
    assert load_config("test", files, {"NEXUS__HTTP__THREADS": "5"}).version != first.version


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [\n", "just text"])
def test_a_broken_file_is_named(files: Path, content: str) -> None:
    """The message of a broken file says which one it is."""
    (files / "test.yaml").write_text(content)
    with pytest.raises(ConfigError, match=r"test\.yaml"):
        load_config("test", files, {})


@pytest.mark.parametrize("env", ["development", "simulation", "test", "production"])
def test_every_environment_has_a_complete_configuration(env: str) -> None:
    """What services read exists in each environment with its type."""
    config = load_config(env, environ={})
    wanted: list[tuple[str, Any]] = [
        ("risk.default_limit", Decimal),
        ("risk.market_order_collar", Decimal),
        ("gateway.rate_limit.requests", int),
        ("gateway.deadline_seconds", float),
        ("kafka.session_timeout_ms", int),
        ("settlement.days", int),
        ("flags", dict),
    ]
    for path, kind in wanted:
        assert config.get(path, kind) is not None


@given(subject=st.text(max_size=20), percent=st.floats(0, 100))
@settings(deadline=None)
def test_a_subject_stays_in_while_a_roll_out_grows(subject: str, percent: float) -> None:
    """Whoever is in at some percentage is in at every higher one, and all are in at a hundred."""
    now, later = Flags({"router": percent}), Flags({"router": min(100.0, percent + 10)})
    assert later.evaluate(subject).on("router") >= now.evaluate(subject).on("router")
    assert Flags({"router": 100}).evaluate(subject).on("router")
    assert not Flags({"router": 0}).evaluate(subject).on("router")


def test_a_roll_out_reaches_its_share_of_subjects() -> None:
    """A quarter is a quarter, and two flags do not choose the same quarter."""
    flags = Flags({"router": 25, "pricer": 25})
    sets = [flags.evaluate(f"account-{number}") for number in range(4000)]
    router = {each.subject for each in sets if each.on("router")}
    pricer = {each.subject for each in sets if each.on("pricer")}
    assert 800 < len(router) < 1200
    assert 150 < len(router & pricer) < 350


def test_a_bucket_is_the_same_in_every_process() -> None:
    """The place of a subject is fixed for good: another process, another day, the same answer."""
    assert [bucket("router", name) for name in ("a", "b", "account-1")] == [6803, 5248, 2178]


def test_flags_come_from_the_configuration() -> None:
    """true, false and a roll-out are understood, an unknown flag is off, nonsense is refused."""
    flags = Flags.from_config(Config({"flags": {"a": True, "b": False, "c": {"rollout": 100}, "d": "true"}}))
    decided = flags.evaluate("account")
    assert [decided.on(name) for name in "abcde"] == [True, False, True, True, False]
    with pytest.raises(ConfigError, match="flag x"):
        Flags.from_config(Config({"flags": {"x": "often"}}))
    with pytest.raises(ConfigError):
        Flags({"x": 101})
