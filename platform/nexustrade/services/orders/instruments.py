"""What can be traded: listing instruments, looking them up, and halting them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from services.orders.announcements import announce
from services.orders.models import Instrument
from services.orders.pricing import Grid
from shared import clock
from shared.config.files import CONFIG_DIRECTORY, read_yaml
from shared.errors import Conflict, NotFound, ValidationFailed
from shared.events.types import SetTradingStatus
from shared.observability import get_logger
from shared.sessions import calendar_named

if TYPE_CHECKING:
    from shared.sessions import Calendar

log = get_logger(__name__)

SMALLEST_TICK = Decimal("0.000001")
SMALLEST_LOT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """In which steps and at what hours an instrument is traded."""

    grid: Grid
    calendar: Calendar


# Terms never change once their instrument is listed, so known ones need no query.
_terms: dict[str, Terms] = {}


def instrument_create(
    *, symbol: str, name: str, tick_size: Decimal, lot_size: Decimal, currency: str, calendar: str
) -> Instrument:
    """Lists an instrument; Conflict when the symbol is taken.

    ValidationFailed for a grid too fine or a calendar that there is not.
    """
    for field, step, smallest in (
        ("tick_size", tick_size, SMALLEST_TICK),
        ("lot_size", lot_size, SMALLEST_LOT),
    ):
        if step <= 0 or step % smallest:
            raise ValidationFailed(f"{field} must be a positive multiple of {smallest}", field=field)
    instrument = Instrument(
        symbol=symbol,
        name=name,
        tick_size=tick_size,
        lot_size=lot_size,
        currency=currency,
        calendar=calendar_named(calendar).name,
        created_at=clock.now(),
    )
    try:
        instrument.save(force_insert=True)
    except IntegrityError:
        raise Conflict("the symbol is already listed", symbol=symbol) from None
    return instrument


def instrument_get(*, symbol: str) -> Instrument:
    """Returns the instrument; NotFound when it is not listed."""
    instrument = Instrument.objects.filter(pk=symbol).first()
    if instrument is None:
        raise NotFound("no such instrument", symbol=symbol)
    return instrument


def instruments_list() -> list[Instrument]:
    """Returns every listed instrument, by symbol."""
    return list(Instrument.objects.order_by("symbol"))


def instrument_terms(*, symbol: str) -> Terms:
    """Returns how the symbol is traded; ValidationFailed when it is not listed."""
    terms = _terms.get(symbol)
    if terms is None:
        instrument = Instrument.objects.filter(pk=symbol).first()
        if instrument is None:
            raise ValidationFailed("no such instrument", field="symbol")
        grid = Grid(tick_size=instrument.tick_size, lot_size=instrument.lot_size)
        terms = _terms[symbol] = Terms(grid=grid, calendar=calendar_named(instrument.calendar))
    return terms


def trading_status_request(*, symbol: str, status: str) -> Instrument:
    """Asks matching to open, halt or close the symbol; NotFound when it is not listed."""
    instrument = instrument_get(symbol=symbol)
    with transaction.atomic():
        announce(symbol, SetTradingStatus(symbol=symbol, status=status, requested_at=clock.now()))
    log.info("instrument.status_requested", symbol=symbol, status=status)
    return instrument


def instruments_seed(*, calendar: str) -> None:
    """Lists the instruments of config/instruments.yaml that are not listed yet.

    Those that name no calendar, old ones included, get `calendar`.
    """
    listed = read_yaml(CONFIG_DIRECTORY / "instruments.yaml")["instruments"]
    Instrument.objects.bulk_create(
        [Instrument(**each, created_at=clock.now()) for each in listed], ignore_conflicts=True
    )
    Instrument.objects.filter(calendar="").update(calendar=calendar_named(calendar).name)
