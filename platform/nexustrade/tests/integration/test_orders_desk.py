"""Spreads, credit checks, replacements and fills, against the real database and a risk desk that is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.in_service import run_in_service

pytestmark = pytest.mark.services("orders")

SCENARIOS = (
    "spread_fits",
    "spread_without_room",
    "spread_waits",
    "spread_waits_and_is_refused",
    "spread_after_hours",
    "spread_repeated",
    "check_without_answer",
    "check_unavailable",
    "check_refused",
    "check_too_often",
    "check_too_old",
    "expiry_without_risk",
    "account_closes",
    "decided_after_the_close",
    "stop_reaches_matching",
    "fills_below_a_cent",
    "fills_of_thirds",
    "replaced_larger",
    "replaced_dearer",
    "replaced_smaller",
    "replaced_without_room",
    "replaced_without_answer",
    "replaced_below_the_fills",
    "confirmed",
    "triggered",
    "halted",
)

Played = Callable[[str], Any]


@pytest.fixture(scope="module")
def outcomes(platform) -> dict[str, Any]:
    """All scenarios, in one process."""
    return run_in_service(platform, "orders", "support.orders_scenarios:play", names=SCENARIOS)


@pytest.fixture
def played(outcomes) -> Played:
    """What a scenario returned."""
    return outcomes.__getitem__


def test_the_legs_of_a_spread_are_accepted_together(played: Played) -> None:
    """Risk is asked once for all legs, and each leg goes to matching, in order."""
    expected = {"status": "accepted", "states": ["accepted"] * 3, "asked": True, "commanded": True}
    assert played("spread_fits") == expected


def test_a_spread_without_room_for_one_leg_is_rejected_as_a_whole(played: Played) -> None:
    """When risk refuses one leg, every leg is rejected and none reaches matching."""
    expected = {"status": "rejected", "states": ["rejected"] * 3, "commands": 0, "rejections": 3}
    assert played("spread_without_room") == expected


def test_the_legs_of_a_spread_wait_together(played: Played) -> None:
    """Without an answer all legs are pending, and the answer that comes later accepts them as one."""
    expected = {"waiting": ["pending"] * 2, "states": ["accepted"] * 2, "asked": [2, 2]}
    assert played("spread_waits") == expected


def test_a_late_refusal_holds_for_every_leg(played: Played) -> None:
    """A refusal that comes with the second check rejects all legs."""
    expected = {"waiting": ["pending"] * 2, "states": ["rejected"] * 2, "asked": [2, 2]}
    assert played("spread_waits_and_is_refused") == expected


def test_a_spread_needs_every_market_open(played: Played) -> None:
    """With one leg's exchange closed, the spread is rejected before risk is asked."""
    expected = {"status": "rejected", "reasons": ["market-closed"], "asked": []}
    assert played("spread_after_hours") == expected


def test_a_spread_under_a_used_key_is_the_first_one(played: Played) -> None:
    """The same spread again is the first one; another under its key is refused."""
    expected = {"same": True, "legs": True, "orders": 2, "asked": 1, "field": "Idempotency-Key"}
    assert played("spread_repeated") == expected


@pytest.mark.parametrize("silence", ["check_without_answer", "check_unavailable"])
def test_an_order_waits_for_its_credit_check(played: Played, silence: str) -> None:
    """A check without an answer is counted and repeated when it is due, not before, until there is one."""
    assert played(silence) == {
        "first": ["pending", 1],
        "early": 0,
        "waiting": ["pending", 2, None],
        "states": ["accepted"],
    }


def test_a_refusal_is_final(played: Played) -> None:
    """An order that risk refused is not checked again."""
    assert played("check_refused") == {"status": "rejected", "reason": "limit-exceeded", "recovered": 0}


def test_an_order_expires_after_its_last_check(played: Played) -> None:
    """After three checks without an answer an order that may have three is given up and released."""
    assert played("check_too_often") == {
        "history": ["pending", "pending", "rejected"],
        "reason": "credit-check-expired",
        "asked": 3,
        "released": True,
    }


def test_an_order_expires_with_age(played: Played) -> None:
    """An undecided order that is older than the policy allows is given up and released."""
    expected = {"status": "rejected", "reason": "credit-check-expired", "released": 1}
    assert played("check_too_old") == expected


def test_an_order_is_given_up_only_when_its_exposure_is_released(played: Played) -> None:
    """While risk cannot be told, the order stays pending; it is rejected when risk can."""
    assert played("expiry_without_risk") == {"meanwhile": ["pending"], "states": ["rejected"]}


def test_an_undecided_order_of_a_closed_account_is_rejected(played: Played) -> None:
    """Recovery does not place orders for an account that was closed, and gives their exposure back."""
    expected = {"status": "rejected", "reason": "account-closed", "released": True}
    assert played("account_closes") == expected


def test_an_order_counts_for_the_moment_of_its_submission(played: Played) -> None:
    """An order of the session's last second is accepted, though its credit check succeeds after the close."""
    assert played("decided_after_the_close") == {"states": ["accepted"]}


def test_matching_is_told_the_stop_price_and_the_calendar(played: Played) -> None:
    """The command of a stop-limit order carries both prices and the name of the calendar."""
    assert played("stop_reaches_matching") == {
        "type": "stop_limit",
        "stop_price": "10.5",
        "price": "10.6",
        "calendar": "XNYS",
    }


def test_fills_below_a_cent_add_up(played: Played) -> None:
    """A hundred fills at 10.0049 are worth 1000.49, with that average and fees to the last digit."""
    assert played("fills_below_a_cent") == {
        "status": "filled",
        "filled": "100",
        "average": "10.0049",
        "fees": "0.0500245",
        "value": "1000.4900000000",
    }


def test_an_average_between_two_ticks_is_exact(played: Played) -> None:
    """Fills at 10.0001, 10.0002 and 10.0003 average to 10.0002."""
    shown = played("fills_of_thirds")
    assert (shown["average"], shown["fees"]) == ("10.0002", "0.00150003")


@pytest.mark.parametrize(
    ("scenario", "amended", "command"),
    [
        ("replaced_larger", [["110", "10"]], ["110", "10"]),
        ("replaced_dearer", [["60", "11"]], ["60", "11"]),
        ("replaced_smaller", [], ["30", "10"]),
    ],
)
def test_risk_hears_of_what_grows_before_matching(played: Played, scenario, amended, command) -> None:
    """More shares or a higher price are reserved for what is open first; fewer shares need no leave."""
    expected = {"amended": amended, "commands": [command], "error": None}
    assert played(scenario) == expected


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("replaced_without_room", "ExposureRefused"),
        ("replaced_without_answer", "DependencyUnavailable"),
        ("replaced_below_the_fills", "Conflict"),
    ],
)
def test_a_replacement_that_cannot_be_leaves_the_order_alone(played: Played, scenario, error) -> None:
    """Refused by risk, unanswered, or below what is filled: matching hears nothing."""
    outcome = played(scenario)
    assert (outcome["error"], outcome["commands"]) == (error, [])


def test_a_confirmed_replacement_shows(played: Played) -> None:
    """The order shows fills and open shares together and the new price; an older leader changes nothing."""
    assert played("confirmed") == {"quantity": "150", "price": "11", "status": "partially_filled"}


def test_a_triggered_stop_order_shows_when(played: Played) -> None:
    """The moment of the trigger is kept, and the order stays accepted."""
    assert played("triggered") == {"status": "accepted", "after": 60.0}


def test_the_trading_status_is_that_of_the_newest_leader(played: Played) -> None:
    """What matching says of a symbol is kept; what a replaced leader says is not."""
    assert played("halted") == ["halted"]
