"""What clients met around an opening bell: their sessions, refreshes and reads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lab.trading.panels import plural

#: Log-outs a second at which the pager rings.
ALARM = 1.0
OK, LOGGED_OUT, FORBIDDEN = 200, 401, 403


def digest(refresh_token: str) -> str:
    """The name under which auth keeps a refresh token."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A refresh, or a read of the own orders, as the client saw it.

    `at` and `answered` are seconds since the bell, `wave` tells which round of refreshes it belongs to: 0
    before the bell, 1 at the bell, 2 the next. Of a refresh, `sent` and `got` are tokens by digest; `got` is
    empty when it was refused.
    """

    session: int
    client: str
    wave: int
    what: str
    at: float
    answered: float
    status: int
    trace_id: str
    sent: str = ""
    got: str = ""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One log-in and the clients that share it; `together` when they refresh at the same instant."""

    number: int
    clients: tuple[str, ...]
    together: bool
    first: str
    family_id: str
    revoked: bool

    @property
    def on_app(self) -> bool:
        return "phone" in self.clients


@dataclass(frozen=True, kw_only=True)
class Storm:
    """The visits of all sessions in the order of their answers; `attempts` are auth's per refresh."""

    sessions: tuple[Session, ...]
    visits: tuple[Visit, ...]
    attempts: dict[str, int]
    started_at: float

    @property
    def refreshes(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.what == "refresh"]

    @property
    def logged_out(self) -> list[Visit]:
        """Refreshes that were refused: whoever sent one has to type his password again."""
        return [visit for visit in self.refreshes if visit.status == LOGGED_OUT]

    @property
    def forbidden(self) -> list[Visit]:
        """Reads of the own orders that were refused."""
        return [visit for visit in self.visits if visit.status == FORBIDDEN]

    @property
    def clients(self) -> int:
        return sum(len(session.clients) for session in self.sessions)

    @property
    def calls_at_auth(self) -> int:
        """Refreshes that auth answered; without repetition, as many as the clients sent."""
        return sum(self.attempts[visit.trace_id] for visit in self.refreshes)

    def session(self, *, together: bool) -> Session:
        """The first session on the app whose devices refresh together, or one after the other."""
        return next(each for each in self.sessions if each.on_app and each.together is together)

    def of(self, session: Session) -> list[Visit]:
        """The refreshes of a session."""
        return [visit for visit in self.refreshes if visit.session == session.number]

    def __str__(self) -> str:
        reads = len(self.visits) - len(self.refreshes)
        return (
            f"{len(self.logged_out)} of {plural(self.clients, 'client')} logged out; "
            f"{len(self.forbidden)} of {plural(reads, 'read')} answered 403; "
            f"{len(self.refreshes)} refreshes sent, {self.calls_at_auth} answered by auth"
        )
