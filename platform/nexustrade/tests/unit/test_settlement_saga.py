"""The settlement saga over books in memory: order of compensation, crashes at every point."""

from collections import defaultdict
from decimal import Decimal

import pytest

from services.settlement.ledger import PostingRefused
from services.settlement.saga import Mark, Saga, TradeLegs, trade_steps

pytestmark = pytest.mark.services("settlement")

LEGS = TradeLegs(
    trade_id="T-1",
    symbol="ACME",
    quantity=Decimal(10),
    currency="USD",
    cash=Decimal("1000.50"),
    buyer="buyer",
    seller="seller",
)


class Crash(BaseException):
    """The process dies here."""


class Crashes:
    """Dies at the n-th point that is passed, counted over all parts."""

    def __init__(self, at=None):
        self.at = at
        self.passed = 0

    def point(self):
        self.passed += 1
        if self.passed == self.at:
            self.at = None
            raise Crash


class MemoryBook:
    """A book in memory; `refuses` names accounts that take no credit."""

    def __init__(self, crashes, balances, refuses=()):
        self.crashes = crashes
        self.balances = defaultdict(Decimal, balances)
        self.refuses = set(refuses)
        self.posted = []

    def post(self, posting):
        self.crashes.point()
        if posting.posting_id in self.posted:
            return False
        for entry in posting.entries:
            if entry.amount > 0 and entry.account in self.refuses:
                raise PostingRefused(f"{entry.account} takes no {posting.asset}")
            if self.balances[entry.account] + entry.amount < 0:
                raise PostingRefused(f"{entry.account} has not enough {posting.asset}")
        for entry in posting.entries:
            self.balances[entry.account] += entry.amount
        self.posted.append(posting.posting_id)
        self.crashes.point()
        return True

    def state(self):
        return {account: amount for account, amount in self.balances.items() if amount}


class MemoryLog:
    def __init__(self, crashes):
        self.crashes = crashes
        self.sagas = defaultdict(list)

    def read(self, saga_id):
        return list(self.sagas[saga_id])

    def append(self, saga_id, record):
        self.crashes.point()
        self.sagas[saga_id].append(record)
        self.crashes.point()

    @property
    def records(self):
        return self.sagas["T-1#1"]


class World:
    def __init__(self, *, crash_at=None, cash="5000", shares="50", refuses_cash=(), refuses_shares=()):
        self.crashes = Crashes(crash_at)
        self.cash = MemoryBook(self.crashes, {"buyer": Decimal(cash)}, refuses_cash)
        self.shares = MemoryBook(self.crashes, {"seller": Decimal(shares)}, refuses_shares)
        self.log = MemoryLog(self.crashes)

    def run(self):
        steps = trade_steps(LEGS, cash=self.cash, shares=self.shares)
        return Saga("T-1#1", steps, self.log).run()

    def run_through_crashes(self):
        while True:
            try:
                return self.run()
            except Crash:
                continue


def test_a_completed_saga_moves_cash_and_shares():
    """The buyer pays and holds, the seller is paid and delivers, clearing keeps nothing."""
    world = World()
    assert world.run().completed
    assert world.cash.state() == {"buyer": Decimal("3999.50"), "seller": Decimal("1000.50")}
    assert world.shares.state() == {"seller": Decimal(40), "buyer": Decimal(10)}


def test_steps_run_in_the_order_of_delivery_versus_payment():
    """Both sides are taken in before either is paid out."""
    world = World()
    world.run()
    assert [record.step for record in world.log.records] == [
        "cash_debit",
        "shares_debit",
        "shares_credit",
        "cash_credit",
    ]


def test_compensation_runs_in_reverse_order():
    """What was done last is undone first."""
    world = World(refuses_cash={"seller"})
    assert not world.run().completed
    undone = [record.step for record in world.log.records if record.mark is Mark.UNDONE]
    assert undone == ["shares_credit", "shares_debit", "cash_debit"]


@pytest.mark.parametrize(
    "trouble",
    [{"cash": "1000.49"}, {"shares": "9"}, {"refuses_shares": {"buyer"}}, {"refuses_cash": {"seller"}}],
    ids=["cash_debit", "shares_debit", "shares_credit", "cash_credit"],
)
def test_a_refusal_at_any_step_leaves_balances_as_before(trouble, request):
    """A saga that cannot complete leaves no money and no shares behind."""
    world = World(**trouble)
    before = world.cash.state(), world.shares.state()
    outcome = world.run()
    assert not outcome.completed
    assert outcome.reason
    assert (world.cash.state(), world.shares.state()) == before
    refused = [record.step for record in world.log.records if record.mark is Mark.REFUSED]
    assert refused == [request.node.callspec.id]


def points(**trouble):
    world = World(**trouble)
    world.run()
    return world.crashes.passed


@pytest.mark.parametrize("crash_at", range(1, points() + 1))
def test_a_crash_at_any_point_is_driven_on_to_completion(crash_at):
    """Running again after a crash completes the saga and books every step once."""
    world = World(crash_at=crash_at)
    assert world.run_through_crashes().completed
    assert world.cash.state() == {"buyer": Decimal("3999.50"), "seller": Decimal("1000.50")}
    assert world.shares.state() == {"seller": Decimal(40), "buyer": Decimal(10)}


@pytest.mark.parametrize("crash_at", range(1, points(refuses_cash={"seller"}) + 1))
def test_a_crash_at_any_point_of_a_failing_saga_still_restores_everything(crash_at):
    """Compensation that was interrupted is finished by the next run."""
    world = World(crash_at=crash_at, refuses_cash={"seller"})
    assert not world.run_through_crashes().completed
    assert world.cash.state() == {"buyer": Decimal(5000)}
    assert world.shares.state() == {"seller": Decimal(50)}


def test_a_finished_saga_is_not_run_again():
    """Running a finished saga answers its outcome and books nothing."""
    world = World(refuses_cash={"seller"})
    first = world.run()
    booked = list(world.cash.posted), list(world.shares.posted)
    assert world.run() == first
    assert (world.cash.posted, world.shares.posted) == booked


def test_a_compensation_that_cannot_be_taken_leaves_the_saga_open():
    """Shares that the buyer has passed on must come back before the saga can end."""
    world = World()
    original = world.cash.post

    def spend_before_refusal(posting):
        if posting.posting_id.endswith(":cash_credit"):
            world.shares.balances["buyer"] -= 10
            raise PostingRefused("seller takes no USD")
        return original(posting)

    world.cash.post = spend_before_refusal
    with pytest.raises(PostingRefused):
        world.run()
    world.shares.balances["buyer"] += 10
    assert not world.run().completed
    assert world.cash.state() == {"buyer": Decimal(5000)}
    assert world.shares.state() == {"seller": Decimal(50)}
