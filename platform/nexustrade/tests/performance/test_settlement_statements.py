"""Work per trade and per audit entry does not grow with what is there already."""

import pytest
from support.statements import count_statements

SETTLE = """
import uuid
from datetime import date
from decimal import Decimal
from django.db import transaction
from services.settlement import balances, services
from services.settlement.api import Trade
from services.settlement.calendar import ExchangeCalendar
from services.settlement.fees import FeeSchedule
from shared.money import Money, Quantity
from shared.sessions import calendar_named
sys.path.insert(0, "tests")
from support.direct import trade_envelope

fees = FeeSchedule(Decimal("0.5"))
calendar = ExchangeCalendar(calendar_named("XNYS"))

def batch(trades):
    symbol, buyer, seller = "ZPERF", uuid.uuid4().hex, uuid.uuid4().hex
    balances.cash_deposit(account_id=buyer, cash=Money(100000), reference="start")
    balances.shares_deposit(account_id=seller, symbol=symbol, quantity=Quantity(1000), reference="start")
    for _ in range(trades):
        with transaction.atomic(using="orders"):
            services.trade_record(trade_envelope(symbol, buyer, seller), calendar=calendar)
    with counted() as statements:
        report = services.settlement_run(as_of=date(2099, 1, 1), account_id=buyer, fees=fees)
    assert report.settled == trades, report
    with counted() as listing:
        list(Trade.objects.filter(buy_account_id=buyer))
    return len(statements)

result = [batch(trades) for trades in {sizes}]
"""


@pytest.mark.services("settlement")
def test_statements_per_settled_trade_are_flat(platform):
    """Each further trade of a batch costs the same number of statements, in small and large batches."""
    script = SETTLE.replace("{sizes}", "(1, 2, 3, 12, 32)")
    one, two, three, twelve, many = count_statements(platform, "settlement", script)
    # The first trade opens balances that are not there yet; from the second on all are alike.
    per_trade = three - two
    assert twelve - two == 10 * per_trade
    assert many - two == 30 * per_trade
    assert per_trade <= 48
    assert one <= per_trade + 12


RECONCILE = """
from services.settlement import balances
import uuid
from shared.money import Money

def once():
    with counted() as statements:
        balances.cash_reconcile()
        balances.shares_reconcile()
    return len(statements)

first = once()
for _ in range(30):
    balances.cash_deposit(account_id=uuid.uuid4().hex, cash=Money(1), reference="start")
result = [first, once()]
"""


@pytest.mark.services("settlement")
def test_reconciliation_takes_the_same_statements_for_more_accounts(platform):
    """The books are summed by the database, not account by account."""
    first, second = count_statements(platform, "settlement", RECONCILE)
    assert first == second


DUE = """
from datetime import date
with counted() as statements, connections["orders"].cursor() as cursor:
    from services.settlement.models import Trade
    rows = Trade.objects.filter(status__in=["pending", "settling"], settlement_date__lte=date(2026, 11, 24))
    cursor.execute("SET enable_seqscan = off")
    plan = rows.order_by("settlement_date", "trade_id").explain()
    cursor.execute("RESET enable_seqscan")
result = plan
"""


@pytest.mark.services("settlement")
def test_due_trades_are_found_through_the_index_of_open_trades(platform):
    """Settled trades, however many, are not looked at to find what is due."""
    assert "settlement_trade_open" in count_statements(platform, "settlement", DUE)


APPEND = """
import uuid
from services.audit.models import ChainHead
from services.audit.services import chain_verify, entry_append
sys.path.insert(0, "tests")
from support.direct import trade_envelope

def append():
    with counted() as statements:
        entry_append(topic="executions", envelope=trade_envelope("ZPERF", "a", "b"))
    return len(statements)

# Only what was appended right after an entry of this process counts: the service writes to the chain, too.
heads, counts = [], []
for _ in range(200):
    counts.append(append())
    heads.append(ChainHead.objects.get(pk=1).sequence)
alone = [
    count
    for count, before, last, now in zip(counts[2:], heads, heads[1:], heads[2:])
    if (last, now) == (before + 1, before + 2)
]
with counted() as verifying:
    assert chain_verify().valid
result = {"alone": len(alone), "counts": sorted(set(alone)), "verifying": len(verifying)}
"""


