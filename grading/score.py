"""From test outcomes to a score: weights, pass rate, reward, a notebook's points. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Weight of a test by the folder that it lives in; `notebook` are a notebook's own checks.
WEIGHTS: Mapping[str, float] = {
    "unit": 1.0,
    "integration": 1.5,
    "contract": 2.0,
    "chaos": 3.0,
    "security": 2.5,
    "performance": 2.0,
    "system": 3.0,
    "notebook": 1.0,
}

#: (lower bound of the weighted pass rate, reward); the highest bound that is reached counts.
REWARD_STEPS: tuple[tuple[float, float], ...] = (
    (1.00, 1.00),
    (0.85, 0.78),
    (0.70, 0.55),
    (0.55, 0.38),
    (0.40, 0.22),
    (0.25, 0.12),
    (0.10, 0.05),
    (0.00, 0.00),
)
SERVICE_BONUS = 0.02
CHAOS_BONUS = 0.10
REGRESSION_PENALTY = 0.15
NOTEBOOK_REGRESSION_POINTS = 15.0


@dataclass(frozen=True, kw_only=True)
class TestCase:
    """One line of a manifest."""

    __test__ = False

    id: str
    category: str
    services: tuple[str, ...] = ()

    @property
    def weight(self) -> float:
        return WEIGHTS[self.category]


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """What became of one expected test: `passed`, `failed`, `error`, `skipped` or `missing`."""

    __test__ = False

    case: TestCase
    outcome: str
    seconds: float = 0.0
    message: str = ""

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.case.id,
            "category": self.case.category,
            "weight": self.case.weight,
            "services": list(self.case.services),
            "outcome": self.outcome,
        }


def weighted_pass_rate(results: Iterable[TestResult]) -> float:
    """Σ weight × passed ÷ Σ weight × expected, from 0 to 1; 0 when nothing was expected.

    `results` holds one entry for every expected test: whatever did not run is in it as missing.
    """
    expected = passed = 0.0
    for result in results:
        expected += result.case.weight
        passed += result.case.weight if result.passed else 0.0
    return passed / expected if expected else 0.0


def reward(results: Iterable[TestResult], *, passed_before: Iterable[str] = ()) -> float:
    """The sparse reward of a run over the whole manifest, bonuses and the penalty included.

    `passed_before` are the ids of tests that passed on the tree as handed out.
    """
    results = list(results)
    rate = weighted_pass_rate(results)
    value = next(step for bound, step in REWARD_STEPS if rate >= bound)
    value += SERVICE_BONUS * len(services_passing(results))
    chaos = [result for result in results if result.case.category == "chaos"]
    if chaos and all(result.passed for result in chaos):
        value += CHAOS_BONUS
    if regressions(results, passed_before=passed_before):
        value -= REGRESSION_PENALTY
    return round(value, 4)


def services_passing(results: Iterable[TestResult]) -> list[str]:
    """Names, sorted, of the services all of whose tests passed."""
    by_service: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        for service in result.case.services:
            by_service[service].append(result.passed)
    return sorted(service for service, passed in by_service.items() if all(passed))


def regressions(results: Iterable[TestResult], *, passed_before: Iterable[str]) -> list[str]:
    """Ids of the tests that passed on the handed-out tree and do not pass now."""
    before = set(passed_before)
    return [result.case.id for result in results if result.case.id in before and not result.passed]


def notebook_score(judged: Iterable[TestResult], *, regressed: bool) -> float:
    """A notebook's points, 0–100: weighted pass rate of its tests and checks, less 15 for a regression."""
    points = 100.0 * weighted_pass_rate(judged)
    return round(max(0.0, points - (NOTEBOOK_REGRESSION_POINTS if regressed else 0.0)), 1)
