"""Which service answers which public path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from shared.config import ConfigError
from shared.config.files import CONFIG_DIRECTORY, read_yaml
from shared.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PUBLIC_PREFIX = "/api"
VERSION_PREFIX = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes.

    `path` names the route in metrics (`/api/v1/orders`); `upstream_path` is what `target` is asked for, as it
    was sent, percent-encoded; `public` requests need no access token; `shared` reads may be answered once for
    a caller who asks for the same several times at once.
    """

    path: str
    target: str
    upstream_path: str
    public: bool
    shared: bool


class RoutingTable:
    """Finds the service by the first part of the path: `/api/v1/accounts/7` by `accounts`.

    `public` lists what needs no access token, as "POST /v1/auth/login"; `shared` the parts whose reads are
    coalesced.
    """

    def __init__(
        self, targets: Mapping[str, str], *, public: Iterable[str] = (), shared: Iterable[str] = ()
    ) -> None:
        self._targets = dict(targets)
        self._public = frozenset(public)
        self._shared = frozenset(shared)

    @property
    def targets(self) -> tuple[str, ...]:
        """The services that the table leads to, sorted."""
        return tuple(sorted(set(self._targets.values())))

    @property
    def parts(self) -> tuple[str, ...]:
        """The first parts of all public paths."""
        return tuple(self._targets)

    def target_of(self, part: str) -> str:
        """The service that owns the paths under /api/v1/`part`; KeyError."""
        return self._targets[part]

    def match(self, method: str, raw_path: str) -> Route:
        """The route of a percent-encoded path; NotFound when it belongs to no service."""
        part = raw_path.removeprefix(VERSION_PREFIX).partition("/")[0]
        target = self._targets.get(part) if raw_path.startswith(VERSION_PREFIX) else None
        if target is None or _is_treacherous(raw_path):
            raise NotFound("there is nothing at this path")
        upstream_path = raw_path.removeprefix(PUBLIC_PREFIX)
        return Route(
            path=VERSION_PREFIX + part,
            target=target,
            upstream_path=upstream_path,
            public=f"{method} {upstream_path}" in self._public,
            shared=method == "GET" and part in self._shared,
        )


def _is_treacherous(raw_path: str) -> bool:
    """Whether dots would fold the path on its way, and lead out of the service's public paths; or a NUL."""
    path = unquote(raw_path)
    return "\0" in path or not {".", ".."}.isdisjoint(path.split("/"))


def load_routes(directory: Path = CONFIG_DIRECTORY) -> RoutingTable:
    """The table in routes.yaml; ConfigError when it is malformed."""
    content = read_yaml(directory / "routes.yaml")
    try:
        return RoutingTable(content["targets"], public=content["public"], shared=content["shared"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError("routes.yaml must list targets, public and shared") from error
