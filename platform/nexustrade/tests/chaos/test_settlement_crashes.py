"""Settlement dies in the middle of its work; the books do not notice."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import httpx
import pytest
from support.client import expect
from support.direct import OperatorClient, publish, trade_envelope
from support.settlement import cash_of, net_day, nets_of, saga_steps, shares_of
from support.wait import until

pytestmark = pytest.mark.services("settlement")

SYMBOL = "ZCRASH"
AS_OF = "2099-12-31"


@pytest.fixture(scope="module")
def crashing(own_platform):
    """A platform of settlement, which may be killed, and of users, which knows none of its accounts."""
    return own_platform(services=["settlement", "users"])


@pytest.fixture
def operator(crashing):
    client = OperatorClient(crashing, "settlement")
    yield client
    client.close()


def fund(operator, account, *, cash=None, currency="USD", shares=None):
    if cash:
        body = {"amount": cash, "currency": currency, "reference": "start"}
        expect(operator.post(f"/v1/balances/{account}/cash", json=body), 201)
    if shares:
        body = {"symbol": SYMBOL, "quantity": shares, "reference": "start"}
        expect(operator.post(f"/v1/balances/{account}/shares", json=body), 201)


def taken_in(platform, operator, buyer, seller):
    """A trade of ten shares at ten dollars that settlement knows."""
    envelope = trade_envelope(SYMBOL, buyer, seller, quantity=10)
    publish(platform, [envelope])
    trade_id = envelope.payload.trade_id
    path = f"/v1/settlements/{trade_id}"
    until(lambda: operator.get(path).status_code == 200, message="the trade is taken in")
    return trade_id


def crash_before_log(platform, operator, trade_id, buyer, step, mark):
    """Kills settlement after a step's effect has committed, before the saga log tells of it."""
    with platform.connect("orders_db") as held:
        # The log takes each line once: an uncommitted twin makes the writer wait exactly there.
        held.execute(
            "INSERT INTO settlement_saga_step (saga_id, step, mark, reason, recorded_at) "
            "VALUES (%s, %s, %s, '', now())",
            (f"{trade_id}#1", step, mark),
        )
        with ThreadPoolExecutor(1) as pool:
            body = {"as_of": AS_OF, "account_id": buyer}
            request = pool.submit(operator.post, "/v1/settlements/run", json=body)
            until(
                lambda: platform.sql(
                    "orders_db",
                    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                    "AND query LIKE '%%settlement_saga_step%%'",
                ),
                message="settlement waits to write its log",
            )
            platform.kill("settlement")
            with pytest.raises(httpx.HTTPError):
                request.result()
        held.rollback()


def revived(platform, trade_id):
    """Starts settlement again; the status that the trade comes to."""
    platform.start_service("settlement")
    client = OperatorClient(platform, "settlement")
    try:
        return until(
            lambda: (
                (status := expect(client.get(f"/v1/settlements/{trade_id}"), 200)["status"])
                in ("settled", "failed")
                and status
            ),
            message="recovery ends the saga",
        )
    finally:
        client.close()


def assert_books_balance(operator):
    books = expect(operator.get("/v1/settlements/reconciliation"), 200)
    assert Decimal(books["difference"]) == Decimal(books["shares_difference"]) == 0
    assert Decimal(books["clearing_total"]) == Decimal(books["shares_clearing_total"]) == 0
    assert books["mismatched_accounts"] == 0


@pytest.mark.parametrize("step", ["cash_debit", "shares_debit", "shares_credit", "cash_credit"])
def test_a_settlement_killed_after_any_step_is_completed(crashing, operator, step):
    """After the restart the trade settles, and no step has taken effect twice."""
    buyer, seller = uuid.uuid4().hex, uuid.uuid4().hex
    fund(operator, buyer, cash="500")
    fund(operator, seller, shares="25")
    trade_id = taken_in(crashing, operator, buyer, seller)
    crash_before_log(crashing, operator, trade_id, buyer, step, "done")
    assert revived(crashing, trade_id) == "settled"
    assert (cash_of(operator, buyer), cash_of(operator, seller)) == (400, 100)
    assert shares_of(operator, buyer) == {SYMBOL: 10}
    assert shares_of(operator, seller) == {SYMBOL: 15}
    assert_books_balance(operator)


@pytest.mark.parametrize(
    ("step", "mark"),
    [
        ("cash_credit", "refused"),
        ("shares_credit", "undone"),
        ("shares_debit", "undone"),
        ("cash_debit", "undone"),
    ],
)
def test_a_settlement_killed_while_it_compensates_restores_everything(crashing, operator, step, mark):
    """After the restart the compensation goes on, in reverse order, to its end."""
    buyer, seller = uuid.uuid4().hex, uuid.uuid4().hex
    fund(operator, buyer, cash="500")
    fund(operator, seller, cash="1", currency="EUR", shares="25")
    trade_id = taken_in(crashing, operator, buyer, seller)
    crash_before_log(crashing, operator, trade_id, buyer, step, mark)
    assert revived(crashing, trade_id) == "failed"
    assert cash_of(operator, buyer) == 500
    assert shares_of(operator, buyer) == {}
    assert shares_of(operator, seller) == {SYMBOL: 25}
    undone = [name for name, how in saga_steps(crashing, trade_id) if how == "undone"]
    assert undone == ["shares_credit", "shares_debit", "cash_debit"]
    assert_books_balance(operator)


