"""Whether an instrument is listed, asked of the orders service."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.clients import raise_for_problem

if TYPE_CHECKING:
    from shared.clients import ServiceClient


class Listing:
    """Asks each time: only symbols that nobody has ordered yet are looked up at all."""

    def __init__(self, orders: ServiceClient) -> None:
        self._orders = orders

    def is_listed(self, symbol: str) -> bool:
        """DependencyUnavailable when the orders service does not answer."""
        answer = self._orders.request("GET", f"/v1/instruments/{quote(symbol, safe='')}")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return False
        raise_for_problem(answer, self._orders.target)
        return True