@pytest.mark.services("audit")
def test_statements_per_audit_entry_are_flat(platform):
    """Each entry costs the same however long the chain is, and verification does not ask per entry."""
    found = count_statements(platform, "audit", APPEND)
    assert found["alone"] >= 100
    assert found["counts"] == [1]
    assert found["verifying"] <= 6


NETTING = """
import uuid
from datetime import date, timedelta
from decimal import Decimal
from services.settlement import obligations, reconciliation, statements
from services.settlement.models import CashEntry, Trade
from shared.clock import now

def fill(day, trades):
    account = uuid.uuid4().hex
    Trade.objects.bulk_create(
        Trade(trade_id=f"ZNETS-{day}-{account}-{n}", symbol=f"ZNETS{n % 3}", price=1, quantity=1, cash=1,
              buy_account_id=account, sell_account_id="other", buy_order_id="b", sell_order_id="s", epoch=1,
              sequence=n, executed_at=now(), trade_date=day, settlement_date=day, status="failed")
        for n in range(trades)
    )
    CashEntry.objects.bulk_create(
        CashEntry(posting_id=f"{account}:{n}", account=account, asset="XTS", amount=Decimal("0.01"))
        for n in range(trades)
    )
    return account

def measured(trades):
    # Far ahead: the service's own netting of past days stays out of it.
    day = date(2090, 1, 1) + timedelta(days=trades)
    account = fill(day, trades)
    counts = {}
    for name, use in {
        "net": lambda: obligations.day_net(trade_date=day, batch_size=500),
        "nets": lambda: obligations.nets_list(account_id=account, trade_date=None, after=0, limit=50),
        "statement": lambda: statements.statement_read(account_id=account, day=date(2099, 1, 1)),
        "assets": lambda: reconciliation.assets_reconcile(),
        "proof": lambda: reconciliation.nets_reconcile(trade_date=day),
    }.items():
        with counted() as made:
            use()
        counts[name] = len(made)
    CashEntry.objects.filter(account=account).delete()
    Trade.objects.filter(buy_account_id=account).delete()
    obligations.NetObligation.objects.filter(trade_date=day).delete()
    return counts

counts = [measured(trades) for trades in (1, 40, 400)]
with counted(), connections["orders"].cursor() as cursor:
    rows = Trade.objects.filter(netted_at=None, trade_date=date(2026, 11, 24))
    cursor.execute("SET enable_seqscan = off")
    plan = rows.order_by("trade_id").explain()
    cursor.execute("RESET enable_seqscan")
result = {"counts": counts, "plan": plan}
"""


@pytest.fixture(scope="module")
def report_statements(platform):
    """The number of statements of each report, for days of 1, 40 and 400; how open trades are found."""
    return count_statements(platform, "settlement", NETTING)


@pytest.mark.services("settlement")
@pytest.mark.parametrize("report", ["net", "nets", "statement", "assets", "proof"])
def test_reports_take_the_same_statements_for_more_trades(report_statements, report):
    """Netting a batch, listing and proving cost the same for one trade and for hundreds."""
    assert len({each[report] for each in report_statements["counts"]}) == 1


@pytest.mark.services("settlement")
def test_a_batch_is_netted_in_a_handful_of_statements(report_statements):
    """Reading, adding up and marking are one statement each, whatever the number of trades."""
    assert report_statements["counts"][-1]["net"] <= 16


@pytest.mark.services("settlement")
def test_trades_to_net_are_found_through_their_index(report_statements):
    """Netted trades, however many, are not looked at to find what is left to net."""
    assert "settlement_trade_to_net" in report_statements["plan"]
