"""The signing key is changed while people work with access tokens that are good for minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import jwt

from lab.authentication.key_record import OK, Key, Request, Rotation, Worker
from lab.case import Incident
from lab.market import ApiClient
from lab.refresh.clients import log_in, new_user
from lab.riskdesk.common import answered, market_of, waited

SESSIONS = 6
#: Seconds of work before the change and after it, and from one request of a session to the next.
BEFORE, AFTER, STEP = 1.0, 4.5, 0.15
#: Seconds after the change at which the first session refreshes, and between it and each of the others.
FIRST, NEXT = 0.8, 0.55
_KEYS = """
    SELECT key_id, retires_at IS NULL AS newest,
           extract(epoch FROM signs_from - now())::float AS until_it_signs,
           extract(epoch FROM retires_at - now())::float AS until_it_retires
    FROM nexus_auth_storedkey ORDER BY until_it_signs
"""
_REFUSED = 401


def rotate(incident: Incident) -> Rotation:
    """Has the operator change the signing key while six sessions work; each refreshes once afterwards.

    In the end the change is taken back in the database, for whoever works on this platform next.
    """
    market = market_of(incident)
    with closing(ApiClient(market.gateway)) as http, ThreadPoolExecutor(SESSIONS) as pool:
        user = new_user(incident, http)
        logged_in = [log_in(http, user) for _ in range(SESSIONS)]
        workers = [Worker(number=number) for number in range(1, SESSIONS + 1)]
        changes_at = time.time() + BEFORE
        running = [
            pool.submit(_work, http, worker, tokens, changes_at)
            for worker, tokens in zip(workers, logged_in, strict=True)
        ]
        _rest(changes_at)
        with _change(incident):
            keys = _keys(incident, http, user)
            for each in running:
                each.result()
    return Rotation(workers=tuple(workers), keys=keys)


def _work(http: ApiClient, worker: Worker, tokens: dict[str, Any], changes_at: float) -> None:
    """Asks for the own profile again and again, and refreshes once when it is the session's turn."""
    turn = changes_at + FIRST + NEXT * (worker.number - 1)
    while (now := time.time()) < changes_at + AFTER:
        if now >= turn and not worker.refreshed:
            answer = http.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
            tokens = answered(answer, OK)
            worker.refreshed = time.time() - changes_at
        at = time.time()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = http.get("/v1/users/me", headers=bearer)
        answered(answer, OK, _REFUSED)
        worker.requests.append(Request(at=at - changes_at, status=answer.status_code))
        _rest(at + STEP)


def _rest(until: float) -> None:
    # The spacing of the traffic itself.
    threading.Event().wait(max(0.0, until - time.time()))


@contextmanager
def _change(incident: Incident) -> Iterator[None]:
    """A new signing key for a block."""
    operator = incident.market.operator
    before = {row["key_id"]: row["newest"] for row in incident.platform.sql("users_db", _KEYS)}
    answered(operator.post("/v1/auth/keys"), 201)
    try:
        yield
    finally:
        with incident.platform.connect("users_db") as connection:
            connection.execute("DELETE FROM nexus_auth_storedkey WHERE NOT key_id = ANY(%s)", (list(before),))
            newest = [key for key, is_newest in before.items() if is_newest]
            connection.execute(
                "UPDATE nexus_auth_storedkey SET retires_at = NULL WHERE key_id = ANY(%s)", (newest,)
            )
            connection.commit()
        waited(
            lambda: operator.get("/v1/users/me").status_code == OK,
            "the gateway knows the old key again",
        )


def _keys(incident: Incident, http: ApiClient, user: dict[str, str]) -> tuple[Key, ...]:
    """Every key right after the change: what is planned for it, and what auth does with it."""
    signs = jwt.get_unverified_header(log_in(http, user)["access_token"])["kid"]
    published = {key["kid"] for key in answered(http.get("/v1/auth/jwks"), OK)["keys"]}
    return tuple(
        Key(
            key_id=row["key_id"],
            published=row["key_id"] in published,
            signs=row["key_id"] == signs,
            signs_from=row["until_it_signs"],
            retires_at=row["until_it_retires"],
        )
        for row in incident.platform.sql("users_db", _KEYS)
    )
