"""Use cases of the value at risk: telling it, bounding it, and importing the closes it is computed from."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import connections

from services.risk.models import Close, ExposureLimit
from services.risk.var import Risk, Stake, risk_of
from shared.django.router import home_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from services.risk.policy import Policy

# Positions and open orders, bought ones above and sold ones below zero, at the last price or else the last
# close.
_STAKES = """
SELECT held.symbol, sum(held.quantity),
       coalesce(max(last.price), (SELECT price FROM risk_close c WHERE c.symbol = held.symbol
                                   ORDER BY day DESC LIMIT 1)::numeric, 0)
  FROM (SELECT symbol, quantity FROM risk_position WHERE account_id = %(account)s
        UNION ALL
        SELECT symbol, CASE side WHEN 'buy' THEN open_quantity ELSE -open_quantity END
          FROM risk_reservation WHERE account_id = %(account)s AND state = 'active' AND %(orders)s) held
  LEFT JOIN risk_lastprice last USING (symbol)
 GROUP BY held.symbol HAVING sum(held.quantity) <> 0 ORDER BY held.symbol
"""


def var_get(*, account_id: str, confidence: Decimal, horizon: int, policy: Policy) -> Risk:
    """The risk of the account's positions; PriceHistoryMissing when it cannot be told."""
    return _risk(account_id, orders=False, confidence=confidence, horizon=horizon, policy=policy)


def var_fits(*, account_id: str, max_var: Decimal | None, policy: Policy) -> bool:
    """Whether the account's positions and open orders stay within `max_var`, if there is one.

    To be called in a transaction that holds the account's limit: no order of the account comes in between.
    """
    if max_var is None:
        return True
    risk = _risk(
        account_id,
        orders=True,
        confidence=policy.var_confidence,
        horizon=policy.var_horizon,
        policy=policy,
    )
    return risk.within(max_var)


def var_limit_set(*, account_id: str, max_var: Decimal | None) -> None:
    """Bounds the account's value at risk from the next order on; None takes the bound away."""
    ExposureLimit.objects.filter(pk=account_id).update(max_var=max_var)


def closes_import(*, symbol: str, closes: Sequence[tuple[date, Decimal]]) -> int:
    """Writes official closes, over what was there; returns how many. Trades do not change them any more."""
    rows = [Close(symbol=symbol, day=day, price=price, official=True) for day, price in closes]
    Close.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["symbol", "day"], update_fields=["price", "official"]
    )
    return len(rows)


def closes_list(*, symbol: str, limit: int) -> list[Close]:
    """The latest closes of a symbol, oldest first."""
    return list(Close.objects.filter(symbol=symbol).order_by("-day")[:limit])[::-1]


def _risk(account_id: str, *, orders: bool, confidence: Decimal, horizon: int, policy: Policy) -> Risk:
    stakes = _stakes(account_id, orders=orders)
    histories: defaultdict[str, dict[date, Decimal]] = defaultdict(dict)
    for symbol, day, price in _history([stake.symbol for stake in stakes], policy.var_window + 1):
        histories[symbol][day] = price
    return risk_of(
        stakes, histories, confidence=confidence, horizon=horizon, least=policy.var_least_scenarios
    )


def _stakes(account_id: str, *, orders: bool) -> list[Stake]:
    with connections[home_of(Close)].cursor() as cursor:
        cursor.execute(_STAKES, {"account": account_id, "orders": orders})
        return [
            Stake(symbol=symbol, quantity=quantity, price=price)
            for symbol, quantity, price in cursor.fetchall()
        ]


def _history(symbols: list[str], days: int) -> list[tuple[str, date, Decimal]]:
    if not symbols:
        return []
    with connections[home_of(Close)].cursor() as cursor:
        cursor.execute(
            "SELECT c.symbol, c.day, c.price FROM unnest(%s::text[]) wanted(symbol),"
            " LATERAL (SELECT symbol, day, price FROM risk_close WHERE symbol = wanted.symbol"
            " ORDER BY day DESC LIMIT %s) c",
            (symbols, days),
        )
        return cursor.fetchall()
