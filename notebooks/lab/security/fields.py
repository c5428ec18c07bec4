"""A user writes every field that he has ever seen into his own profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from IPython.display import HTML

from lab.case import Incident
from lab.riskdesk.common import answered, market_of
from lab.style import coloured, table

#: What a user may write about himself, and what only others may say about him.
OWN = {"display_name": "Mallory", "country": "GB", "webhook_url": "https://example.com/hook"}
OF_OTHERS = {"verified": True, "standing": "administrator", "user_id": "somebody-else"}
_OK, _FORBIDDEN, _REFUSED = 200, 403, 422


@dataclass(frozen=True, kw_only=True)
class Written:
    """A field that was sent: what stood there before, what was sent, and what stands there now."""

    name: str
    before: Any
    sent: Any
    now: Any

    @property
    def set(self) -> bool:
        return bool(self.now == self.sent != self.before)

    @property
    def right(self) -> bool:
        return self.set == (self.name in OWN)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A profile that its user has written to, and how many profiles of others he reads since."""

    fields: tuple[Written, ...]
    reads: int

    @property
    def taken(self) -> list[str]:
        """Fields that were not his to write, and that he has written."""
        return [each.name for each in self.fields if each.set and each.name not in OWN]

    @property
    def kept(self) -> list[str]:
        """Fields that were his to write, and that he could not."""
        return [each.name for each in self.fields if not each.set and each.name in OWN]

    def __str__(self) -> str:
        said = (
            f"{', '.join(self.taken)} set by the user himself" if self.taken else "a user writes what is his"
        )
        return f"{said}; he reads {self.reads} profiles of others"


def write(incident: Incident) -> Profile:
    """Each field in a request of its own; a refusal is as good as a field that is left out."""
    market = market_of(incident)
    for _ in range(3):
        neighbour, *_ = market.new_user()
        answered(neighbour.put("/v1/users/me", json={"display_name": "Ada"}), _OK)
    client, _, _, user_id = market.new_user()
    before = answered(client.put("/v1/users/me", json={"display_name": "M."}), _OK)
    for name, value in (OWN | OF_OTHERS).items():
        answered(client.patch("/v1/users/me", json={name: value}), _OK, _REFUSED)
    now = answered(client.get("/v1/users/me"), _OK)
    seen = answered(client.get("/v1/users"), _OK, _FORBIDDEN)
    others = [each for each in seen.get("items", ()) if each["user_id"] != user_id]
    return Profile(fields=_compared(before, now), reads=len(others))


def _compared(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Written, ...]:
    return tuple(
        Written(name=name, before=before[name], sent=value, now=now[name])
        for name, value in (OWN | OF_OTHERS).items()
    )


def compared(before: Profile, after: Profile | None = None) -> HTML:
    """A row for each field: what was sent, and whether it could be set; two runs side by side."""
    runs = [before] if after is None else [before, after]
    rows = [
        (
            each.name,
            "himself" if each.name in OWN else "others only",
            str(each.sent),
            *(_told(run.fields[number]) for run in runs),
        )
        for number, each in enumerate(before.fields)
    ]
    heads = ["his profile says now"] if after is None else ["before", "after"]
    return table(("field", "is written by", "he sends", *heads), rows, caption=str(runs[-1]))


def _told(field: Written) -> HTML:
    now = str(field.now)
    return coloured(now if len(now) < 30 else f"{now[:8]} …", good=field.right)
