"""What the platform's fee account takes, against the fees of every trade added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.errors import LabError
from lab.market import Trader, expect
from lab.style import BAD, GOOD, SOFT, table
from lab.trading.desk import Desk, Print, new_trader
from lab.trading.panels import panels, plural

#: Half a basis point of the traded value, from each side: `settlement.fee_basis_points`.
RATE = Decimal("0.00005")
PRICE = "73.19"
#: In shares; a few hundred to a few thousand dollars each, as private customers trade.
SIZES = (4, 12, 34, 1, 15, 23, 34)
BATCHES = 4
LAST_DAY = "2099-12-31"


@dataclass(frozen=True, kw_only=True)
class Fees:
    """Fees of one account over its trades: `charged[i]` dollars were taken after `trades[i]` trades.

    `exact[i]` is the sum of the fees of those trades, unrounded.
    """

    account_id: str
    trades: tuple[int, ...]
    charged: tuple[Decimal, ...]
    exact: tuple[Decimal, ...]

    @property
    def drift(self) -> tuple[Decimal, ...]:
        """Dollars by which the fee account is ahead of the exact sum, after each charge."""
        return tuple(charged - exact for charged, exact in zip(self.charged, self.exact, strict=True))

    @property
    def allowance(self) -> tuple[Decimal, ...]:
        """How far it may be off: each charge is in whole cents, so half a cent at most for each."""
        return tuple(Decimal("0.005") * count for count in range(1, len(self.trades) + 1))

    @property
    def right(self) -> bool:
        return all(abs(drift) <= most for drift, most in zip(self.drift, self.allowance, strict=True))

    def __str__(self) -> str:
        return (
            f"{plural(self.trades[-1], 'trade')}: ${self.charged[-1]:,.2f} charged, "
            f"${self.exact[-1]:,.4f} exactly, drift ${self.drift[-1]:+,.4f}"
        )


def fees(incident: Incident, *, batches: int = BATCHES, sizes: Sequence[int] = SIZES) -> Fees:
    """A new account buys a little, `batches` × `sizes` times; after each batch its fees are charged."""
    desk = Desk(incident)
    desk.buyer = new_trader(incident)
    shares = {"symbol": desk.symbol, "quantity": str(batches * sum(sizes)), "reference": desk.symbol}
    path = f"/v1/balances/{desk.seller.account_id}/shares"
    expect(incident.market.operator.post(path, json=shares), 201)
    desk.sell(batches * sum(sizes), PRICE, time_in_force="gtc")
    counts, charged, exact = [], [], []
    for batch in range(1, batches + 1):
        for size in sizes:
            desk.buy(size, PRICE, time_in_force="ioc")
        wanted = batch * len(sizes)
        tape = desk.tape(lambda trades, wanted=wanted: len(trades) >= wanted)  # type: ignore[misc]
        counts.append(len(tape))
        charged.append(_charge(incident, desk.buyer))
        exact.append(sum((_fee(trade) for trade in tape), Decimal(0)))
    return Fees(
        account_id=desk.buyer.account_id,
        trades=tuple(counts),
        charged=tuple(accumulate(charged)),
        exact=tuple(exact),
    )


def _fee(trade: Print) -> Decimal:
    return trade.price * trade.quantity * RATE


def _charge(incident: Incident, trader: Trader) -> Decimal:
    """Settles the account's trades and charges their fees; the dollars that were taken."""
    body = {"as_of": LAST_DAY, "account_id": trader.account_id}
    operator = incident.market.operator
    report: dict[str, Any] = {"remaining": 1}
    while report["remaining"]:
        report = expect(operator.post("/v1/settlements/run", json=body), 200)
        if report["failed"]:
            raise LabError(f"{report['failed']} trades could not be settled: see incident.logs('settlement')")
    charges = expect(operator.post("/v1/settlements/fees/charge", json=body), 200)["items"]
    return sum((Decimal(each["amount"]) for each in charges), Decimal(0))


def accruals(incident: Incident, run: Fees) -> HTML:
    """The first trades of the account, with the fee that settlement keeps for each."""
    found = incident.platform.sql(
        "orders_db",
        "SELECT t.cash, a.amount FROM settlement_fee_accrual a JOIN settlement_trade t USING (trade_id)"
        " WHERE a.account_id = %s ORDER BY t.sequence LIMIT %s",
        (run.account_id, len(SIZES)),
    )
    rows = [
        (f"${row['cash']:,.2f}", f"{row['amount'].normalize():f}", f"{row['cash'] * RATE:.7f}")
        for row in found
    ]
    return table(("traded value", "fee kept, dollars", "half a basis point of it"), rows)


def chart(*runs: Fees, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """Dollars by which the fee account is off, over the number of trades."""
    with panels(runs, titles, width=6.2, height=4.6) as (figure, each):
        for axes, run, lead in each:
            _panel(axes, run)
            last = run.drift[-1]
            word = "short of" if last < 0 else "above"
            said = (
                "fee account exact to the cent"
                if run.right
                else f"fee account ${abs(last):.2f} {word} the exact sum"
            )
            axes.set_title(f"{lead}{said}", fontsize=12.5)
        each[0][0].set_ylabel("fee account − exact sum of fees,\ndollars")
        return figure


def _panel(axes: Axes, run: Fees) -> None:
    counts = [0, *run.trades]
    band = [0.0, *(float(each) for each in run.allowance)]
    drift = [0.0, *(float(each) for each in run.drift)]
    axes.fill_between(
        counts, [-each for each in band], band, color=GOOD, alpha=0.15, label="rounding of whole charges"
    )
    axes.axhline(0, color=SOFT, linewidth=1.2)
    axes.plot(counts, drift, marker="o", color=GOOD if run.right else BAD, label="drift after each charge")
    axes.annotate(
        f"{'−' if drift[-1] < 0 else '+'}${abs(drift[-1]):.3f}",
        (counts[-1], drift[-1]),
        (-2, 10 if drift[-1] >= 0 else -18),
        textcoords="offset points",
        ha="right",
        fontweight="bold",
    )
    axes.set_xlabel("trades of the account")
    axes.margins(y=0.2)
