"""The exchange feed: quotes, books and candles of all venues, slow to come and limited in number."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx
from pydantic import ValidationError

from services.market_data.feed_views import Candles, Depth, FeedQuote
from shared.errors import DependencyUnavailable, NotFound
from shared.observability import counter

if TYPE_CHECKING:
    from pydantic import BaseModel

CALLS = counter("market_data_source_calls_total", "Calls to the exchange feed", ("kind", "outcome"))

# An answer takes some KiB; one that is much longer is not read to its end.
ANSWER_BYTES: Final = 256 * 1024
CONNECTIONS: Final = 256
CANDLES: Final = 240

VIEWS: Final[dict[str, type[BaseModel]]] = {"quotes": FeedQuote, "books": Depth, "candles": Candles}


class ExchangeFeed:
    """Asks the feed at `url`. Each call has `timeout` seconds in all, and an answer a bounded length.

    DependencyUnavailable when the feed refuses, is late, or answers with something else than was asked for.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        self._timeout = timeout
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=timeout,
            limits=httpx.Limits(max_connections=CONNECTIONS),
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP; loading certificates takes 40 ms
        )

    async def quote(self, symbol: str) -> dict[str, Any]:
        return await self._ask("quotes", symbol)

    async def book(self, symbol: str) -> dict[str, Any]:
        return await self._ask("books", symbol)

    async def candles(self, symbol: str) -> dict[str, Any]:
        return await self._ask("candles", symbol, limit=CANDLES)

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, kind: str, symbol: str, **params: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._timeout):
                content = await self._fetch(f"/v1/{kind}/{symbol}", params)
            answer = VIEWS[kind].model_validate_json(content).model_dump()
        except (TimeoutError, httpx.HTTPError, ValidationError) as error:
            CALLS.labels(kind, "failed").inc()
            raise DependencyUnavailable("the exchange feed does not answer", target="exchange") from error
        except NotFound:
            CALLS.labels(kind, "unknown").inc()
            raise
        CALLS.labels(kind, "ok").inc()
        return answer

    async def _fetch(self, path: str, params: dict[str, Any]) -> bytes:
        async with self._http.stream("GET", path, params=params) as answer:
            if answer.status_code == HTTPStatus.NOT_FOUND:
                raise NotFound("the exchange feed has no such symbol")
            answer.raise_for_status()
            content = bytearray()
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > ANSWER_BYTES:
                    raise httpx.DecodingError("the answer is too long", request=answer.request)
            return bytes(content)
