"""One account on the way down, cent by cent, and what the platform says about its margin at each step."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import Trader
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import BAD, GOOD, LINE, coloured, dollars, table

#: What the account holds, in dollars, at a price that does not move.
HELD = Decimal(100_000)
#: The levels of the rule book, as parts of what is held.
CALL, LIQUIDATION = Decimal("0.25"), Decimal("0.15")
STATUSES = ("liquidation", "call", "ok")
_CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Rung:
    """An equity in dollars, the status that the platform gives it and the one of the rule book."""

    equity: Decimal
    status: str
    rule: str

    @property
    def exact(self) -> bool:
        """Whether the account stands exactly on a level."""
        return self.equity in {HELD * CALL, HELD * LIQUIDATION}

    @property
    def right(self) -> bool:
        return self.status == self.rule

    @property
    def label(self) -> str:
        """The equity as a part of what is held."""
        near = next(
            (level for level in (HELD * CALL, HELD * LIQUIDATION) if abs(self.equity - level) <= _CENT), None
        )
        if near is None:
            return f"{_percent(self.equity)}"
        offset = self.equity - near
        side = "exactly" if not offset else "1 cent above" if offset > 0 else "1 cent below"
        return f"{side}\n{_percent(near)}"


def _percent(equity: Decimal) -> str:
    return f"{(equity / HELD * 100).normalize():f} %"


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Every rung, from the top down."""

    rungs: tuple[Rung, ...]
    account_id: str

    @property
    def wrong(self) -> tuple[Rung, ...]:
        return tuple(rung for rung in self.rungs if not rung.right)

    @property
    def rule(self) -> dict[Decimal, str]:
        """What the rule book says about the accounts that stand exactly on a level, by equity."""
        return {rung.equity: rung.rule for rung in self.rungs if rung.exact}

    def __str__(self) -> str:
        return f"{len(self.wrong)} of {len(self.rungs)} statuses are not those of the rule book"


def _equities() -> list[Decimal]:
    call, liquidation = HELD * CALL, HELD * LIQUIDATION
    near = [level + offset * _CENT for level in (call, liquidation) for offset in (1, 0, -1)]
    return sorted(
        [*near, HELD * Decimal("0.30"), (call + liquidation) / 2, HELD * Decimal("0.10")], reverse=True
    )


def rule_of(equity: Decimal) -> str:
    """The rule book: a level counts as reached at exactly its amount."""
    if equity <= HELD * LIQUIDATION:
        return "liquidation"
    return "call" if equity <= HELD * CALL else "ok"


def ladder(incident: Incident) -> Ladder:
    """Gives an account that holds 100,000 dollars of shares less and less equity, and asks for its margin."""
    market = market_of(incident)
    symbol = market.new_symbol()
    holder, seller = (market.new_trader(cash="1000000", shares={symbol: "1000"}) for _ in range(2))
    for trader, side in ((seller, "sell"), (holder, "buy")):
        answered(trader.submit(symbol, side, 1000, str(HELD / 1000)), 201)
    query = "SELECT 1 FROM risk_position WHERE account_id = %s AND quantity = 1000"
    waited(
        lambda: incident.platform.sql("orders_db", query, (holder.account_id,)),
        "risk books the account's shares",
    )
    operator = market.operator
    rungs = []
    for equity in _equities():
        path = f"/v1/risk/margin/{holder.account_id}"
        answered(operator.put(path, json={"collateral": f"{equity:f}"}), 200)
        rungs.append(Rung(equity=equity, status=_status(holder), rule=rule_of(equity)))
    return Ladder(rungs=tuple(rungs), account_id=holder.account_id)


def _status(holder: Trader) -> str:
    margin = answered(holder.client.get(f"/v1/risk/margin/{holder.account_id}"), 200)
    return str(margin["status"])


def chart(*ladders: Ladder) -> Figure:
    """The status at each equity, against the bands of the rule book; two runs side by side."""
    return panels(_draw, ladders, height=4.8, good=lambda each: not each.wrong)


def _draw(axes: Axes, each: Ladder) -> str:
    places = list(range(len(each.rungs)))
    for place, rung in zip(places, each.rungs, strict=True):
        level = STATUSES.index(rung.rule)
        label = "what the rule book says" if not place else None
        axes.barh(level, 1, left=place - 0.5, height=0.5, color=LINE, zorder=1, label=label)
    for right, marker, colour, label in (
        (True, "o", GOOD, "as the rule book"),
        (False, "X", BAD, "not as the rule book"),
    ):
        found = [(place, rung) for place, rung in zip(places, each.rungs, strict=True) if rung.right is right]
        axes.scatter(
            [place for place, _ in found],
            [STATUSES.index(rung.status) for _, rung in found],
            marker=marker,
            s=90 if right else 150,
            color=colour,
            zorder=4,
            label=f"status {label}",
        )
    for place, rung in zip(places, each.rungs, strict=True):
        if rung.exact:
            _level(axes, place, rung)
    axes.set_yticks(range(len(STATUSES)), STATUSES)
    axes.set_ylim(-0.6, len(STATUSES) - 0.1)
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.set_xticks(
        places,
        [rung.label for rung in each.rungs],
        rotation=45,
        ha="right",
        rotation_mode="anchor",
        fontsize=9,
    )
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("equity, as a part of the 100,000 dollars that are held")
    axes.set_ylabel("status of the account")
    if not each.wrong:
        return "every status is that of the rule book"
    return f"{len(each.wrong)} of {len(each.rungs)} statuses are not those of the rule book"


def _level(axes: Axes, place: int, rung: Rung) -> None:
    name = "call" if rung.equity == HELD * CALL else "liquidation"
    label = "exactly on a level" if name == "call" else None
    axes.axvline(place, color=BAD, linestyle="--", linewidth=1.5, zorder=2, label=label)


def compared(each: Ladder) -> HTML:
    """The equity, the status and the rule of every rung."""
    rows = [
        (
            dollars(float(rung.equity)) if rung.equity == int(rung.equity) else f"${rung.equity:,.2f}",
            _percent(rung.equity),
            rung.status,
            rung.rule,
            coloured("right" if rung.right else "wrong", good=rung.right),
        )
        for rung in each.rungs
    ]
    return table(("equity", "of what is held", "the platform says", "the rule book says", ""), rows)
