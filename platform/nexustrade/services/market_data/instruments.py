"""Whether an instrument is listed, asked of the orders service as seldom as can be."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.cache import TTLCache
from shared.clients import raise_for_problem
from shared.errors import DependencyUnavailable
from shared.observability import counter, get_logger

if TYPE_CHECKING:
    from services.market_data.known_symbols import KnownSymbols
    from shared.clients import ServiceClient

log = get_logger(__name__)
LOOKUPS = counter("market_data_symbol_lookups_total", "Symbols asked of the orders service", ("outcome",))


class Listing:
    """Remembers for `seconds` what is listed, and by `known` what is not, since that has no end."""

    def __init__(self, orders: ServiceClient, known: KnownSymbols, *, seconds: float) -> None:
        self._orders = orders
        self._known = known
        self._listed: TTLCache[str, bool] = TTLCache(seconds, capacity=4096)

    def may_be_listed(self, symbol: str) -> bool:
        """False when it is certain, or as good as, that it is not; asks nobody."""
        return self._listed.peek(symbol) is not None or self._known.may_hold(symbol)

    def is_listed(self, symbol: str) -> bool:
        """DependencyUnavailable when the orders service has to be asked and does not answer."""
        return self.may_be_listed(symbol) and self.confirm(symbol)

    def reload(self) -> None:
        """Takes over all symbols that are listed; keeps those before when orders does not answer."""
        try:
            answer = self._orders.request("GET", "/v1/instruments")
            raise_for_problem(answer, self._orders.target)
        except DependencyUnavailable as error:
            log.warning("symbols not reloaded", error=error.message)
            return
        self._known.replace([each["symbol"] for each in answer.json()["items"]])

    def confirm(self, symbol: str) -> bool:
        """Whether a symbol that may be listed is; DependencyUnavailable as above."""
        if self._listed.peek(symbol) is not None:
            return True
        answer = self._orders.request("GET", f"/v1/instruments/{quote(symbol, safe='')}")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            LOOKUPS.labels("unknown").inc()
            return False
        raise_for_problem(answer, self._orders.target)
        LOOKUPS.labels("listed").inc()
        self._known.add(symbol)
        self._listed.put(symbol, value=True)
        return True
