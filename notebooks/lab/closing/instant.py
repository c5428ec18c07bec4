"""Orders at exact instants: the market clock stands still while each of them is submitted.

A clock that runs shows 16:00:00.000000 for a microsecond, too short to send an order in. So the code of the
orders service is run here, in a process with the service's environment and database, under a still clock.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

SECONDS = 60.0


class StillClock:
    """Always shows the same moment."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def monotonic(self) -> float:
        return self._moment.timestamp()


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of one order at once."""

    order_id: str
    status: str
    reason: str


def submit_at(
    tree: Path, environment: dict[str, str], token: str, order: dict[str, Any], moments: Sequence[datetime]
) -> list[Told]:
    """Submits `order` for the caller of the access `token` at each of the moments, with the code of `tree`.

    `environment` is that of the running orders service. RuntimeError with the last line of what it said when
    the process fails.
    """
    ask = {"caller": _claims(token), "order": order, "moments": [moment.isoformat() for moment in moments]}
    own = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-P", __file__, json.dumps(ask)],
        env={**os.environ, **environment, **own},
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no word"]
        raise RuntimeError(said[-1])
    return [Told(**each) for each in json.loads(done.stdout.splitlines()[-1])]


def _claims(token: str) -> dict[str, Any]:
    """Who the caller is, as his access token says."""
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return {
        "subject": claims["sub"],
        "roles": claims.get("roles", ()),
        "permissions": claims.get("permissions", ()),
        "tenant": claims.get("tenant", ""),
    }


def _main() -> None:
    os.environ.pop("NEXUS_TRACE_FILE", None)
    from shared.django.run import prepare

    prepare("orders")
    from shared.django.databases import connection_scope

    ask = json.loads(sys.argv[1])
    with connection_scope():
        told = [
            _submit(ask["order"], ask["caller"], datetime.fromisoformat(moment)) for moment in ask["moments"]
        ]
    print(json.dumps([asdict(each) for each in told]))


def _submit(order: dict[str, Any], caller: dict[str, Any], moment: datetime) -> Told:
    from services.orders.dependencies import dependencies
    from services.orders.services import OrderRequest, order_submit
    from shared.clock import use_clock
    from shared.security import Identity

    amounts = {"quantity": Decimal(order["quantity"]), "price": Decimal(order["price"])}
    who = Identity(
        subject=caller["subject"],
        roles=tuple(caller["roles"]),
        permissions=tuple(caller["permissions"]),
        tenant=caller["tenant"],
    )
    with use_clock(StillClock(moment)):
        submitted = order_submit(
            request=OrderRequest(**{**order, **amounts}),
            idempotency_key=uuid.uuid4().hex,
            identity=who,
            risk=dependencies().risk,
            directory=dependencies().accounts,
            policy=dependencies().credit_check,
        )
    return Told(order_id=submitted.order_id, status=str(submitted.status), reason=str(submitted.reason or ""))


if __name__ == "__main__":
    _main()
