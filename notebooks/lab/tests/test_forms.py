"""The forms of files and output that others rely on, from the commands themselves."""

import json
import subprocess
import sys

import pytest

from grading import catalogue
from runtime import SERVICES


def nexus(*words, status=0, cwd=None, env=None):
    """Runs the command line; returns its standard output."""
    result = subprocess.run(
        [sys.executable, "-P", "-m", "lab", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout if status == 0 else result.stderr


def test_bugs_list_prints_metadata_without_explanations():
    """A list with an entry a bug, as the catalogue has it."""
    listed = json.loads(nexus("bugs", "list", "--json"))
    assert [entry["id"] for entry in listed] == [bug.id for bug in catalogue.bugs()]
    wanted = {"id", "title", "category", "services", "severity", "requires", "symptom"}
    wanted |= {"hints", "minutes", "reading", "killers"}
    assert all(set(entry) == wanted for entry in listed)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The welcome notebook, played."""
    folder = tmp_path_factory.mktemp("played")
    return nexus("play", "00", "--out", folder), folder


def test_play_writes_three_files_and_prints_the_score(played):
    """`result.json` has just the agreed keys, and every test the agreed five."""
    said, folder = played
    assert (folder / "executed.ipynb").is_file()
    assert (folder / "report.html").is_file()
    result = json.loads((folder / "result.json").read_text("utf-8"))
    keys = "notebook verdict score weighted_pass_rate reward tests seed tree seconds"
    assert list(result) == keys.split()
    assert result["notebook"] == "00-welcome"
    assert (result["verdict"], result["score"], result["weighted_pass_rate"]) == ("pass", 100.0, 1.0)
    assert result["tests"]
    assert all(list(t) == ["id", "category", "weight", "services", "outcome"] for t in result["tests"])
    assert "100 of 100 points" in said


def test_the_report_shows_notebook_and_chart_in_one_file(played):
    """It is self-contained: pictures are inside, nothing is fetched."""
    _, folder = played
    report = (folder / "report.html").read_text("utf-8")
    assert "data:image/png;base64," in report
    assert '<script src="http' not in report
    assert 'rel="stylesheet" href="http' not in report


def test_new_puts_the_workspace_into_the_folder_that_is_named(tmp_path):
    """`--into DIR` holds it under its name; the same name again is refused in one line."""
    nexus("new", "demo", "--bugs", "G1", "--into", tmp_path)
    assert (tmp_path / "demo" / "services" / "risk").is_dir()
    refusal = nexus("new", "demo", "--bugs", "G1", "--into", tmp_path, status=1)
    assert refusal.startswith("nexus: ")
    assert len(refusal.splitlines()) == 1


def test_bench_writes_rows_with_the_agreed_keys(tmp_path):
    """One row here: the matching engine alone."""
    nexus("bench", "--only", "engine", "--json", tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text("utf-8"))
    keys = ["name", "value", "unit", "target", "met", "peer", "peer_value", "ratio"]
    assert rows
    assert all(list(row) == keys for row in rows)
    assert rows[0]["value"] > 0


def test_status_lists_services_and_infrastructure(tmp_path):
    """A row a part, with the agreed keys; after `down` there is nothing to list."""
    tree = tmp_path / "demo"
    nexus("new", "demo", "--bugs", "G1", "--into", tmp_path)
    nexus("up", tree)
    try:
        rows = json.loads(nexus("status", tree, "--json"))
        assert all(list(row) == ["service", "port", "healthy", "pss_mib", "restarts", "pid"] for row in rows)
        assert {row["service"] for row in rows} > set(SERVICES)
        assert all(row["healthy"] for row in rows)
        nexus("restart", "risk", "--workspace", tree)
        again = {row["service"]: row for row in json.loads(nexus("status", "--json", cwd=tree))}
        assert again["risk"]["restarts"] == 1
    finally:
        nexus("down", tree)
    refusal = nexus("status", tree, status=1)
    assert "nexus up" in refusal


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("play", "77"), "00-welcome"),
        (("new", "x", "--bugs", "Z9"), "G1"),
        (("new", "../x", "--bugs", "G1"), "workspace name"),
        (("grade", "/nowhere", "--bugs", "G1"), "/nowhere"),
        (("up", "/"), "no workspace"),
        (("bench", "--only", "nothing"), "engine"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(words, told):
    """No traceback, exit status 1."""
    refusal = nexus(*words, status=1)
    assert refusal.startswith("nexus: ")
    assert len(refusal.splitlines()) == 1
    assert told in refusal
