"""Two-phase commit over participants in memory."""

import pytest

from services.settlement.twophase import Coordinator

pytestmark = pytest.mark.services("settlement")


class Crash(BaseException):
    """The coordinator dies here."""


class MemoryParticipant:
    def __init__(self):
        self.waiting = {}
        self.visible = []
        self.crash_on = None

    def prepare(self, transaction_id, work):
        work()
        self.waiting[transaction_id] = transaction_id

    def commit(self, transaction_id):
        if self.crash_on == "commit":
            raise Crash
        if self.waiting.pop(transaction_id, None):
            self.visible.append(transaction_id)

    def rollback(self, transaction_id):
        self.waiting.pop(transaction_id, None)

    def prepared(self):
        return list(self.waiting)


class MemoryDecisions:
    def __init__(self):
        self.committed = set()
        self.crash = False

    def decide_commit(self, transaction_id):
        if self.crash:
            raise Crash
        self.committed.add(transaction_id)

    def is_committed(self, transaction_id):
        return transaction_id in self.committed


@pytest.fixture
def parts():
    participants = [MemoryParticipant(), MemoryParticipant()]
    decisions = MemoryDecisions()
    return participants, decisions, Coordinator(participants, decisions)


def nothing():
    pass


def refuse():
    raise ValueError("not enough")


def dead(_transaction_id):
    return False


def test_all_participants_commit(parts):
    """Work that every participant prepared is visible at every participant."""
    participants, _, coordinator = parts
    coordinator.run("t1", [nothing, nothing])
    assert [p.visible for p in participants] == [["t1"], ["t1"]]


def test_one_refusal_rolls_all_back(parts):
    """Work that one participant refuses is visible at none, and nothing stays prepared."""
    participants, _, coordinator = parts
    with pytest.raises(ValueError, match="not enough"):
        coordinator.run("t1", [nothing, refuse])
    assert [(p.visible, p.waiting) for p in participants] == [([], {}), ([], {})]


def test_a_crash_before_the_decision_is_rolled_back_by_recovery(parts):
    """Without a decision, what is prepared is given up everywhere."""
    participants, decisions, coordinator = parts
    decisions.crash = True
    with pytest.raises(Crash):
        coordinator.run("t1", [nothing, nothing])
    assert coordinator.recover(dead) == {"t1": "rolled back"}
    assert [(p.visible, p.waiting) for p in participants] == [([], {}), ([], {})]


@pytest.mark.parametrize("crashing", [0, 1])
def test_a_crash_in_the_second_phase_is_committed_by_recovery(parts, crashing):
    """After the decision, every participant commits in the end."""
    participants, _, coordinator = parts
    participants[crashing].crash_on = "commit"
    with pytest.raises(Crash):
        coordinator.run("t1", [nothing, nothing])
    participants[crashing].crash_on = None
    assert coordinator.recover(dead) == {"t1": "committed"}
    assert [p.visible for p in participants] == [["t1"], ["t1"]]


def test_recovery_leaves_running_transactions_alone(parts):
    """What a living coordinator has in hand is not touched."""
    participants, decisions, coordinator = parts
    decisions.crash = True
    with pytest.raises(Crash):
        coordinator.run("t1", [nothing, nothing])
    assert coordinator.recover(lambda transaction_id: transaction_id == "t1") == {}
    assert participants[0].prepared() == ["t1"]
