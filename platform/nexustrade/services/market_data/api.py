"""Quotes, books and trades over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query

from shared.http.fastapi import caller

if TYPE_CHECKING:
    from services.market_data.services import MarketDataService

Depth = Annotated[int, Query(ge=1, le=10)]
Limit = Annotated[int, Query(ge=1, le=1000)]


def make_router(service: MarketDataService) -> APIRouter:
    """The routes; every caller with a service token may read market data."""
    router = APIRouter(prefix="/v1/market", tags=["market"], dependencies=[Depends(caller)])

    @router.get("/quotes/{symbol}")
    def quote(symbol: str) -> dict[str, Any]:
        return dict(service.quote_show(symbol))

    @router.get("/books/{symbol}")
    def book(symbol: str, depth: Depth = 10) -> dict[str, Any]:
        return dict(service.book_show(symbol, depth=depth))

    @router.get("/trades/{symbol}")
    def trades(symbol: str, limit: Limit = 50) -> dict[str, Any]:
        return {"symbol": symbol, "items": service.trades_list(symbol, limit=limit)}

    return router
