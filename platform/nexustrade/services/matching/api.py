"""The HTTP side of matching: who leads, and what the books look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from shared.http.fastapi import Caller
from shared.security.identity import Identity

if TYPE_CHECKING:
    from services.matching.services import MatchingService


def make_router(service: MatchingService, instance_id: str) -> APIRouter:
    """The routes; operators and other services may call them."""
    router = APIRouter(prefix="/v1/matching", tags=["matching"])

    @router.get("/status")
    def matching_status(caller: Caller) -> dict[str, Any]:
        _require_insider(caller)
        epoch = service.epoch
        return {
            "leader": epoch is not None,
            "epoch": epoch,
            "instance_id": instance_id,
            "symbols": service.symbols(),
        }

    @router.get("/books/{symbol}")
    def matching_book(
        symbol: str, caller: Caller, depth: Annotated[int, Query(ge=1, le=1000)] = 10
    ) -> dict[str, Any]:
        _require_insider(caller)
        return service.book_show(symbol, depth=depth)

    return router


def _require_insider(caller: Identity) -> None:
    caller.require_role("operator", "service")
