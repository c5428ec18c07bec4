from __future__ import annotations

import pytest

from shared.clients.deadline import Deadline, current_deadline, effective_deadline
from shared.errors import DeadlineExceeded

pytestmark = pytest.mark.services("gateway", "orders", "risk")


def test_the_callers_deadline_holds_where_it_is_the_earlier_one() -> None:
    """A generous time-out of its own does not give a hop more time than its caller has."""
    caller = Deadline.after(30.0)
    with caller.active():
        assert effective_deadline(3000.0) == caller


def test_a_time_out_of_its_own_holds_where_it_is_the_earlier_one() -> None:
    """A caller with much time does not make a hop wait longer than it would."""
    with Deadline.after(3000.0).active():
        assert effective_deadline(30.0).remaining() <= 30.0


def test_each_hop_has_no_more_time_than_the_one_before() -> None:
    """Over five hops the deadline never moves back."""
    deadline = first = effective_deadline(50.0)
    for _ in range(5):
        with deadline.active():
            deadline = effective_deadline(50.0)
        assert deadline.at <= first.at


def test_no_work_is_begun_for_a_caller_whose_time_is_over() -> None:
    """A deadline in the past is an error, not a short time-out."""
    with Deadline.after(-1.0).active(), pytest.raises(DeadlineExceeded):
        effective_deadline(30.0)


def test_a_deadline_ends_with_the_request_that_set_it() -> None:
    """The next request in the same thread starts without one."""
    with Deadline.after(30.0).active() as outer:
        with Deadline.after(3.0).active():
            pass
        assert current_deadline() == outer
    assert current_deadline() is None


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "0", "inf", "nan", "1e999"])
def test_a_header_that_is_no_moment_is_no_deadline(header: str | None) -> None:
    """Rubbish in the header bounds nothing, and breaks nothing."""
    assert Deadline.parse(header) is None


def test_a_deadline_keeps_its_microseconds_on_the_way() -> None:
    """What is sent is what arrives."""
    deadline = Deadline(1790000000.123456)
    assert Deadline.parse(deadline.header()) == deadline
