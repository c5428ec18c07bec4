"""The HTTP interface of the risk desk: margin, profit and loss, value at risk."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query, Router

from services.risk.access import account_owner, visible_limit
from services.risk.dependencies import dependencies
from services.risk.desk_schemas import (
    CloseOut,
    Closes,
    ClosesIn,
    Confidence,
    Horizon,
    MarginCallOut,
    MarginCalls,
    MarginIn,
    MarginOut,
    ProfitOut,
    VarLimitIn,
    VarOut,
)
from services.risk.margins import calls_list, margin_get, margin_set
from services.risk.profits import profit_get
from services.risk.value_at_risk import closes_import, closes_list, var_get, var_limit_set
from shared.errors import ValidationFailed

router = Router(tags=["risk desk"])

Symbol = Annotated[str, Path(min_length=1, max_length=16)]


@router.get("/v1/risk/margin/{account_id}", response=MarginOut)
def margin(request: HttpRequest, account_id: str) -> MarginOut:
    """Whether the account's equity covers what it holds."""
    visible_limit(request, account_id)
    return MarginOut.of(account_id, margin_get(account_id=account_id, policy=dependencies().policy))


@router.put("/v1/risk/margin/{account_id}", response=MarginOut)
def put_margin(request: HttpRequest, account_id: str, body: MarginIn) -> MarginOut:
    """Sets an account's collateral and how it is margined (operator)."""
    request.identity.require_role("operator")
    visible_limit(request, account_id)
    found = margin_set(
        account_id=account_id,
        collateral=body.collateral,
        owner_id=account_owner(request, account_id) if body.cross else None,
        policy=dependencies().policy,
    )
    return MarginOut.of(account_id, found)


@router.get("/v1/risk/margin/{account_id}/calls", response=MarginCalls)
def margin_calls(request: HttpRequest, account_id: str) -> MarginCalls:
    """The account's latest margin calls."""
    visible_limit(request, account_id)
    return MarginCalls(items=[MarginCallOut.of(each) for each in calls_list(account_id=account_id)])


@router.get("/v1/risk/pnl/{account_id}", response=ProfitOut)
def profit(request: HttpRequest, account_id: str) -> ProfitOut:
    """An account's live profit and loss."""
    visible_limit(request, account_id)
    found = profit_get(account_id=account_id, cache=dependencies().profits)
    return ProfitOut.of(account_id, found)


@router.get("/v1/risk/var/{account_id}", response=VarOut)
def value_at_risk(
    request: HttpRequest,
    account_id: str,
    confidence: Annotated[Confidence | None, Query()] = None,
    horizon: Annotated[Horizon | None, Query()] = None,
) -> VarOut:
    """What an account may lose, by historical simulation."""
    limit = visible_limit(request, account_id)
    policy = dependencies().policy
    terms = {"confidence": confidence or policy.var_confidence, "horizon": horizon or policy.var_horizon}
    risk = var_get(account_id=account_id, **terms, policy=policy)
    return VarOut.of(account_id, risk, **terms, limit=limit.max_var)


@router.put("/v1/risk/var/{account_id}", response={204: None})
def put_var_limit(request: HttpRequest, account_id: str, body: VarLimitIn) -> tuple[int, None]:
    """Bounds an account's value at risk, checked at each order from now on (operator)."""
    request.identity.require_role("operator")
    visible_limit(request, account_id)
    var_limit_set(account_id=account_id, max_var=body.limit)
    return 204, None


@router.get("/v1/risk/closes/{symbol}", response=Closes)
def closes(
    request: HttpRequest,  # noqa: ARG001 - ninja passes it
    symbol: Symbol,
    limit: Annotated[int, Query(ge=1, le=1000)] = 250,
) -> Closes:
    """The latest closes of a symbol."""
    rows = closes_list(symbol=symbol, limit=limit)
    return Closes(symbol=symbol, closes=[CloseOut.of(each) for each in rows])


@router.put("/v1/risk/closes/{symbol}", response=Closes)
def put_closes(request: HttpRequest, symbol: Symbol, body: ClosesIn) -> Closes:
    """Imports official closes, over those that are there (operator)."""
    request.identity.require_role("operator")
    days = {each.day: each.price for each in body.closes}
    if len(days) < len(body.closes):
        raise ValidationFailed("one close per day", field="closes")
    count = closes_import(symbol=symbol, closes=sorted(days.items()))
    return Closes(
        symbol=symbol, closes=[CloseOut.of(each) for each in closes_list(symbol=symbol, limit=count)]
    )
