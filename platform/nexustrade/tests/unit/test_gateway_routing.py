from __future__ import annotations

import pytest

from services.gateway.routing import RoutingTable, load_routes
from shared.errors import NotFound

pytestmark = pytest.mark.services("gateway")


@pytest.fixture
def table() -> RoutingTable:
    return RoutingTable(
        {"accounts": "users", "users": "users", "orders": "orders", "auth": "auth"},
        public=["POST /v1/auth/login"],
        shared=["accounts"],
    )


def test_the_first_part_of_the_path_names_the_service(table: RoutingTable) -> None:
    """A path is sent, without its public prefix, to the service that owns its first part."""
    route = table.match("GET", "/api/v1/accounts/7%2F8")
    assert (route.target, route.upstream_path) == ("users", "/v1/accounts/7%2F8")
    assert route.path == "/api/v1/accounts"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/orders",
        "/v1/orders",
        "/internal/v1/reservations",
        "/api/v1/orders/../../internal/v1/reservations",
        "/api/v1/orders/./x",
        "/api/v1/orders/%2e%2e/x",
        "/api/v1/orders/a%2F..%2Fb",
        "/api/v1/orders/%00",
    ],
)
def test_other_paths_lead_nowhere(table: RoutingTable, path: str) -> None:
    """Nothing outside the table is reachable, neither by another prefix nor by dot segments."""
    with pytest.raises(NotFound):
        table.match("GET", path)


def test_only_the_listed_method_and_path_are_public(table: RoutingTable) -> None:
    """A public path is public for its method and its exact text."""
    assert table.match("POST", "/api/v1/auth/login").public
    assert not table.match("GET", "/api/v1/auth/login").public
    assert not table.match("POST", "/api/v1/auth/login/").public
    assert not table.match("POST", "/api/v1/orders").public


def test_only_reads_are_shared(table: RoutingTable) -> None:
    """Writes are never coalesced, reads only where the table says so."""
    assert table.match("GET", "/api/v1/accounts").shared
    assert not table.match("POST", "/api/v1/accounts").shared
    assert not table.match("GET", "/api/v1/orders").shared


def test_the_configured_table_leads_to_every_public_service() -> None:
    """The platform's own table reaches the nine services behind the gateway."""
    assert load_routes().targets == (
        "audit",
        "auth",
        "market-data",
        "matching",
        "notifications",
        "orders",
        "risk",
        "settlement",
        "users",
    )
