"""The kill matrix on the tests that a bug is known by: they fail with it, and only for it."""

import json
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from grading import catalogue, manifest, matrix
from grading.errors import GradingError, RunInvalid
from grading.run import Run
from grading.score import TestCase, TestResult
from lab.commands import bugs_matrix_command


def test_the_matrix_of_a_bug_agrees_with_what_is_stored(monkeypatch, tmp_path):
    """The file maps the bug to its killers, and the exit status is 0 when nothing drifted."""
    bug = next(bug for bug in catalogue.bugs() if bug.id == "G1")
    cases = manifest.load()
    # Its killers and as many others: the whole suite is a matter for `./nexus test --full`.
    chosen = [case for case in cases if case.id in bug.killers and case.category != "chaos"]
    chosen += [case for case in cases if "test_risk_exposure" in case.id][: len(chosen)]
    stored = [case.id for case in chosen if case.id in bug.killers]
    monkeypatch.setattr(manifest, "collect", lambda: tuple(chosen))
    monkeypatch.setattr(matrix, "drift", lambda row: [] if list(row.killers) == sorted(stored) else ["drift"])
    assert bugs_matrix_command(bug.id, target=tmp_path / "matrix.json", write=False, exact=False) == 0
    assert json.loads((tmp_path / "matrix.json").read_text("utf-8")) == {bug.id: sorted(stored)}


def test_groups_part_neighbours_and_hold_every_bug_once():
    """Bugs that follow one another in the catalogue change the same code: they never share a group."""
    bug = catalogue.bugs()[0]
    dealt = matrix.groups(many := [replace(bug, id=f"G{number}") for number in range(1, 14)])
    assert sorted(each.id for group in dealt for each in group) == sorted(each.id for each in many)
    assert max(len(group) for group in dealt) <= matrix.GROUP_SIZE
    places = [[many.index(each) for each in group] for group in dealt]
    assert all(later - earlier > 1 for group in places for earlier, later in pairwise(group))


@dataclass(frozen=True)
class Fault:
    """Turns a part of the toy suite red; `together` only when another fault is in as well."""

    reds: frozenset[str]
    together: frozenset[str] = frozenset()


FAULTS = {"G1": Fault(frozenset("ab")), "G2": Fault(frozenset("bc"), together=frozenset("d"))}
CASES = [TestCase(id=name, category="unit") for name in "abcdef"]


@pytest.fixture
def asked(monkeypatch):
    """The runs that were asked for, as (bugs, tests), with FAULTS in place of a platform."""
    runs = []

    def run(group, cases, _progress):
        names = [case.id for case in cases]
        runs.append((len(group), "".join(names)))
        red = frozenset().union(*(FAULTS[bug.id].reds for bug in group))
        red |= frozenset().union(*(FAULTS[bug.id].together for bug in group if len(group) > 1))
        results = [TestResult(case=case, outcome="failed" if case.id in red else "passed") for case in cases]
        asserted = dict.fromkeys(red, True)
        return Run(verdict="fail", results=tuple(results), seconds=0.0, seed=0, assertions=asserted)

    monkeypatch.setattr(matrix, "_run", run)
    return runs


def toy(**killers):
    return [replace(catalogue.bugs()[0], id=name, killers=tuple(known)) for name, known in killers.items()]


@pytest.mark.parametrize(
    ("find", "stored", "alone"),
    [
        (True, {"G1": "", "G2": ""}, ["abcd", "abcd"]),
        (True, {"G1": "ab", "G2": "bcf"}, ["abcdf", "abcdf"]),
        (False, {"G1": "ab", "G2": "bc"}, ["abd", "bcd"]),
        (False, {"G1": "ab", "G2": ""}, ["abcd", "cd"]),
    ],
)
def test_a_group_is_tested_once_and_its_suspects_on_each_bug(asked, find, stored, alone):
    """What only the group turns red is nobody's killer; checking runs less than finding."""
    rows = list(matrix.matrix_rows(toy(**stored), CASES, exact=False, find=find, progress=lambda *_: None))
    assert asked[0] == (2, "abcdef")
    assert sorted(asked[1:]) == sorted((1, names) for names in alone)  # side by side, in any order
    found = {row.bug.id: "".join(row.killers) for row in rows}
    assert found["G1"] == "ab"
    assert set(found["G2"]) == set("bc") & set(alone[1])


def test_stored_killers_can_be_checked_without_the_suite(asked):
    """Every bug runs once, on what is stored for it; one that no longer fails is missed."""
    rows = list(matrix.matrix_rows(toy(G1="ab", G2="bf"), CASES, stored=True, progress=lambda *_: None))
    assert sorted(asked) == [(1, "ab"), (1, "bf")]
    assert [row.killers for row in rows] == [("a", "b"), ("b",)]
    assert matrix.drift(rows[1]) == ["G2 no longer breaks f"]


def test_a_check_of_what_is_stored_stores_nothing():
    """Storing takes the whole suite: the refusal says what to leave out."""
    with pytest.raises(GradingError, match="leave out"):
        bugs_matrix_command("G1", target=None, write=True, exact=False, stored=True)


@pytest.mark.usefixtures("asked")
def test_a_run_that_cannot_be_trusted_spoils_one_row_only(monkeypatch):
    """The other bugs of its group are judged all the same, in the order of the catalogue."""
    run = matrix._run

    def sometimes(group, cases, progress):
        if [bug.id for bug in group] == ["G1"]:
            raise RunInvalid("G1: the infrastructure broke")
        return run(group, cases, progress)

    monkeypatch.setattr(matrix, "_run", sometimes)
    bugs = toy(G1="ab", G2="bc")
    first, second = matrix.matrix_rows(bugs, CASES, exact=False, find=False, progress=lambda *_: None)
    assert isinstance(first, RunInvalid)
    assert (second.bug.id, second.killers) == ("G2", ("b", "c"))


def test_exact_runs_everything_on_every_bug(asked):
    """Groups are left out."""
    rows = list(matrix.matrix_rows(toy(G1="", G2=""), CASES, exact=True, find=False, progress=print))
    assert asked == [(1, "abcdef"), (1, "abcdef")]
    assert [row.killers for row in rows] == [("a", "b"), ("b", "c")]


def row(stored, found):
    bug = replace(catalogue.bugs()[0], id="G1", killers=tuple(stored))
    return matrix.Row(bug=bug, killers=tuple(found), faults=(), seconds=0.0)


def test_drift_names_every_difference():
    """A killer that passes now, and a test that is red without being one."""
    assert matrix.drift(row(["a", "b"], ["b", "c"])) == [
        "G1 no longer breaks a",
        "G1 also breaks c, which is not among its killers",
    ]
    assert matrix.drift(row(["a"], ["a"])) == []
