"""HTTP: netting, statements and reconciliation, all under /v1/settlements."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router

from services.settlement import balances, obligations, reconciliation, schemas, schemas_reports, statements
from services.settlement.accounts import accounts_visible_to
from services.settlement.dependencies import dependencies
from services.settlement.schemas import AccountId, Day
from services.settlement.schemas_reports import LineKey

router = Router(tags=["reports"])

Limit = Annotated[int, Query(ge=1, le=200)]
RowKey = Annotated[int, Query(ge=0, lt=2**63)]


@router.post("/settlements/netting", response=schemas_reports.NettingOut)
def netting(request: HttpRequest, body: schemas_reports.NettingIn) -> schemas_reports.NettingOut:
    """Takes the trades of a trading day into its net obligations; those that are in already stay."""
    request.identity.require_role("operator")
    report = obligations.day_net(trade_date=body.trade_date, batch_size=dependencies().batch_size)
    return schemas_reports.netting_out(report)


@router.get("/settlements/nets", response=schemas_reports.NetsOut)
def nets(
    request: HttpRequest,
    account_id: AccountId | None = None,
    trade_date: Day | None = None,
    after: RowKey = 0,
    limit: Limit = 50,
) -> schemas_reports.NetsOut:
    """Net obligations of one account; an operator may leave the account out and gets those of his tenant."""
    among = None
    if account_id is None:
        request.identity.require_role("operator")
        among = accounts_visible_to(request.identity)
    else:
        dependencies().accounts.require_any(request.identity, [account_id])
    page = obligations.nets_list(
        account_id=account_id, trade_date=trade_date, after=after, limit=limit, among=among
    )
    return schemas_reports.NetsOut(
        items=[schemas_reports.net_out(each) for each in page],
        next=str(page[-1].pk) if len(page) == limit else None,
    )


@router.get("/settlements/statements/{account_id}", response=schemas_reports.StatementOut)
def statement(
    request: HttpRequest, account_id: AccountId, day: Day, after: LineKey = "", limit: Limit = 50
) -> schemas_reports.StatementOut:
    """An account's day: opening, movements, fees and closing of each asset, and the entries behind them."""
    dependencies().accounts.require_any(request.identity, [account_id])
    found = statements.statement_read(account_id=account_id, day=day, after=after, limit=limit)
    return schemas_reports.statement_out(found, limit)


@router.get("/settlements/reconciliation", response=schemas.ReconciliationOut)
def reconcile(request: HttpRequest) -> schemas.ReconciliationOut:
    """Proves that no cash and no shares were made or lost."""
    request.identity.require_role("operator")
    return schemas.reconciliation_out(balances.cash_reconcile(), balances.shares_reconcile())


@router.get("/settlements/reconciliation/assets", response=schemas_reports.AssetsOut)
def reconcile_assets(
    request: HttpRequest,
    asset: schemas.Symbol | None = None,
    after: Annotated[str, Query(max_length=16)] = "",
    limit: Limit = 50,
) -> schemas_reports.AssetsOut:
    """The same proof, asset by asset."""
    request.identity.require_role("operator")
    proofs = reconciliation.assets_reconcile(asset=asset, after=after, limit=limit)
    return schemas_reports.AssetsOut(
        items=[schemas_reports.asset_out(each) for each in proofs],
        next=proofs[-1].asset if len(proofs) == limit else None,
    )


@router.get("/settlements/reconciliation/nets", response=schemas_reports.NetsProofOut)
def reconcile_nets(request: HttpRequest, trade_date: Day | None = None) -> schemas_reports.NetsProofOut:
    """Proves that the net obligations are the sum of their trades, and zero over all accounts."""
    request.identity.require_role("operator")
    return schemas_reports.nets_proof_out(reconciliation.nets_reconcile(trade_date=trade_date))
