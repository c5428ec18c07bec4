"""Sharing tests out among processes."""

import pytest

from grading import run as running
from grading import shards
from grading.errors import GradingError
from grading.score import TestCase


def cases_of(files):
    return [
        TestCase(id=f"tests/{name}::test_{number}", category=name.partition("/")[0])
        for name, count in files.items()
        for number in range(count)
    ]


def test_every_test_is_dealt_once_and_files_stay_whole():
    """Nothing is lost or doubled; the tests of one file run in one process, in their order."""
    cases = cases_of({f"unit/test_{letter}.py": 40 for letter in "abcdefgh"} | {"chaos/test_z.py": 9})
    shares = shards.deal(cases, 3)
    assert len(shares) == 3
    assert sorted(case.id for share in shares for case in share) == sorted(case.id for case in cases)
    files = [{case.id.partition("::")[0] for case in share} for share in shares]
    assert sum(len(each) for each in files) == len(set().union(*files))
    for share in shares:
        assert share == [case for case in cases if case in share]


def test_the_slow_folders_are_spread():
    """Chaos tests, which take longest, do not all land in one share."""
    cases = cases_of({"chaos/test_a.py": 10, "chaos/test_b.py": 10, "unit/test_c.py": 200})
    chaotic = [any(case.category == "chaos" for case in share) for share in shards.deal(cases, 2)]
    assert chaotic == [True, True]


def test_a_handful_of_tests_is_not_worth_a_second_platform():
    """They stay in one process, however many are allowed."""
    assert len(shards.deal(cases_of({"unit/test_a.py": 30, "unit/test_b.py": 30}), 8)) == 1


def test_results_of_several_processes_are_one_run(tmp_path, monkeypatch):
    """Outcomes come back in the order asked for, progress counts all of them, one failure fails the run."""
    monkeypatch.setattr(shards, "WORTH_A_PLATFORM", 1)
    monkeypatch.setenv("NEXUS_WORKERS", "2")
    unit = tmp_path / "tests" / "unit"
    unit.mkdir(parents=True)
    (tmp_path / "services").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text("pytest_plugins = ('runtime.pytest_plugin',)\n", "utf-8")
    (unit / "test_a.py").write_text("import os\ndef test_0(): assert False, os.getpid()\n", "utf-8")
    (unit / "test_b.py").write_text("import os\ndef test_0(): assert False, os.getpid()\n", "utf-8")
    told = []
    cases = cases_of({"unit/test_a.py": 1, "unit/test_b.py": 1})
    run = running.run_tests(tmp_path, cases, progress=lambda *figures: told.append(figures))
    assert [result.case for result in run.results] == cases
    assert run.verdict == "fail"
    assert told[-1] == (2, 2, 2)
    assert len({result.message for result in run.results}) == 2


@pytest.mark.parametrize("given", ["0", "65", "two", ""])
def test_a_strange_number_of_workers_is_refused(monkeypatch, given):
    """The refusal names the variable and what it takes."""
    monkeypatch.setenv("NEXUS_WORKERS", given)
    with pytest.raises(GradingError, match="NEXUS_WORKERS"):
        shards.workers()
