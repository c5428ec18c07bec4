"""Running somebody's tree to a verdict; on trees of a few files, so that it takes a second."""

import subprocess
import sys

import psutil
import pytest

from grading import run as running
from grading.errors import BadSubmission
from grading.score import TestCase
from runtime.tests.infra_support import until

CASES = [
    TestCase(id="tests/unit/test_small.py::test_good", category="unit"),
    TestCase(id="tests/unit/test_small.py::test_bad", category="unit"),
]


@pytest.fixture
def tree(tmp_path):
    """A tree with one test that passes and one that fails."""
    folder = tmp_path / "tree"
    (folder / "tests" / "unit").mkdir(parents=True)
    (folder / "services").mkdir()
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n", "utf-8")
    (folder / "tests" / "conftest.py").write_text("pytest_plugins = ('runtime.pytest_plugin',)\n", "utf-8")
    write(folder, "def test_good(): assert True\ndef test_bad(): assert 1 == 2, 'a number is off'\n")
    return folder


def write(tree, text):
    (tree / "tests" / "unit" / "test_small.py").write_text(text, "utf-8")


def test_passed_and_failed_are_told_apart_with_the_message(tree):
    """The verdict is fail, the failing test carries its reason, and it failed by assertion."""
    run = running.run_tests(tree, CASES)
    assert run.verdict == "fail"
    assert [result.outcome for result in run.results] == ["passed", "failed"]
    assert "a number is off" in run.results[1].message
    assert run.assertions[CASES[1].id]


def test_all_passed_is_a_pass(tree):
    """Only then."""
    assert running.run_tests(tree, CASES[:1]).verdict == "pass"


def test_a_test_that_is_skipped_is_not_passed(tree):
    """Skipping gives no evidence."""
    write(tree, "import pytest\ndef test_good(): pytest.skip('later')\ndef test_bad(): assert True\n")
    run = running.run_tests(tree, CASES)
    assert [result.outcome for result in run.results] == ["skipped", "passed"]
    assert run.verdict == "fail"


def test_a_process_that_ends_in_the_middle_gives_an_invalid_run(tree):
    """Neither a pass nor a zero: the result cannot be trusted."""
    write(tree, "import os\ndef test_good(): assert True\ndef test_bad(): os._exit(0)\n")
    run = running.run_tests(tree, CASES)
    assert run.verdict == "invalid"
    assert run.reason
    assert [result.outcome for result in run.results] == ["passed", "missing"]


def test_a_tree_that_cannot_be_collected_is_invalid(tree):
    """pytest's own trouble is no verdict about the code."""
    write(tree, "def test_good(:\n")
    assert running.run_tests(tree, CASES).verdict == "invalid"


def test_an_assertion_stays_one_when_tidying_up_fails_too(tree):
    """What a test found counts, whatever its fixture meets afterwards."""
    write(
        tree,
        "import pytest\n"
        "@pytest.fixture\n"
        "def part():\n    yield\n    raise OSError('it went away')\n"
        "def test_good(part): assert True\n"
        "def test_bad(part): assert 1 == 2, 'a number is off'\n",
    )
    run = running.run_tests(tree, CASES)
    assert [result.outcome for result in run.results] == ["error", "error"]
    assert run.assertions == {CASES[0].id: False, CASES[1].id: True}
    assert "a number is off" in run.results[1].message


def test_an_error_in_a_fixture_is_no_assertion(tree):
    """The kill matrix needs to know the difference."""
    write(tree, "def test_good(nothing): ...\ndef test_bad(): raise ValueError('x')\n")
    run = running.run_tests(tree, CASES)
    assert [result.outcome for result in run.results] == ["error", "failed"]
    assert not any(run.assertions.values())


BROKEN = """
import pytest
from runtime.errors import {fault}

@pytest.fixture
def started():
    raise {fault}({arguments})

def test_good(): assert True
def test_bad(started): assert True
"""


def test_broken_infrastructure_makes_the_run_invalid(tree):
    """A database that does not start says nothing about the submission."""
    write(tree, BROKEN.format(fault="PartFailed", arguments="'postgres', 'no room'"))
    run = running.run_tests(tree, CASES)
    assert run.verdict == "invalid"
    assert "postgres" in run.reason


def test_a_service_that_does_not_start_is_the_submissions_fault(tree):
    """That is a failed test, and the run stands."""
    write(tree, BROKEN.format(fault="ServiceFailed", arguments="'risk', 'ImportError'"))
    assert running.run_tests(tree, CASES).verdict == "fail"


def test_a_submission_brings_its_code_and_the_course_its_tests(tmp_path):
    """Whatever the submission has under tests/ or as conftest is left behind; deleted files stay deleted."""
    submission = tmp_path / "submission"
    (submission / "services" / "risk").mkdir(parents=True)
    (submission / "services" / "risk" / "mine.py").write_text("MINE = 1\n", "utf-8")
    (submission / "tests").mkdir()
    (submission / "tests" / "conftest.py").write_text("raise SystemExit\n", "utf-8")
    (submission / "conftest.py").write_text("raise SystemExit\n", "utf-8")
    tree = running.assemble(submission, tmp_path / "tree")
    assert (tree / "services" / "risk" / "mine.py").is_file()
    assert not (tree / "services" / "orders").exists()
    assert "SystemExit" not in (tree / "tests" / "conftest.py").read_text("utf-8")
    assert not (tree / "conftest.py").exists()


def test_a_link_out_of_the_submission_is_refused(tmp_path):
    """Nothing of the grader's machine gets into the tree."""
    submission = tmp_path / "submission"
    (submission / "services").mkdir(parents=True)
    (submission / "services" / "secrets").symlink_to("/etc")
    with pytest.raises(BadSubmission, match="leads out"):
        running.assemble(submission, tmp_path / "tree")


def test_a_folder_without_services_is_refused(tmp_path):
    """One line says what to give instead."""
    with pytest.raises(BadSubmission, match="root of a workspace"):
        running.assemble(tmp_path, tmp_path / "tree")


def test_no_cases_run_nothing(tree):
    """Without names pytest would run everything; a run of nothing is over at once."""
    assert running.run_tests(tree, []).results == ()


def test_a_run_ends_with_the_process_that_asked_for_it(tree):
    """When the grader is killed, its tests and their platform do not go on alone."""
    write(tree, "import threading\ndef test_good(): threading.Event().wait(600)\n")
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from grading.run import run_tests\n"
        "from grading.score import TestCase\n"
        f"case = TestCase(id={CASES[0].id!r}, category='unit')\n"
        f"run_tests(Path({str(tree)!r}), [case])\n"
    )
    grader = subprocess.Popen([sys.executable, "-P", "-c", code])
    asked = until(lambda: psutil.Process(grader.pid).children(recursive=True), "pytest is started", 30)
    grader.kill()
    grader.wait()
    psutil.wait_procs(asked, timeout=30)
    assert not [child for child in asked if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
