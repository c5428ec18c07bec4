"""Weights, pass rate, reward, a notebook's points."""

import pytest

from grading.score import (
    WEIGHTS,
    TestCase,
    TestResult,
    notebook_score,
    regressions,
    reward,
    services_passing,
    weighted_pass_rate,
)


def results(*pairs):
    """`("chaos", "passed"), …` with ids t0, t1, …; all on the service of the same number."""
    return [
        TestResult(case=TestCase(id=f"t{i}", category=category, services=(f"s{i}",)), outcome=outcome)
        for i, (category, outcome) in enumerate(pairs)
    ]


def test_the_rate_weighs_tests_by_their_folder():
    """One passed chaos test outweighs two failed unit tests."""
    assert weighted_pass_rate(
        results(("chaos", "passed"), ("unit", "failed"), ("unit", "failed"))
    ) == pytest.approx(3 / 5)


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped", "missing"])
def test_only_passed_counts(outcome):
    """Whatever is not passed counts as failed."""
    assert weighted_pass_rate(results(("unit", "passed"), ("unit", outcome))) == 0.5


def test_nothing_expected_gives_no_rate():
    """An empty manifest is no perfect score."""
    assert weighted_pass_rate([]) == 0.0


@pytest.mark.parametrize(
    ("passed", "of", "value"),
    [
        (0, 100, 0.0),
        (9, 100, 0.0),
        (10, 100, 0.05),
        (25, 100, 0.12),
        (40, 100, 0.22),
        (55, 100, 0.38),
        (70, 100, 0.55),
        (85, 100, 0.78),
        (99, 100, 0.78),
        (100, 100, 1.0),
    ],
)
def test_the_reward_follows_its_steps(passed, of, value):
    """A bound that is reached belongs to the higher step; only all tests give 1."""
    cases = [TestCase(id=str(i), category="unit") for i in range(of)]
    given = [
        TestResult(case=case, outcome="passed" if i < passed else "failed") for i, case in enumerate(cases)
    ]
    assert reward(given) == value


def test_services_and_chaos_earn_a_bonus():
    """Each service all of whose tests pass adds 0.02, all chaos tests together 0.10."""
    given = results(("chaos", "passed"), ("unit", "failed"), ("unit", "failed"))
    assert services_passing(given) == ["s0"]
    assert reward(given) == pytest.approx(0.38 + 0.02 + 0.10)


def test_a_regression_costs_once():
    """However many tests broke, 0.15 goes once."""
    given = results(("unit", "failed"), ("unit", "failed"))
    assert regressions(given, passed_before={"t0", "t1", "elsewhere"}) == ["t0", "t1"]
    assert reward(given, passed_before={"t0", "t1"}) == pytest.approx(-0.15)


def test_a_notebook_scores_by_its_tests_less_fifteen_for_a_regression():
    """Points go from 0 to 100 and never below."""
    half = results(("unit", "passed"), ("unit", "failed"))
    assert notebook_score(half, regressed=False) == 50.0
    assert notebook_score(half, regressed=True) == 35.0
    assert notebook_score(results(("unit", "failed")), regressed=True) == 0.0


def test_every_folder_of_tests_has_a_weight():
    """The seven folders of the tree's suite, and the notebooks' own checks."""
    assert set(WEIGHTS) == {
        "unit",
        "integration",
        "contract",
        "chaos",
        "security",
        "performance",
        "system",
        "notebook",
    }
