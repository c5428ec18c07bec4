"""A price history with one ever worse day, and what an account with a limit of its value at risk may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.errors import LabError
from lab.market import ApiClient, Trader
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import ACCENT, BAD, GOOD, INK, coloured, dollars, table

#: What the account may have at risk, the shares that it owes, their price, and the days reckoned.
LIMIT, SHARES, PRICE, HORIZON = Decimal(50_000), 1000, Decimal(100), 10
#: How many times the price goes up on the worst day of the history, from run to run.
SHOCKS = ("1.01", "1.03", "1.1", "10", "1e3", "1e6", "1e9", "1e11", "1e13", "1e15")
_DAYS = 40
_LARGEST = Decimal("1e17")


@dataclass(frozen=True, kw_only=True)
class Shock:
    """A worst day: the value at risk in dollars, as told (None: no number) and as it is; an order's fate."""

    factor: Decimal
    value_at_risk: Decimal | None
    true: Decimal
    told: str
    accepted: bool

    @property
    def fits(self) -> bool:
        return self.true <= LIMIT

    @property
    def right(self) -> bool:
        return self.accepted == self.fits

    @property
    def label(self) -> str:
        """The factor in few characters, such as × 10⁴."""
        if self.factor < 10:
            return f"× {self.factor}"
        return rf"× $10^{{{self.factor.adjusted()}}}$" if self.factor > 10 else "× 10"


@dataclass(frozen=True, kw_only=True)
class Shocks:
    """Every worst day, from the mildest on."""

    shocks: tuple[Shock, ...]
    account_id: str

    @property
    def wrong(self) -> tuple[Shock, ...]:
        return tuple(shock for shock in self.shocks if not shock.right)

    def __str__(self) -> str:
        return f"{len(self.wrong)} of {len(self.shocks)} orders were decided against the limit"


def run(incident: Incident) -> Shocks:
    """An account that owes 1,000 shares sends one order after each new history of their price."""
    market = market_of(incident)
    symbol = market.new_symbol()
    account, other = (market.new_trader(cash="1000000", shares={symbol: "5000"}) for _ in range(2))
    for trader, side in ((other, "buy"), (account, "sell")):
        answered(trader.submit(symbol, side, SHARES, str(PRICE)), 201)
    query = "SELECT 1 FROM risk_position WHERE account_id = %s AND quantity = %s"
    waited(
        lambda: incident.platform.sql("orders_db", query, (account.account_id, -SHARES)),
        "risk books the account's shares",
    )
    operator = market.operator
    answered(operator.put(f"/v1/risk/var/{account.account_id}", json={"limit": str(LIMIT)}), 200, 204)
    shocks = tuple(_shock(operator, account, symbol, Decimal(text)) for text in SHOCKS)
    return Shocks(shocks=shocks, account_id=account.account_id)


def _shock(operator: ApiClient, account: Trader, symbol: str, factor: Decimal) -> Shock:
    closes = [{"day": day.isoformat(), "price": f"{price:f}"} for day, price in history(factor)]
    answered(operator.put(f"/v1/risk/closes/{symbol}", json={"closes": closes}), 200)
    answer = account.client.get(f"/v1/risk/var/{account.account_id}")
    told = str(answer.json().get("value_at_risk")) if answer.status_code == 200 else str(answer.status_code)
    order = account.submit(symbol, "sell", 1, str(PRICE))
    return Shock(
        factor=factor,
        value_at_risk=_number(told) if answer.status_code == 200 else None,
        true=_true(factor),
        told=told,
        accepted=_accepted(order),
    )


def _accepted(order: Any) -> bool:
    if order.status_code == 202:
        raise LabError(
            "an order is left pending: risk did not answer it. See incident.logs('risk', level='error')"
        )
    answered(order, 201, 409, 422)
    return bool(order.status_code == 201)