def test_trades_published_while_settlement_is_down_are_taken_in_once(crashing, operator):
    """After the restart every trade is there, a redelivered one too, exactly once."""
    buyer, seller = uuid.uuid4().hex, uuid.uuid4().hex
    taken_in(crashing, operator, buyer, seller)
    crashing.kill("settlement")
    envelopes = [trade_envelope(SYMBOL, buyer, seller) for _ in range(20)]
    publish(crashing, [*envelopes, *envelopes[:5]])
    crashing.start_service("settlement")
    known = "SELECT trade_id FROM settlement_trade WHERE buy_account_id = %s"
    until(lambda: len(crashing.sql("orders_db", known, (buyer,))) >= 21, message="all trades are taken in")
    trade_ids = {row["trade_id"] for row in crashing.sql("orders_db", known, (buyer,))}
    assert {each.payload.trade_id for each in envelopes} < trade_ids
    assert len(trade_ids) == 21


def test_trades_of_a_deposed_leader_are_refused(crashing, operator):
    """Once a trade of a newer epoch was seen, older epochs trade no more."""
    buyer, seller, symbol = uuid.uuid4().hex, uuid.uuid4().hex, "ZFENCE"
    trades = [trade_envelope(symbol, buyer, seller, epoch=epoch) for epoch in (3, 4, 3, 4)]
    publish(crashing, trades)
    last = trades[-1].payload.trade_id
    until(lambda: operator.get(f"/v1/settlements/{last}").status_code == 200, message="the last is taken in")
    statuses = [operator.get(f"/v1/settlements/{each.payload.trade_id}").status_code for each in trades]
    assert statuses == [200, 200, 404, 200]


def insert_trades(platform, account, counterparty, day, *, first, count):
    """Writes trades of one share at two dollars, numbered from `first`, as if they had been taken in."""
    with platform.connect("orders_db") as connection:
        connection.execute(
            "INSERT INTO settlement_trade (trade_id, symbol, price, quantity, currency, cash, buy_account_id,"
            " sell_account_id, buy_order_id, sell_order_id, epoch, sequence, executed_at, trade_date,"
            " settlement_date, status, attempt, reason)"
            " SELECT 'ZNET-' || %(day)s || '-' || lpad(n::text, 6, '0'), 'ZNET', 2, 1, 'USD', 2, %(buyer)s,"
            " %(seller)s, 'b', 's', 1, n, %(day)s::date + time '15:00', %(day)s::date, %(day)s::date + 1,"
            " 'failed', 1, ''"
            " FROM generate_series(%(first)s::int, %(last)s::int) AS n",
            {
                "day": day.isoformat(),
                "buyer": account,
                "seller": counterparty,
                "first": first,
                "last": first + count - 1,
            },
        )


def hold_net(connection, account, day):
    """Makes netting wait where it first writes the account's obligation; ends with the transaction."""
    connection.execute(
        "INSERT INTO settlement_net_obligation (account_id, symbol, currency, trade_date, settlement_date,"
        " bought, sold, paid, received, trades) VALUES (%s, 'ZNET', 'USD', %s, %s, 0, 0, 0, 0, 0)",
        (account, day, day.replace(day=day.day + 1)),
    )


def netting_waits(platform):
    return platform.sql(
        "orders_db",
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND query LIKE 'INSERT INTO settlement_net_obligation%%'",
    )


def to_net(platform, day):
    open_trades = "SELECT count(*) AS n FROM settlement_trade WHERE trade_date = %s AND netted_at IS NULL"
    return platform.sql("orders_db", open_trades, (day,))[0]["n"]


@pytest.mark.parametrize("batches", [0, 2], ids=["in the first batch", "after two batches"])
def test_netting_killed_half_way_goes_on_without_doubling(crashing, batches):
    """After the restart every trade of the day is in its obligation, and in it once."""
    day, last, other = date(2016, 3, 8 + batches), uuid.uuid4().hex, uuid.uuid4().hex
    early = uuid.uuid4().hex
    with crashing.connect("orders_db") as held:
        hold_net(held, last, day)
        # Netting goes by trade id, 500 at a time: the last account's trade is the one that it stops at.
        if batches:
            insert_trades(crashing, early, other, day, first=1, count=batches * 500)
        insert_trades(crashing, last, other, day, first=batches * 500 + 1, count=1)
        until(lambda: netting_waits(crashing), message="netting waits in its last batch")
        crashing.kill("settlement")
        held.rollback()
    crashing.start_service("settlement")
    until(lambda: to_net(crashing, day) == 0, message="netting goes on after the restart")
    client = OperatorClient(crashing, "settlement")
    assert net_day(client, day)["trades"] == 0
    assert [(each["shares"], each["trades"]) for each in nets_of(client, last)] == [("1", 1)]
    expected = [(str(batches * 500), batches * 500)] if batches else []
    assert [(each["shares"], each["trades"]) for each in nets_of(client, early)] == expected
    sold = batches * 500 + 1
    assert [(each["shares"], each["cash"]) for each in nets_of(client, other)] == [
        (str(-sold), f"{2 * sold}.00")
    ]
    params = {"trade_date": day.isoformat()}
    proof = expect(client.get("/v1/settlements/reconciliation/nets", params=params), 200)
    assert (proof["mismatched"], proof["shares"], proof["cash"]) == (0, "0", "0")
    client.close()


def test_a_day_netted_by_many_at_once_is_netted_once(crashing):
    """Eight requests for the same day at the same time leave every trade in its obligation once."""
    day, buyer, seller = date(2016, 5, 3), uuid.uuid4().hex, uuid.uuid4().hex
    client = OperatorClient(crashing, "settlement")
    insert_trades(crashing, buyer, seller, day, first=1, count=1200)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: net_day(client, day), range(8)))
    assert all(report["remaining"] == 0 for report in reports)
    assert [(each["shares"], each["trades"]) for each in nets_of(client, buyer)] == [("1200", 1200)]
    assert [(each["shares"], each["cash"]) for each in nets_of(client, seller)] == [("-1200", "2400.00")]
    client.close()
