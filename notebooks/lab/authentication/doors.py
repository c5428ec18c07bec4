"""A stranger inside of the network asks risk, which only orders may ask, to set a fund's limit aside."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import jwt

from lab.case import Incident
from lab.market import Trader, ask
from lab.riskdesk.common import market_of

_PATH = "/internal/v1/reservations"
_PRICE, _SHARES = "100.00", 1000
WORTH = Decimal(_PRICE) * _SHARES
CREATED, INVITED = 201, "token of orders"


@dataclass(frozen=True, kw_only=True)
class Knock:
    """One reservation that was sent straight to risk, with what in the header `Authorization`.

    `invited` when the caller is the one service that may do this; `used` is how many dollars of the fund's
    limit it cost.
    """

    shown: str
    invited: bool
    status: int
    used: Decimal

    @property
    def right(self) -> bool:
        return (self.status == CREATED) == self.invited == bool(self.used)


@dataclass(frozen=True, kw_only=True)
class Knocks:
    """All of them, the one of the right service last."""

    knocks: tuple[Knock, ...]

    @property
    def let_in(self) -> list[str]:
        """What was shown by strangers that were let in."""
        return [knock.shown for knock in self.knocks if not knock.invited and not knock.right]

    def __str__(self) -> str:
        strangers = sum(not knock.invited for knock in self.knocks)
        return f"{len(self.let_in)} of {strangers} strangers let in"


def knock(incident: Incident) -> Knocks:
    """Sends one and the same reservation under each header, every time for a new fund."""
    market = market_of(incident)
    return Knocks(
        knocks=tuple(
            _knock(incident, market.new_trader(cash="0"), shown, header, invited=shown == INVITED)
            for shown, header in _headers(incident)
        )
    )


def _headers(incident: Incident) -> Iterator[tuple[str, str | None]]:
    secret = incident.platform.environment("risk")["SERVICE_TOKEN_SECRET"]
    yield "no header", None
    yield "an empty header", ""
    yield "“Bearer” alone", "Bearer"
    yield "“Bearer null”", "Bearer null"
    yield "token with a wrong secret", _token("orders", "risk", "x" * 40)
    yield "token made out to users", _token("orders", "users", secret)
    yield "token of settlement", _token("settlement", "risk", secret)
    yield INVITED, _token("orders", "risk", secret)


def _token(issuer: str, audience: str, secret: str) -> str:
    """A header with which `issuer` calls `audience` on its own behalf, as services do."""
    now = int(time.time())
    caller = {"sub": f"service:{issuer}", "roles": ["service"], "permissions": [], "tenant": ""}
    claims = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 30, **caller}
    return f"Bearer {jwt.encode(claims, secret, algorithm='HS256')}"


def _knock(incident: Incident, fund: Trader, shown: str, header: str | None, *, invited: bool) -> Knock:
    order = {
        "order_id": str(uuid.uuid4()),
        "account_id": fund.account_id,
        "symbol": "AAPL",
        "side": "buy",
        "quantity": str(_SHARES),
        "price": _PRICE,
    }
    headers = {} if header is None else {"Authorization": header}
    answer = ask(incident.platform, "risk", _PATH, "POST", json=order, headers=headers)
    used = Decimal(fund.limit()["used"])
    return Knock(shown=shown, invited=invited, status=answer.status_code, used=used)
