"""Somebody tries one password under many names, once from where he is and once from where he says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import accumulate

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import ApiClient
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import ACCENT, BAD, GOOD, INK, SOFT, coloured, table

PLAIN, CLAIMED = "no header", "X-Forwarded-For, made up"
SENDERS = (PLAIN, CLAIMED)
EARLY, LATE = 10, 40
_WRONG, _LIMITED = 401, 429
_BUCKETS, _BUCKET = "gateway:rate:address:*", "gateway:rate:address:127.0.0.1"
#: How far into debt an address is put, in requests: it would take the gateway minutes to forgive.
_DEBT = -1_000_000


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A log-in with a wrong password: seconds since the address had used up its share, and the answer."""

    sender: str
    at: float
    status: int

    @property
    def through(self) -> bool:
        return self.status == _WRONG


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """All of them, in the order of time; `buckets` are the callers that the gateway believed in."""

    guesses: tuple[Guess, ...]
    buckets: int

    def late(self, sender: str) -> list[Guess]:
        return [guess for guess in self.guesses if guess.at > 0 and guess.sender == sender]

    def beyond(self, sender: str) -> int:
        """Guesses that were let through although the address had nothing left."""
        return sum(guess.through for guess in self.late(sender))

    @property
    def bypassed(self) -> bool:
        """A slow Redis may let single requests through; a way around lets nearly all."""
        return any(self.beyond(sender) > len(self.late(sender)) / 2 for sender in SENDERS)

    def __str__(self) -> str:
        if not self.bypassed:
            return "nothing gets past the limit"
        return f"{self.beyond(CLAIMED)} of {LATE} guesses past the limit"


def guess(incident: Incident) -> Guesses:
    """Ten guesses of each kind while there is room, then forty of each in turns when there is none.

    A machine that is shared cannot send the thousand a second that the limit allows, so the address is put
    into debt instead, as if it had.
    """
    market = market_of(incident)
    password, guesses, began = market.name("Pw-9"), list[tuple[str, float, int]](), time.monotonic()
    redis = incident.platform.redis()

    def guessed(http: ApiClient, sender: str, number: int) -> int:
        # Of the networks that are set aside for documentation.
        headers = {"X-Forwarded-For": f"203.0.113.{number}"} if sender == CLAIMED else {}
        body = {"username": market.name("u-"), "password": password}
        answer = http.post("/v1/auth/login", json=body, headers=headers)
        answered(answer, _WRONG, _LIMITED)
        guesses.append((sender, time.monotonic() - began, answer.status_code))
        return answer.status_code

    with closing(ApiClient(market.gateway)) as http:
        for number in range(EARLY * 2):
            guessed(http, SENDERS[number % 2], number)
        with _used_up(incident, http):
            used_up = time.monotonic() - began
            for number in range(LATE * 2):
                guessed(http, SENDERS[number % 2], 100 + number)
            buckets = len(list(redis.scan_iter(_BUCKETS, count=10_000)))
    return Guesses(
        guesses=tuple(Guess(sender=sender, at=at - used_up, status=status) for sender, at, status in guesses),
        buckets=buckets,
    )


@contextmanager
def _used_up(incident: Incident, http: ApiClient) -> Iterator[None]:
    """The address of this machine has nothing left for who is not logged in."""
    redis = incident.platform.redis()

    def limited() -> bool:
        redis.hset(_BUCKET, mapping={"tokens": _DEBT, "at": f"{time.time():.6f}"})
        return http.get("/v1/users/me").status_code == _LIMITED

    try:
        waited(limited, "an address that has used up its share is answered 429")
        yield
    finally:
        for bucket in redis.scan_iter(_BUCKETS, count=10_000):
            redis.delete(bucket)


def chart(*runs: Guesses) -> Figure:
    """Log-ins let through, over those that were sent, for each kind of sender."""
    return panels(_draw, runs, good=lambda run: not run.bypassed, height=3.9)


def _draw(axes: Axes, run: Guesses) -> str:
    colours = {CLAIMED: BAD if run.bypassed else GOOD, PLAIN: ACCENT}
    for sender, style in ((CLAIMED, "-"), (PLAIN, ":")):
        through = [0, *accumulate(each.through for each in run.guesses if each.sender == sender)]
        axes.plot(
            range(len(through)), through, color=colours[sender], linestyle=style, label=sender, zorder=3
        )
    axes.axhline(
        EARLY, color=INK, linestyle="--", linewidth=1.2, label="limit: nothing more from this address"
    )
    axes.axvline(EARLY, color=SOFT, linewidth=0.9)
    axes.text(EARLY + 0.7, 3, "from here on the address has used up its share", fontsize=9.5, color=SOFT)
    axes.set_xlim(0, EARLY + LATE)
    axes.set_ylim(0, EARLY + LATE + 3)
    axes.set_xlabel("log-ins sent, in the order of time")
    axes.set_ylabel("of them let through")
    return str(run)


def counted(run: Guesses) -> HTML:
    """What each sender got past the limit, and how many callers the gateway saw in one machine."""
    rows = [(sender, LATE, run.beyond(sender), _said(run, sender)) for sender in SENDERS]
    caption = f"Buckets of addresses in Redis: {run.buckets}, all of them for this one machine"
    return table(("log-ins with", "sent past the limit", "let through", ""), rows, caption=caption)


def _said(run: Guesses, sender: str) -> HTML:
    through = run.beyond(sender) > LATE / 2
    return coloured("let through" if through else "answered 429", good=not through)
