"""The certificates of a seat: made, kept and renewed."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from runtime import Platform, certificates
from runtime.authority import Authority, provision
from runtime.errors import CorruptState, RuntimeFault
from runtime.names import SERVICES
from runtime.tests.platform_support import get
from runtime.tests.toy_tree import make_toy_tree

NAMES = ["orders", "risk"]


@pytest.fixture
def folder(tmp_path):
    provision(tmp_path / "tls", NAMES)
    return tmp_path / "tls"


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in {".crt", ".key"}}


def test_what_is_fit_for_use_is_left_alone(folder):
    """A second start makes nothing, and starts no process to find that out."""
    before = contents(folder)
    assert set(before) == {f"{name}.{ending}" for name in ("ca", *NAMES) for ending in ("crt", "key")}
    certificates.ensure(folder, NAMES)
    assert contents(folder) == before


@pytest.mark.parametrize("harm", ["missing", "damaged", "empty"])
def test_what_is_lost_is_made_again(folder, harm):
    """One damaged certificate costs one certificate: the authority stays, and so do the others."""
    before, file = contents(folder), folder / "risk.key"
    file.unlink() if harm == "missing" else file.write_bytes(b"" if harm == "empty" else b"rubbish")
    certificates.ensure(folder, NAMES)
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} == {"risk.crt", "risk.key"}
    assert not certificates.Ledger.read(folder).unfit(["ca", *NAMES])


@pytest.mark.parametrize("file", ["ca.key", "ca.crt", "tls.json"])
def test_without_its_authority_everything_is_made_again(folder, file):
    """What nobody can vouch for any more, or nobody knows about, is replaced as a whole."""
    before = contents(folder)
    (folder / file).write_bytes(b"[]")
    certificates.ensure(folder, NAMES)
    after = contents(folder)
    assert all(after[name] != before[name] for name in before)


def test_what_ends_soon_is_renewed_in_time(folder):
    """A platform that is started now can stay up for a week."""
    ledger = json.loads((folder / "tls.json").read_bytes())
    ledger["orders"]["until"] = time.time() + 6 * 86_400
    (folder / "tls.json").write_text(json.dumps(ledger))
    assert certificates.Ledger.read(folder).unfit(NAMES) == ["orders"]
    certificates.ensure(folder, NAMES)
    assert certificates.Ledger.read(folder).unfit(NAMES) == []


def test_the_authority_is_not_replaced_under_those_who_trust_it(folder):
    """While services run, a lost authority is an error and not another authority."""
    certificates.renew(folder, "orders")
    (folder / "ca.key").unlink()
    certificates.renew(folder, "orders")  # whose own certificate is as good as before
    (folder / "orders.crt").unlink()
    with pytest.raises(CorruptState, match="certificate authority"):
        certificates.renew(folder, "orders")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    """What went wrong is told with the folder's name."""
    (tmp_path / "tls").write_text("a file in its place")
    with pytest.raises(RuntimeFault, match=r"^[^\n]*tls[^\n]*$"):
        certificates.ensure(tmp_path / "tls", NAMES)


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    tree = make_toy_tree(tmp_path_factory.mktemp("toy") / "tree")
    with Platform(tree, services=["risk", "gateway"]) as platform:
        yield platform


def test_files_are_private(platform):
    """Nobody else on the machine reads a key."""
    folder = platform.seat / "tls"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert {file.stem for file in folder.glob("*.key")} == {*SERVICES, "operator", "ca"}


def test_services_are_told_of_their_own(platform):
    """The same variables on every backend; the gateway, too, proves its name to those it calls."""
    for service in ("risk", "gateway"):
        seen = json.loads(get(platform, service, "/environment"))
        assert seen["NEXUS_TLS_CERT"].endswith(f"/tls/{service}.crt")
        assert seen["NEXUS_TLS_KEY"].endswith(f"/tls/{service}.key")
        assert seen["NEXUS_TLS_CA"] == platform.addresses.credentials.ca
    assert (platform.url("risk")[:8], platform.url("gateway")[:7]) == ("https://", "http://")


def test_a_restarted_service_gets_its_lost_certificate_back(platform):
    """Others go on with the authority that they know."""
    (platform.seat / "tls" / "risk.crt").unlink()
    platform.restart("risk")
    assert get(platform, "risk", "/word") == "first"
    assert all(row.healthy for row in platform.status() if row.service == "risk")


def test_certificates_can_be_issued_for_tests(platform, tmp_path):
    """The seat's authority issues what the services of the seat accept."""
    credentials = platform.authority.equip(tmp_path, "visitor")
    (tmp_path / "other").mkdir()
    stranger = Authority.create().equip(tmp_path / "other", "visitor")
    assert credentials.context() is credentials.context()
    with platform.http("risk", verify=credentials.context()) as client:
        assert client.get("/word").text == "first"
    with platform.http("risk", verify=stranger.context()) as client, pytest.raises(httpx.ConnectError):
        client.get("/word")
