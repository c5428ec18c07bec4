"""The HTTP interface of instruments."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from services.orders.dependencies import dependencies
from services.orders.instrument_schemas import (
    InstrumentIn,
    InstrumentList,
    InstrumentOut,
    TradingStatusIn,
    TradingStatusOut,
)
from services.orders.instruments import (
    instrument_create,
    instrument_get,
    instruments_list,
    trading_status_request,
)
from services.orders.models import Instrument
from shared import clock
from shared.sessions import calendar_named

router = Router(tags=["instruments"])


@router.get("/v1/instruments", response=InstrumentList)
def instruments(request: HttpRequest) -> InstrumentList:  # noqa: ARG001 - ninja passes it
    """Everything that can be traded."""
    return InstrumentList(items=[InstrumentOut.of(each) for each in instruments_list()])


@router.get("/v1/instruments/{symbol}", response=InstrumentOut)
def instrument(request: HttpRequest, symbol: str) -> InstrumentOut:  # noqa: ARG001 - ninja passes it
    """One instrument."""
    return InstrumentOut.of(instrument_get(symbol=symbol))


@router.post("/v1/instruments", response={201: InstrumentOut})
def list_instrument(request: HttpRequest, body: InstrumentIn) -> tuple[int, InstrumentOut]:
    """Lists a new instrument (operator)."""
    request.identity.require_role("operator")
    wanted = body.model_dump() | {"calendar": body.calendar or dependencies().calendar}
    return 201, InstrumentOut.of(instrument_create(**wanted))


@router.get("/v1/instruments/{symbol}/status", response=TradingStatusOut)
def trading_status(request: HttpRequest, symbol: str) -> TradingStatusOut:  # noqa: ARG001 - ninja passes it
    """Whether the symbol is traded now, and in which session."""
    return _status(instrument_get(symbol=symbol))


@router.put("/v1/instruments/{symbol}/status", response={202: TradingStatusOut})
def set_trading_status(
    request: HttpRequest, symbol: str, body: TradingStatusIn
) -> tuple[int, TradingStatusOut]:
    """Requests that matching opens, halts or closes the symbol (operator)."""
    request.identity.require_role("operator")
    return 202, _status(trading_status_request(symbol=symbol, status=body.status))


def _status(instrument: Instrument) -> TradingStatusOut:
    calendar, now = calendar_named(instrument.calendar), clock.now()
    return TradingStatusOut.of(instrument, calendar.next_session(now), in_session=calendar.is_open(now))
