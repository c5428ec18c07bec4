"""A webhook is led inside, by its URL and by the answer of its receiver; all of it is on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.errors import LabError
from lab.market import Trader
from lab.riskdesk.common import answered, market_of, panels
from lab.security.grid import Field, grid
from lab.security.helpers import Answer, Received, Receiver, path_of, set_webhook, try_webhook
from lab.style import coloured, table

REGISTERED, FETCHED, REPEATED = "as its URL", "redirect, 303", "redirect, 307"
WAYS = (REGISTERED, FETCHED, REPEATED)
_OK, _REFUSED = 200, 422
_SAID = "told inside only"


@dataclass(frozen=True, kw_only=True)
class Try:
    """One way to one inside address; `status` is what was answered there, None when nobody was asked."""

    kind: str
    way: str
    status: int | None
    shown: str

    @property
    def reached(self) -> bool:
        return self.status is not None


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Which inside addresses a webhook reaches."""

    tries: tuple[Try, ...]

    @property
    def inside(self) -> list[str]:
        return [f"{each.kind}, {each.way}" for each in self.tries if each.reached]

    def __str__(self) -> str:
        if not self.inside:
            return "no way leads inside"
        return f"{len(self.inside)} of {len(self.tries)} ways lead inside"


def reach(incident: Incident) -> Reached:
    """Tries every way to every inside address; LabError when an ordinary webhook is not delivered."""
    trader = market_of(incident).new_trader(cash="0")
    with Receiver(inside=True, answer=Answer(body=_SAID.encode())) as inside:
        targets = _targets(incident, inside)
        kinds = list(targets)

        def led(received: Received) -> Answer:
            _, status, number = received.path.strip("/").split("/")
            return Answer(int(status), {"Location": targets[kinds[int(number)]]})

        with Receiver() as honest, Receiver(answer=led) as leading:
            set_webhook(trader, honest.url())
            if try_webhook(trader)["outcome"] != "delivered":
                raise LabError("a webhook with an honest receiver is not delivered: look at its deliveries")
            tries = []
            for number, kind in enumerate(kinds):
                tries.append(_registered(trader, kind, targets[kind]))
                for way in (FETCHED, REPEATED):
                    status = way[-3:]
                    tries.append(_led(trader, kind, way, leading.url(f"/to/{status}/{number}")))
            answered(trader.client.delete(path_of(trader)), 204)
    return Reached(tries=tuple(tries))


def _targets(incident: Incident, inside: Receiver) -> dict[str, str]:
    port = inside.port
    consul = urlsplit(incident.platform.addresses.consul)
    return {
        "127.0.0.1": inside.url(),
        "localhost": f"http://localhost:{port}/",
        "2130706433": f"http://2130706433:{port}/",
        "0.0.0.0": f"http://0.0.0.0:{port}/",  # noqa: S104 - nobody listens there: it is called
        "Consul": f"http://{consul.hostname}:{consul.port}/v1/catalog/services",
    }


def _registered(trader: Trader, kind: str, url: str) -> Try:
    answer = trader.client.put(path_of(trader), json={"url": url})
    answered(answer, _OK, _REFUSED)
    if answer.status_code == _REFUSED:
        return Try(kind=kind, way=REGISTERED, status=None, shown="")
    attempt = try_webhook(trader)
    return Try(kind=kind, way=REGISTERED, status=attempt["status"], shown=attempt["detail"])


def _led(trader: Trader, kind: str, way: str, url: str) -> Try:
    """Who follows no redirect shows the receiver's own answer, and has not been led anywhere."""
    set_webhook(trader, url)
    attempt = try_webhook(trader)
    # A failed delivery has the status that it met at the beginning of its text.
    status = attempt["status"] or _status_in(attempt["detail"])
    return Try(
        kind=kind, way=way, status=None if status == int(way[-3:]) else status, shown=attempt["detail"]
    )


def _status_in(detail: str) -> int | None:
    first, colon, _ = detail.partition(":")
    return int(first) if colon and first.isdigit() else None


def chart(*runs: Reached) -> Figure:
    """A row for each inside address, a column for each way to it."""
    return panels(_draw, runs, good=lambda run: not run.inside, height=3.7)


def _draw(axes: Axes, run: Reached) -> str:
    fields = {
        (each.kind, each.way): Field(
            text=f"reached: {each.status}" if each.reached else "refused",
            right=not each.reached,
            quiet=not each.reached,
        )
        for each in run.tries
    }
    grid(axes, list(dict.fromkeys(each.kind for each in run.tries)), WAYS, fields)
    axes.set_xlabel("how the webhook is led there")
    axes.set_ylabel("inside address")
    return str(run)


def shown(run: Reached) -> HTML:
    """What the list of deliveries shows of the answers from inside, or why there is none."""
    rows = [
        (each.kind, each.way, coloured("reached" if each.reached else "not reached", good=not each.reached),
         each.shown[:80])
        for each in run.tries
        if each.way != REGISTERED
    ]  # fmt: skip
    return table(("inside address", "way", "", "shown to the client"), rows, caption="Deliveries")
