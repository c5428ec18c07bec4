"""One customer, two accounts, one symbol: held in the first, owed in the second, margined together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import Trader, expect
from lab.style import ACCENT, BAD, GOOD, SOFT, dollars, table
from lab.trading.desk import Desk, new_trader
from lab.trading.panels import panels

PRICE = 100
#: Shares held in the first account, and steps in which the second one sells the same symbol short.
HELD, STEP = 1_000, 200
#: Dollars deposited on each of the two accounts.
COLLATERAL = 13_000
#: `risk.margin.liquidation`: the part of the net exposure that the equity must not fall to.
LIQUIDATION = Decimal("0.15")


@dataclass(frozen=True, kw_only=True)
class Level:
    """What risk says about the pair when `owed` shares are owed; amounts in dollars."""

    owed: int
    equity: Decimal
    exposure: Decimal
    liquidation: Decimal
    status: str

    @property
    def netted(self) -> Decimal:
        """The liquidation level by the rules: a part of what the price can still move."""
        return abs(HELD - self.owed) * PRICE * LIQUIDATION

    @property
    def right(self) -> bool:
        return self.liquidation == self.netted


@dataclass(frozen=True, kw_only=True)
class Hedge:
    """A position that is hedged step by step, and the margin that risk asks for at each."""

    account_ids: tuple[str, str]
    levels: tuple[Level, ...]

    @property
    def right(self) -> bool:
        return all(level.right for level in self.levels)

    @property
    def last(self) -> Level:
        """Everything hedged."""
        return self.levels[-1]

    def __str__(self) -> str:
        last = self.last
        return (
            f"{HELD} shares held, {last.owed} owed: liquidation at {dollars(float(last.liquidation))} "
            f"({dollars(float(last.netted))} by the rules), equity {dollars(float(last.equity))}, "
            f"status {last.status}"
        )


def hedge(incident: Incident) -> Hedge:
    """A new customer buys 1,000 shares, then sells as many short in his other account, 200 at a time."""
    desk = Desk(incident)
    first = new_trader(incident)
    opened = expect(first.client.post("/v1/accounts", json={"name": "hedge", "currency": "USD"}), 201)
    second = replace(first, account_id=str(opened["account_id"]))
    for account in (first, second):
        _deposit(incident, account)
    desk.sell(HELD, PRICE)
    desk.send(first, "buy", HELD, PRICE)
    levels = [_level(desk, first, second, 0)]
    for owed in range(STEP, HELD + STEP, STEP):
        desk.buy(STEP, PRICE)
        desk.send(second, "sell", STEP, PRICE)
        levels.append(_level(desk, first, second, owed))
    return Hedge(account_ids=(first.account_id, second.account_id), levels=tuple(levels))


def _deposit(incident: Incident, account: Trader) -> None:
    # The first word about an account tells risk whose it is.
    expect(account.client.get(f"/v1/risk/limits/{account.account_id}"), 200)
    body = {"collateral": str(COLLATERAL), "cross": True}
    expect(incident.market.operator.put(f"/v1/risk/margin/{account.account_id}", json=body), 200)


def _level(desk: Desk, first: Trader, second: Trader, owed: int) -> Level:
    held = {first.account_id: Decimal(HELD), second.account_id: Decimal(-owed)}
    query = "SELECT account_id, quantity FROM risk_position WHERE symbol = %s AND account_id = ANY(%s)"

    def positions() -> dict[str, Decimal]:
        rows = desk.incident.platform.sql("orders_db", query, (desk.symbol, list(held)))
        return {account_id: Decimal(0) for account_id in held} | {
            row["account_id"]: row["quantity"] for row in rows
        }

    desk.wait(positions, lambda found: found == held)
    margin: dict[str, Any] = expect(first.client.get(f"/v1/risk/margin/{first.account_id}"), 200)
    amounts = {name: Decimal(margin[name]) for name in ("equity", "exposure", "liquidation")}
    return Level(owed=owed, status=margin["status"], **amounts)


def rows(run: Hedge) -> HTML:
    """The steps of the hedge as risk tells them."""
    return table(
        (
            "held, shares",
            "owed, shares",
            "exposure, dollars",
            "liquidation at",
            "by the rules",
            "equity",
            "status",
        ),
        [
            (HELD, each.owed, each.exposure, each.liquidation, each.netted, each.equity, each.status)
            for each in run.levels
        ],
    )


def chart(*runs: Hedge, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """The liquidation level as reported and as netted, over the part that is hedged, with the equity."""
    with panels(runs, titles, width=6.4, height=4.8) as (figure, each):
        for axes, run, lead in each:
            _panel(axes, run)
            last = run.last
            said = (
                "the hedge brings the level down"
                if run.right
                else f"hedged to the share, yet {last.status} at {dollars(float(last.liquidation))}"
            )
            axes.set_title(f"{lead}{said}", fontsize=12.5)
        each[0][0].set_ylabel("equity of both accounts,\nthousands of dollars")
        return figure


def _panel(axes: Axes, run: Hedge) -> None:
    owed = [each.owed for each in run.levels]
    netted = [float(each.netted) / 1e3 for each in run.levels]
    said = [float(each.liquidation) / 1e3 for each in run.levels]
    equity = [float(each.equity) / 1e3 for each in run.levels]
    colour = GOOD if run.right else BAD
    axes.plot(owed, equity, color=ACCENT, label="equity")
    axes.plot(owed, netted, color=SOFT, linestyle="--", linewidth=1.6, label="liquidation level by the rules")
    axes.plot(owed, said, color=colour, marker="o", label="liquidation level as reported")
    over = [level >= have for level, have in zip(said, equity, strict=True)]
    axes.fill_between(owed, equity, said, where=over, color=BAD, alpha=0.2, interpolate=True, linewidth=0)
    axes.annotate(
        f"${said[-1]:,.1f} k",
        (owed[-1], said[-1]),
        (5, 5),
        textcoords="offset points",
        ha="left",
        fontweight="bold",
        color=colour,
    )
    axes.set_xlabel(f"shares owed in the second account, {HELD:,} held in the first")
    axes.set_ylim(0, 36)
    axes.set_xlim(-60, HELD * 1.16)
