"""The services that orders calls: risk, for exposure, and users, for accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared.errors import DependencyUnavailable, NexusError, NotFound
from shared.money import plain
from shared.security import Identity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    import httpx

    from services.orders.models import Order
    from shared.clients import ServiceClient

RESERVATIONS = "/internal/v1/reservations"


class ExposureRefused(NexusError):
    """Risk decided against the order; `reason` is the type of its problem, such as "limit-exceeded"."""

    status = 409
    problem_type = "exposure-refused"
    title = "Risk refused the order"

    def __init__(self, *, reason: str, message: str) -> None:
        super().__init__(message, reason=reason)
        self.reason = reason


class ExposureDesk(Protocol):
    """Who reserves and releases exposure.

    What it is asked may be repeated, with one effect. ExposureRefused when risk decided against it;
    DependencyUnavailable or DeadlineExceeded when nobody knows yet what it decided.
    """

    def reserve(self, *, orders: Sequence[Order], identity: Identity) -> None:
        """Reserves the exposure of all the orders, or of none."""

    def amend(self, *, order: Order, quantity: Decimal, price: Decimal | None) -> None:
        """Makes what the order holds that of `quantity` open shares at `price`."""

    def release(self, *, order_id: str, identity: Identity) -> None:
        """Gives back whatever the order still holds."""


class AccountDirectory(Protocol):
    """Who knows the accounts."""

    def find(self, *, account_id: str, identity: Identity) -> dict[str, str]:
        """Returns the account as users publishes it; NotFound when there is none that the caller may see."""


@dataclass(frozen=True, slots=True)
class RiskDesk:
    """The exposure desk of the risk service."""

    client: ServiceClient

    def reserve(self, *, orders: Sequence[Order], identity: Identity) -> None:
        """Asks risk; the answer for an order never changes, so asking again is safe."""
        wanted = [_reservation(order) for order in orders]
        if len(wanted) == 1:
            self._decided("POST", RESERVATIONS, wanted[0], identity)
        else:
            self._decided("POST", f"{RESERVATIONS}/batch", {"reservations": wanted}, identity)

    def amend(self, *, order: Order, quantity: Decimal, price: Decimal | None) -> None:
        """Asks risk to hold what the replaced order will need."""
        wanted = {"quantity": plain(quantity), "price": None if price is None else plain(price)}
        self._decided("PATCH", f"{RESERVATIONS}/{order.order_id}", wanted, Identity.of_service("orders"))

    def release(self, *, order_id: str, identity: Identity) -> None:
        """Tells risk that the order will not trade."""
        path = f"{RESERVATIONS}/{order_id}"
        _succeeded(self.client.request("DELETE", path, identity=identity, idempotent=True))

    def _decided(self, method: str, path: str, wanted: Any, identity: Identity) -> None:
        response = self.client.request(method, path, json=wanted, identity=identity, idempotent=True)
        if response.status_code in (409, 422):
            problem = response.json()
            raise ExposureRefused(reason=_slug(problem["type"]), message=problem.get("detail", ""))
        _succeeded(response)


@dataclass(frozen=True, slots=True)
class UsersDirectory:
    """The accounts of the users service."""

    client: ServiceClient

    def find(self, *, account_id: str, identity: Identity) -> dict[str, str]:
        """Asks users on behalf of the caller."""
        response = self.client.request(
            "GET", f"/v1/accounts/{account_id}", identity=identity, idempotent=True
        )
        if response.status_code in (403, 404, 422):
            raise NotFound("no such account", account_id=account_id)
        _succeeded(response)
        account: dict[str, str] = response.json()
        return account


def _reservation(order: Order) -> dict[str, str | None]:
    # A stop order trades at about its stop price, if it does.
    price = order.stop_price if order.price is None else order.price
    return {
        "order_id": order.order_id,
        "account_id": order.account_id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": plain(order.quantity),
        "price": None if price is None else plain(price),
    }


def _slug(problem_type: str) -> str:
    return problem_type.rsplit("/", 1)[-1]


def _succeeded(response: httpx.Response) -> None:
    if not response.is_success:
        raise DependencyUnavailable(
            f"{response.request.url.host} answered {response.status_code}", status_code=response.status_code
        )
