"""Reserving the exposure of several orders at once, all or none."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
from support.burst import in_flight
from support.race import held_row
from support.risk_desk import RiskDesk, leg, set_limit, statuses

pytestmark = pytest.mark.services("risk")


@pytest.fixture
def desk(platform) -> Iterator[RiskDesk]:
    with RiskDesk(platform) as desk:
        yield desk


@pytest.fixture
def account_id(market) -> str:
    """An account that only risk knows, with a limit of 10,000."""
    account_id = str(uuid.uuid4())
    set_limit(market, account_id, "10000")
    return account_id


def states(platform, *legs: dict) -> list[str]:
    rows = platform.sql(
        "orders_db",
        "SELECT order_id, state FROM risk_reservation WHERE order_id = ANY(%s)",
        ([each["order_id"] for each in legs],),
    )
    found = {row["order_id"]: row["state"] for row in rows}
    return [found.get(each["order_id"], "absent") for each in legs]


def test_a_batch_takes_the_sum_of_its_legs(desk, account_id) -> None:
    """Each leg is answered, in the order in which they were asked for, with what it took."""
    legs = [leg(account_id, "30.00"), leg(account_id, "20.00", side="sell")]
    response = desk.reserve_batch(*legs)
    assert response.status_code == 201
    assert [each["order_id"] for each in response.json()] == [each["order_id"] for each in legs]
    assert [each["reserved"] for each in response.json()] == ["3000", "2000"]
    assert desk.used(account_id) == 5000


def test_a_batch_that_does_not_fit_takes_nothing(platform, desk, account_id) -> None:
    """One leg too many, and no leg is reserved; the refusal names the first that found no room."""
    legs = [leg(account_id, "60.00"), leg(account_id, "50.00"), leg(account_id, "1.00")]
    response = desk.reserve_batch(*legs)
    assert response.status_code == 409
    assert response.json()["type"].endswith("/limit-exceeded")
    assert response.json()["order_id"] == legs[1]["order_id"]
    assert desk.used(account_id) == 0
    assert states(platform, *legs) == ["refused"] * 3


def test_a_batch_gets_the_same_answer_again(desk, account_id) -> None:
    """Repeated, a granted batch reserves nothing more, and a refused one stays refused when there is room."""
    granted = [leg(account_id, "40.00"), leg(account_id, "20.00")]
    refused = [leg(account_id, "30.00"), leg(account_id, "30.00")]
    for _ in range(2):
        assert [each["reserved"] for each in desk.reserve_batch(*granted).json()] == ["4000", "2000"]
    assert desk.reserve_batch(*refused).json()["order_id"] == refused[1]["order_id"]
    for each in granted:
        assert desk.release(each["order_id"]).status_code == 204
    again = desk.reserve_batch(*refused)
    assert (again.status_code, again.json()["order_id"]) == (409, refused[1]["order_id"])
    assert desk.used(account_id) == 0


def test_a_refused_leg_cannot_be_reserved_by_itself(desk, account_id) -> None:
    """The legs that fitted are refused with the one that did not."""
    fits, too_much = leg(account_id, "10.00"), leg(account_id, "100.00")
    assert desk.reserve_batch(fits, too_much).status_code == 409
    assert desk.request("POST", "/internal/v1/reservations", json=fits).status_code == 409
    assert desk.used(account_id) == 0


def test_a_batch_over_two_accounts_needs_room_in_both(market, desk, account_id) -> None:
    """The account with room gets nothing reserved while the other has none."""
    other = str(uuid.uuid4())
    set_limit(market, other, "100")
    legs = [leg(account_id, "10.00"), leg(other, "10.00")]
    assert desk.reserve_batch(*legs).json()["order_id"] == legs[1]["order_id"]
    assert (desk.used(account_id), desk.used(other)) == (0, 0)


def test_batches_at_once_are_granted_whole(platform, desk, account_id) -> None:
    """Of six batches of 3,000 that meet at the limit's row, three are granted with both legs."""
    batches = [[leg(account_id, "10.00"), leg(account_id, "20.00")] for _ in range(6)]
    with held_row(platform, account_id) as row:
        with in_flight([lambda legs=legs: desk.reserve_batch(*legs) for legs in batches]) as futures:
            row.release_when_settled(6)
        answers = [future.result() for future in futures]
    assert statuses(answers) == {201: 3, 409: 3}
    for answer, legs in zip(answers, batches, strict=True):
        assert states(platform, *legs) == ["active" if answer.status_code == 201 else "refused"] * 2
    assert desk.used(account_id) == 9000


def test_batches_that_cross_do_not_wait_for_each_other_for_ever(platform, market, desk, account_id) -> None:
    """Two accounts named in opposite order by two batches at once: both batches are granted."""
    other = str(uuid.uuid4())
    set_limit(market, other, "10000")
    there = [leg(account_id, "10.00"), leg(other, "10.00")]
    back = [leg(other, "10.00"), leg(account_id, "10.00")]
    with held_row(platform, min(account_id, other)) as row:
        with in_flight([lambda legs=legs: desk.reserve_batch(*legs) for legs in (there, back)]) as futures:
            row.release_when_settled(2)
        assert statuses(future.result() for future in futures) == {201: 2}
    assert (desk.used(account_id), desk.used(other)) == (2000, 2000)


def test_a_batch_of_which_a_part_is_known_is_a_conflict(desk, account_id) -> None:
    """Orders that were reserved by themselves do not become part of a batch."""
    known, new = leg(account_id, "10.00"), leg(account_id, "10.00")
    assert desk.request("POST", "/internal/v1/reservations", json=known).status_code == 201
    response = desk.reserve_batch(known, new)
    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (409, "conflict")
    assert desk.used(account_id) == 1000


def test_a_market_order_that_cannot_be_valued_refuses_its_batch(desk, account_id) -> None:
    """Without a reference price for one leg, none is reserved and none is remembered."""
    legs = [leg(account_id, "10.00"), leg(account_id, "1", symbol="ZNEVER") | {"price": None}]
    response = desk.reserve_batch(*legs)
    assert (response.status_code, response.json()["type"].rpartition("/")[2]) == (422, "no-reference-price")
    assert desk.used(account_id) == Decimal(0)
