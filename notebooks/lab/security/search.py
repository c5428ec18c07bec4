"""A client searches the history of his orders for texts of all kinds, among orders of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import Trader
from lab.riskdesk.common import answered, market_of, panels
from lab.security.grid import Field, grid
from lab.style import coloured, table

ASKER, OTHERS = "Ada (asks)", ("Bob", "Cleo", "Dan")
OWNERS = (ASKER, *OTHERS)
ORDERS = 3
#: The text of the support ticket.
TICKET = "zzz') OR ('1' LIKE '1"
_ACCEPTED, _OK = 201, 200


@dataclass(frozen=True, kw_only=True)
class Search:
    """One search: its text, how it was answered, and how many orders of whom it lists."""

    text: str
    status: int
    listed: Mapping[str, int]
    wanted: int

    @property
    def foreign(self) -> int:
        return sum(self.listed.get(owner, 0) for owner in OTHERS)

    @property
    def right(self) -> bool:
        return self.status == _OK and not self.foreign and self.listed.get(ASKER, 0) == self.wanted


@dataclass(frozen=True, kw_only=True)
class Searches:
    """What the searches of one client list."""

    searches: tuple[Search, ...]

    @property
    def wrong(self) -> list[str]:
        """Texts that fail, or that list too much or too little."""
        return [each.text for each in self.searches if not each.right]

    def __str__(self) -> str:
        foreign = max(each.foreign for each in self.searches)
        if foreign:
            return f"a search lists {foreign} orders of other clients"
        failed = sum(each.status != _OK for each in self.searches)
        return f"{failed} searches fail" if failed else "every search lists the asker's own, no more"


def search(incident: Incident) -> Searches:
    """Four clients place three orders each; the first of them searches his history."""
    market = market_of(incident)
    symbol = market.new_symbol()
    traders = {owner: market.new_trader() for owner in OWNERS}
    for trader in traders.values():
        for _ in range(ORDERS):
            answered(trader.submit(symbol, "buy", "1", "1.00"), _ACCEPTED)
    texts = {
        symbol: ORDERS,
        symbol[2:6].lower(): ORDERS,
        "no such text": 0,
        "O'Neil": 0,
        "100%": 0,
        TICKET: 0,
    }
    owners = {trader.account_id: owner for owner, trader in traders.items()}
    return Searches(
        searches=tuple(_search(traders[ASKER], text, owners, wanted) for text, wanted in texts.items())
    )


def _search(asker: Trader, text: str, owners: Mapping[str, str], wanted: int) -> Search:
    answer = asker.client.get("/v1/orders", params={"search": text, "limit": 100})
    items = answer.json()["items"] if answer.status_code == _OK else []
    # Orders of somebody whom an earlier run has made are another client's, too.
    listed = Counter(owners.get(item["account_id"], OTHERS[-1]) for item in items)
    return Search(text=text, status=answer.status_code, listed=listed, wanted=wanted)


def chart(*runs: Searches) -> Figure:
    """A row for each search, a column for each owner of orders: how many of his are listed."""
    return panels(_draw, runs, good=lambda run: not run.wrong, height=3.9)


def _draw(axes: Axes, run: Searches) -> str:
    fields = {}
    for each in run.searches:
        for owner in OWNERS:
            count, failed = each.listed.get(owner, 0), each.status != _OK
            right = count == (each.wanted if owner == ASKER else 0) and not (failed and owner == ASKER)
            text = f"error {each.status}" if failed and owner == ASKER else str(count)
            fields[each.text, owner] = Field(text=text, right=right, quiet=right and not count)
    grid(axes, [each.text for each in run.searches], OWNERS, fields)
    axes.set_xlabel("orders listed, by their owner")
    axes.set_ylabel("text that Ada searches for")
    return str(run)


def answers(run: Searches) -> HTML:
    """A row for each search, with its answer."""
    rows = [
        (
            each.text,
            each.status,
            each.listed.get(ASKER, 0),
            each.foreign,
            coloured("right" if each.right else "WRONG", good=each.right),
        )
        for each in run.searches
    ]
    return table(("search for", "answer", "her own orders", "orders of others", ""), rows)
