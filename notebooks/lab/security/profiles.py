"""Five people ask for the account of one of them and for its profile, and try to change them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import ApiClient
from lab.riskdesk.common import answered, market_of, panels
from lab.security.grid import Field, grid
from lab.style import coloured, table

OWNER, SAME, ELSEWHERE, OPERATOR = "Ada, the owner", "another client", "client of\nanother firm", "operator"
CALLERS = (OWNER, SAME, ELSEWHERE, OPERATOR)
READ, PROFILE, CONTACT, RENAME = "read the account", "read its profile", "change its contact", "rename it"
ACTIONS = (READ, PROFILE, CONTACT, RENAME)
#: An operator reads all, and what he may change is no matter of this picture.
MAY = {(OWNER, action) for action in ACTIONS} | {(OPERATOR, READ), (OPERATOR, PROFILE)}
CONTACT_GIVEN, CONTACT_SENT = "ada@example.com", "mallory@example.net"
_OK, _DENIED = 200, (403, 404)


@dataclass(frozen=True, kw_only=True)
class Access:
    """One request of one caller about Ada's account, and the contact that stood in it afterwards."""

    caller: str
    action: str
    status: int
    contact: str

    @property
    def right(self) -> bool:
        return (self.status == _OK) == ((self.caller, self.action) in MAY)


@dataclass(frozen=True, kw_only=True)
class Accesses:
    """Who got what."""

    requests: tuple[Access, ...]

    @property
    def wrong(self) -> list[str]:
        return [f"{each.caller}: {each.action}" for each in self.requests if not each.right]

    def __str__(self) -> str:
        if not self.wrong:
            return "an account is its owner's business"
        return f"{len(self.wrong)} requests of a stranger are answered"


def ask_all(incident: Incident) -> Accesses:
    """Everybody asks for everything; before each request the profile is as Ada gave it."""
    market = market_of(incident)
    owner, *_ = market.new_user()
    same, *_ = market.new_user()
    account = answered(owner.post("/v1/accounts", json={"name": "main"}), 201)["account_id"]
    with _elsewhere(incident) as elsewhere:
        callers = {OWNER: owner, SAME: same, ELSEWHERE: elsewhere, OPERATOR: market.operator}
        requests = [
            _asked(owner, client, account, caller, action)
            for caller, client in callers.items()
            for action in ACTIONS
            if (caller, action) in MAY or caller != OPERATOR
        ]
    return Accesses(requests=tuple(requests))


@contextmanager
def _elsewhere(incident: Incident) -> Iterator[ApiClient]:
    """A client of another firm: he is moved there, and logs in afterwards."""
    market = market_of(incident)
    _, username, password, user_id = market.new_user()
    statement = "UPDATE nexus_auth_user SET tenant = 'wholesale' WHERE user_id = %s"
    incident.platform.sql("users_db", statement, (user_id,))
    client = ApiClient(market.gateway)
    tokens = answered(client.post("/v1/auth/login", json={"username": username, "password": password}), _OK)
    client.close()
    client = ApiClient(market.gateway, tokens["access_token"])
    yield client
    client.close()


def _asked(owner: ApiClient, client: ApiClient, account: str, caller: str, action: str) -> Access:
    path = f"/v1/accounts/{account}"
    profile = f"{path}/profile"
    answered(owner.patch(profile, json={"contact_name": "Ada", "contact_email": CONTACT_GIVEN}), _OK)
    given = CONTACT_GIVEN if caller == OWNER else CONTACT_SENT
    answer = {
        READ: lambda: client.get(path),
        PROFILE: lambda: client.get(profile),
        CONTACT: lambda: client.patch(profile, json={"contact_email": given}),
        RENAME: lambda: client.patch(path, json={"name": "main"}),
    }[action]()
    answered(answer, _OK, *_DENIED)
    contact = answered(owner.get(profile), _OK)["contact_email"]
    return Access(caller=caller, action=action, status=answer.status_code, contact=contact)


def chart(*runs: Accesses) -> Figure:
    """A row for each request, a column for each caller."""
    return panels(_draw, runs, good=lambda run: not run.wrong, height=3.6)


def _draw(axes: Axes, run: Accesses) -> str:
    fields = {
        (each.action, each.caller): Field(
            text=str(each.status), right=each.right, quiet=each.right and each.status != _OK
        )
        for each in run.requests
    }
    grid(axes, ACTIONS, CALLERS, fields)
    axes.set_xlabel("who asks")
    axes.set_ylabel("what is asked of Ada's account")
    return str(run)


def contacts(run: Accesses) -> HTML:
    """Where Ada's statements go after each attempt to have them sent elsewhere."""
    rows = [
        (
            each.caller.replace("\n", " "),
            each.status,
            coloured(each.contact, good=each.contact == CONTACT_GIVEN),
        )
        for each in run.requests
        if each.action == CONTACT
    ]
    return table(("changes the contact", "answer", "Ada's statements go to"), rows)
