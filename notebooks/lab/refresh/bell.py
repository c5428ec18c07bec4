"""An opening bell in seconds: a quiet moment, everybody at once, and everybody's next refresh."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

from lab.case import Incident
from lab.errors import LabError
from lab.market import ApiClient, HeldRow
from lab.refresh.clients import Client, log_in, new_user
from lab.refresh.record import Session, Storm, digest
from lab.trading.desk import check_running

#: Sessions on the app: those whose devices refresh in the same instant, and one after the other.
TOGETHER, APART, BROWSERS = 4, 4, 4
#: Seconds before the bell at which the first wakes up, and after it at which the last refreshes again.
QUIET, NEXT = 3.0, 3.0
#: Seconds between the last answer at the bell and the first refresh after it, at least.
PAUSE = 0.6
_TOKENS = "nexus_auth_refreshtoken"
_HOLD = "SELECT 1 FROM nexus_auth_refreshtoken WHERE token_hash = ANY(%s) FOR UPDATE"
_FAMILY = (
    "SELECT family_id, revoked_at FROM nexus_auth_refreshtoken"
    " JOIN nexus_auth_refreshfamily USING (family_id) WHERE token_hash = %s"
)
_HELD_SECONDS = 2.0


def bell(
    incident: Incident, *, together: int = TOGETHER, apart: int = APART, browsers: int = BROWSERS
) -> Storm:
    """Logs users in and lets their clients refresh before, at and after an opening bell.

    An app is logged in once, and its session is on a phone and a tablet. Browsers have one tab each. At the
    bell some devices of a session refresh in the same instant: a backup holds the rows of their tokens until
    all of them are on their way. The others follow each other. The next refresh would be due five minutes
    later; here it is three seconds.
    """
    check_running(incident)
    with closing(ApiClient(incident.market.gateway)) as http:
        numbers = range(1, together + apart + browsers + 1)
        kinds = [_kind(number, together, apart) for number in numbers]
        clients = [
            _session(incident, http, number, names) for number, (names, _) in zip(numbers, kinds, strict=True)
        ]
        firsts = [digest(each[0].token) for each in clients]
        started_at = _day(incident, clients[:together], clients[together:])
    visits = [visit for each in clients for client in each for visit in client.visits]
    sessions = [
        _described(incident, number, names, at_once, first)
        for number, (names, at_once), first in zip(numbers, kinds, firsts, strict=True)
    ]
    return Storm(
        sessions=tuple(sessions),
        visits=tuple(sorted(visits, key=lambda visit: visit.answered)),
        attempts=_attempts(incident),
        started_at=started_at,
    )


def _kind(number: int, together: int, apart: int) -> tuple[tuple[str, ...], bool]:
    app = number <= together + apart
    return (("phone", "tablet") if app else ("browser",)), number <= together


def _session(incident: Incident, http: ApiClient, number: int, names: Sequence[str]) -> list[Client]:
    user = new_user(incident, http)
    token = log_in(http, user, device="app" if "phone" in names else "")["refresh_token"]
    return [Client(name=name, session=number, http=http, token=token) for name in names]


def _day(incident: Incident, together: Sequence[list[Client]], others: Sequence[list[Client]]) -> float:
    """Three rounds of refreshes; returns the Unix seconds of the bell."""
    everybody = [*together, *others]
    rings_at = time.time() + QUIET
    with ThreadPoolExecutor(sum(map(len, everybody))) as pool:
        _early(pool, everybody, rings_at)
        _rest(rings_at)
        rings_at = time.time()
        at_once = [client for each in together for client in each]
        with _backup(incident, at_once) as row:
            running = [pool.submit(client.visit, 1, rings_at) for client in at_once]
            running += [pool.submit(_one_after_the_other, each, rings_at) for each in others]
            row.release_when_settled(len(at_once), timeout=_HELD_SECONDS)
        _finished(running)
        _late(pool, everybody, rings_at)
    return rings_at


def _early(pool: ThreadPoolExecutor, everybody: Sequence[list[Client]], rings_at: float) -> None:
    # Before the bell the tablets sleep: the phone refreshes, and hands its session on.
    running = [
        pool.submit(_at, rings_at - QUIET * (1 - number / len(everybody)), each[0], 0, rings_at)
        for number, each in enumerate(everybody)
    ]
    _finished(running)
    for each in everybody:
        for client in each[1:]:
            client.token = each[0].token


def _late(pool: ThreadPoolExecutor, everybody: Sequence[list[Client]], rings_at: float) -> None:
    clients = [client for each in everybody for client in each]
    # On a slow machine the bell takes longer; the rounds stay apart in the picture all the same.
    begins = max(rings_at + NEXT * 0.6, time.time() + PAUSE)
    step = NEXT * 0.4 / len(clients)
    running = [
        pool.submit(_at, begins + number * step, client, 2, rings_at) for number, client in enumerate(clients)
    ]
    _finished(running)


def _one_after_the_other(clients: Sequence[Client], rings_at: float) -> None:
    for client in clients:
        client.visit(1, rings_at)


def _at(moment: float, client: Client, wave: int, rings_at: float) -> None:
    _rest(moment)
    client.visit(wave, rings_at)


def _rest(until: float) -> None:
    # The spacing of the traffic itself.
    threading.Event().wait(max(0.0, until - time.time()))


def _finished(running: Sequence[Future[None]]) -> None:
    for each in running:
        each.result()


@contextmanager
def _backup(incident: Incident, clients: Sequence[Client]) -> Iterator[HeldRow]:
    """Holds the rows of these clients' refresh tokens."""
    held = sorted({digest(client.token) for client in clients})
    with incident.platform.connect("users_db") as connection:
        found = connection.execute(_HOLD, (held,)).fetchall()
        if len(found) != len(held):
            raise LabError("auth does not keep the tokens that it gave out: see incident.logs('auth')")
        row = HeldRow(incident.platform, connection, "users_db", _TOKENS)
        try:
            yield row
        finally:
            row.release()


def _described(
    incident: Incident, number: int, names: tuple[str, ...], together: bool, first: str
) -> Session:
    row = incident.platform.sql("users_db", _FAMILY, (first,))[0]
    return Session(
        number=number,
        clients=names,
        together=together,
        first=first,
        family_id=row["family_id"],
        revoked=row["revoked_at"] is not None,
    )


def _attempts(incident: Incident) -> dict[str, int]:
    """How many requests auth answered, by trace."""
    spans = incident.platform.traces()
    return Counter(
        span["trace_id"]
        for span in spans
        if span["service"] == "auth" and "http.route" in span.get("attributes", {})
    )
