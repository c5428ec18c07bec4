"""HTTP: /v1/settlements and /v1/balances."""

from __future__ import annotations

from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from services.settlement import balances, charges, schemas, services, transfers
from services.settlement.accounts import accounts_visible_to
from services.settlement.dependencies import dependencies
from services.settlement.models import Trade
from services.settlement.schemas import AccountId, Currency
from shared.errors import NotFound, ValidationFailed
from shared.money import Money, Quantity

router = Router(tags=["settlement"])

Limit = Annotated[int, Query(ge=1, le=200)]
TradeId = Annotated[str, Field(max_length=128)]


@router.get("/settlements", response=schemas.TradesOut)
def settlements(
    request: HttpRequest, account_id: AccountId | None = None, after: str = "", limit: Limit = 50
) -> schemas.TradesOut:
    """Trades of one account; an operator may leave the account out and gets those of his tenant."""
    rows = Trade.objects.filter(trade_id__gt=after)
    if account_id is None:
        request.identity.require_role("operator")
        mine = accounts_visible_to(request.identity)
        rows = rows.filter(Q(buy_account_id__in=mine) | Q(sell_account_id__in=mine))
    else:
        dependencies().accounts.require_any(request.identity, [account_id])
        rows = rows.filter(Q(buy_account_id=account_id) | Q(sell_account_id=account_id))
    page = list(rows.order_by("trade_id")[:limit])
    following = page[-1].trade_id if len(page) == limit else None
    return schemas.TradesOut(items=[schemas.trade_out(trade) for trade in page], next=following)


@router.post("/settlements/run", response=schemas.RunOut)
def run(request: HttpRequest, body: schemas.RunIn) -> schemas.RunOut:
    """Settles what is due."""
    _check_operator(request, body.account_id)
    report = services.settlement_run(as_of=body.as_of, account_id=body.account_id, fees=dependencies().fees)
    return schemas.run_out(report)


@router.get("/settlements/fees", response=schemas.FeesOut)
def fees(request: HttpRequest, account_id: AccountId, currency: Currency = "USD") -> schemas.FeesOut:
    """Fees that accrued and are not charged yet, exactly."""
    dependencies().accounts.require_any(request.identity, [account_id])
    accrued = charges.fees_accrued(account_id=account_id, currency=currency)
    return schemas.fees_out(account_id, accrued)


@router.post("/settlements/fees/charge", response=schemas.FeeChargesOut)
def fees_charge(request: HttpRequest, body: schemas.RunIn) -> schemas.FeeChargesOut:
    """Charges the fees of trades up to a day; tells the charges on accounts of the operator's tenant."""
    _check_operator(request, body.account_id)
    charged = charges.fees_charge(as_of=body.as_of, account_id=body.account_id)
    if body.account_id is None:
        mine = set(accounts_visible_to(request.identity).filter(pk__in=[each.account_id for each in charged]))
        charged = [each for each in charged if each.account_id in mine]
    return schemas.FeeChargesOut(items=[schemas.charge_out(each) for each in charged])


@router.get("/settlements/{trade_id}", response=schemas.TradeOut)
def settlement(request: HttpRequest, trade_id: TradeId) -> schemas.TradeOut:
    """One trade, for its buyer, its seller and operators of their tenants."""
    return schemas.trade_out(_visible_trade(request, trade_id))


@router.post("/settlements/{trade_id}/retry", response=schemas.TradeOut)
def retry(request: HttpRequest, trade_id: TradeId) -> schemas.TradeOut:
    """Puts a failed trade back in line."""
    request.identity.require_role("operator")
    _visible_trade(request, trade_id)
    return schemas.trade_out(services.settlement_retry(trade_id=trade_id))


@router.post("/balances/transfers", response={201: None})
def transfer(request: HttpRequest, body: schemas.TransferIn) -> tuple[int, None]:
    """Moves cash and shares between accounts, together or not at all."""
    _check_operator(request, body.from_account, body.to_account)
    transfers.holding_transfer(
        source=body.from_account,
        target=body.to_account,
        cash=_positive_cash(body.cash, body.currency, "cash"),
        symbol=body.symbol,
        quantity=_positive_quantity(body.quantity),
        reference=body.reference,
    )
    return 201, None


@router.get("/balances/{account_id}", response=schemas.BalancesOut)
def balance(request: HttpRequest, account_id: AccountId) -> schemas.BalancesOut:
    """Cash and holdings, settled trades only."""
    dependencies().accounts.require_any(request.identity, [account_id])
    return _balances(account_id)


@router.post("/balances/{account_id}/cash", response={200: schemas.BalancesOut, 201: schemas.BalancesOut})
def cash_deposit(
    request: HttpRequest, account_id: AccountId, body: schemas.CashDepositIn
) -> tuple[int, schemas.BalancesOut]:
    """Credits cash, once per reference: 201 when it was booked now, 200 when it was before."""
    _check_operator(request, account_id)
    cash = _positive_cash(body.amount, body.currency, "amount")
    booked = balances.cash_deposit(account_id=account_id, cash=cash, reference=body.reference)
    return (201 if booked else 200), _balances(account_id)


@router.post("/balances/{account_id}/shares", response={200: schemas.BalancesOut, 201: schemas.BalancesOut})
def shares_deposit(
    request: HttpRequest, account_id: AccountId, body: schemas.SharesDepositIn
) -> tuple[int, schemas.BalancesOut]:
    """Credits shares, once per symbol and reference."""
    _check_operator(request, account_id)
    booked = balances.shares_deposit(
        account_id=account_id,
        symbol=body.symbol,
        quantity=_positive_quantity(body.quantity),
        reference=body.reference,
    )
    return (201 if booked else 200), _balances(account_id)


def _check_operator(request: HttpRequest, *account_ids: str | None) -> None:
    """Forbidden for anybody else, NotFound when one of the accounts is of another tenant."""
    request.identity.require_role("operator")
    dependencies().accounts.require_all(request.identity, *filter(None, account_ids))


def _visible_trade(request: HttpRequest, trade_id: str) -> Trade:
    trade = Trade.objects.filter(pk=trade_id).first()
    if trade is None:
        raise NotFound(f"no trade {trade_id}", trade_id=trade_id)
    dependencies().accounts.require_any(request.identity, [trade.buy_account_id, trade.sell_account_id])
    return trade


def _balances(account_id: str) -> schemas.BalancesOut:
    cash, shares = balances.balance_read(account_id=account_id)
    return schemas.balances_out(account_id, cash, shares)


def _positive_cash(text: str, currency: str, field: str) -> Money:
    cash = Money(text, currency)
    if cash.amount <= 0 or cash != cash.quantized(places=9):
        raise ValidationFailed("must be positive, with nine decimals at most", field=field)
    return cash


def _positive_quantity(text: str) -> Quantity:
    quantity = Quantity(text)
    if not quantity:
        raise ValidationFailed("must be positive", field="quantity")
    return quantity
