"""The recovery pass: what a crash left half-way is brought to an end."""

from __future__ import annotations

from services.settlement.charges import charges_book
from services.settlement.dependencies import dependencies
from services.settlement.obligations import days_net
from services.settlement.settling import settlements_recover
from services.settlement.transfers import transfers_recover
from shared.clock import now
from shared.django.databases import connection_scope


def recover() -> None:
    """Prepared transactions first: the balances that they hold locked may be what a saga waits for."""
    with connection_scope():
        transfers_recover()
        settlements_recover(fees=dependencies().fees)


def collect() -> None:
    """Books the fee charges that could not be paid before."""
    with connection_scope():
        charges_book()


def net_past_days() -> None:
    """Nets the trading days that are over: what stopped half-way, and trades that came late."""
    with connection_scope():
        today = dependencies().calendar.trading_day(now())
        days_net(before=today, batch_size=dependencies().batch_size)
