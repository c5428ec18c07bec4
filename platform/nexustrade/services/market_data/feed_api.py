"""What the exchange feed says, over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.market_data.api import Depth
from services.market_data.source import CANDLES
from shared.http.fastapi import Caller, caller

if TYPE_CHECKING:
    from services.market_data.feed import FeedService
    from services.market_data.load import KeyLoad

Limit = Annotated[int, Query(ge=1, le=CANDLES)]
Top = Annotated[int, Query(ge=1, le=100)]


def make_feed_router(service: FeedService, load: KeyLoad) -> APIRouter:
    """The routes; every caller with a service token may read, operators may drop what is kept."""
    router = APIRouter(prefix="/v1/market", tags=["feed"], dependencies=[Depends(caller)])

    @router.get("/consolidated/{symbol}")
    async def consolidated(symbol: str) -> dict[str, Any]:
        return await service.quote_show(symbol)

    @router.delete("/consolidated/{symbol}", status_code=HTTPStatus.NO_CONTENT)
    async def forget(symbol: str, identity: Caller) -> None:
        identity.require_role("operator")
        await service.symbol_forget(symbol)

    @router.get("/depth/{symbol}")
    async def depth(symbol: str, depth: Depth = 10) -> dict[str, Any]:
        return await service.depth_show(symbol, depth=depth)

    @router.get("/candles/{symbol}")
    async def candles(symbol: str, limit: Limit = 60) -> dict[str, Any]:
        return await service.candles_list(symbol, limit=limit)

    @router.get("/load")
    async def busiest_keys(identity: Caller, top: Top = 20) -> dict[str, Any]:
        identity.require_role("operator")
        return {"items": load.busiest(top)}

    return router