def history(factor: Decimal) -> list[tuple[date, Decimal]]:
    """Quiet days up to today, and one on which the price is `factor` times that of the day before."""
    today = datetime.now(UTC).date()
    prices = [PRICE * (1 + Decimal(number % 2) / 200) for number in range(_DAYS)]
    high = min(PRICE * factor, _LARGEST)
    prices[_DAYS // 2 : _DAYS // 2 + 2] = [high / factor, high]
    return [(today - timedelta(days=_DAYS - number), price) for number, price in enumerate(prices)]


def _true(factor: Decimal) -> Decimal:
    with localcontext(prec=60):
        return SHARES * PRICE * (factor**HORIZON - 1)


def _number(text: str) -> Decimal | None:
    number = Decimal(text)
    return number if number.is_finite() else None


def chart(*runs: Shocks) -> Figure:
    """The value at risk over the worst day, its limit, and the order's fate; two runs side by side."""
    return panels(_draw, runs, height=5.0, good=lambda each: not each.wrong)


def _draw(axes: Axes, each: Shocks) -> str:
    places = list(range(len(each.shocks)))
    axes.plot(
        places, [_scale(shock.true) for shock in each.shocks], color=INK, label="value at risk, as it is"
    )
    told = [
        (place, shock.value_at_risk)
        for place, shock in enumerate(each.shocks)
        if shock.value_at_risk is not None
    ]
    axes.plot(
        [place for place, _ in told],
        [_scale(value) for _, value in told],
        color=ACCENT,
        linestyle="--",
        label="as the platform tells it",
    )
    blank = [place for place, shock in enumerate(each.shocks) if shock.value_at_risk is None]
    for place in blank:
        label = "no number is told" if place == blank[0] else None
        axes.axvspan(place - 0.5, place + 0.5, color=BAD, alpha=0.14, linewidth=0, label=label)
    _fates(axes, each)
    axes.axhline(0, color=BAD, linestyle="--", linewidth=1.6, label=f"limit {dollars(float(LIMIT))}")
    axes.set_yscale("symlog", linthresh=1, linscale=0.8)
    axes.set_yticks([-1, 0, 1, 10, 100], ["0.1", "1", "10", r"$10^{10}$", r"$10^{100}$"])
    axes.set_ylim(-1.6, 300)
    axes.minorticks_off()
    axes.set_xticks(places, [shock.label for shock in each.shocks], fontsize=9.5)
    axes.set_xlim(-0.5, len(places) - 0.5)
    axes.set_xlabel("price on the worst day, against the day before")
    axes.set_ylabel("value at risk, as a multiple of the limit")
    if not each.wrong:
        return "the limit holds for every order"
    return f"{len(each.wrong)} orders accepted beyond the limit"


def _fates(axes: Axes, each: Shocks) -> None:
    fates = (
        (True, True, "^", GOOD, 60, "order accepted, it fits"),
        (False, False, "x", INK, 60, "order refused, it does not fit"),
        (True, False, "^", BAD, 110, "order accepted beyond the limit"),
        (False, True, "x", BAD, 110, "order refused although it fits"),
    )
    for accepted, fits, marker, colour, size, label in fates:
        found = [
            (place, _scale(shock.true))
            for place, shock in enumerate(each.shocks)
            if (shock.accepted, shock.fits) == (accepted, fits)
        ]
        if found:
            x, y = [place for place, _ in found], [height for _, height in found]
            axes.scatter(x, y, marker=marker, color=colour, s=size, label=label, zorder=4)


def _scale(value: Decimal) -> float:
    """The power of ten of a value as a multiple of the limit: what is drawn fits no float."""
    return float((value / LIMIT).log10()) if value > 0 else -1.2


def answers(each: Shocks) -> HTML:
    """What was told and decided for every worst day."""
    rows = [
        (
            f"× {shock.factor}",
            _short(shock.true),
            shock.told if shock.value_at_risk is None else _short(shock.value_at_risk),
            "accepted" if shock.accepted else "refused",
            coloured("right" if shock.right else "wrong", good=shock.right),
        )
        for shock in each.shocks
    ]
    return table(("worst day", "value at risk", "as told", "one more order", ""), rows)


def _short(value: Decimal) -> str:
    return f"${value:,.2f}" if value < 10**9 else f"${value:.2E}"
