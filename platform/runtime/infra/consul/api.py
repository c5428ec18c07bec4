"""The paths of the HTTP API, over the stores."""

import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Any

from runtime.infra.consul.catalog import STATES, Catalog, Service
from runtime.infra.consul.http import Answer, Changes, Request, blocking
from runtime.infra.consul.keys import Entry, KeyStore, names
from runtime.infra.consul.sessions import SessionStore
from runtime.infra.consul.state import DATACENTRE, NODE, NODE_CHECK, ApiError, Index, seconds
from runtime.infra.consul.views import NODE_ID, Views, entry_view, session_view

_WAIT_DEFAULT = 300.0
_WAIT_MAX = 600.0
_VALUE_LIMIT = 512 * 1024
_VERSION = "1.20.0"

_Route = tuple[str, re.Pattern[str], Callable[..., Awaitable[Answer]]]
_REPORTS = {"pass": "passing", "warn": "warning", "fail": "critical"}


class Api:
    """Answers requests; `address` is the host that it is reached at, `token` is asked for when not empty."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        address: str = "127.0.0.1",
        token: str = "",
        session_ttl_min: float = 10.0,
        deregister_min: float = 60.0,
    ) -> None:
        self.changes = Changes()
        self.index = Index(self.changes.notify)
        self.keys = KeyStore(self.index, now)
        self.catalog = Catalog(self.index, now, self._end_sessions, remove_after_min=deregister_min)
        self.sessions = SessionStore(self.index, now, self.keys, self._critical, ttl_min=session_ttl_min)
        self._views = Views(address, self.catalog)
        self._address = address
        self._token = token
        self._routes = self._table()

    async def handle(self, request: Request) -> Answer:
        """The answer to one request; ApiError for all that Consul refuses."""
        if not request.path.startswith("/v1/status/"):  # open to all, as Consul's
            self._authorise(request)
        allowed = False
        for method, pattern, function in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return await function(request, *match.groups())
            allowed = allowed or match is not None
        if allowed:
            raise ApiError(405, f"method {request.method} not allowed")
        raise ApiError(404, f"Invalid URL path: not a recognized HTTP API endpoint: {request.path}")

    def expire(self) -> None:
        """Ends what was not renewed in time."""
        self.catalog.expire()
        self.sessions.expire()

    def next_deadline(self) -> float | None:
        """When `expire` has something to do, None if never."""
        deadlines = (self.catalog.next_deadline(), self.sessions.next_deadline())
        return min((time for time in deadlines if time is not None), default=None)

    # -- plumbing ---------------------------------------------------------------------------

    def _table(self) -> list[_Route]:
        routes: list[tuple[str, str, Callable[..., Awaitable[Answer]]]] = [
            ("GET", "/v1/status/leader", self._leader),
            ("GET", "/v1/status/peers", self._peers),
            ("GET", "/v1/agent/self", self._self),
            ("GET", "/v1/agent/members", self._members),
            ("GET", "/v1/agent/services", self._agent_services),
            ("GET", "/v1/agent/service/([^/]+)", self._agent_service),
            ("GET", "/v1/agent/checks", self._agent_checks),
            ("PUT", "/v1/agent/service/register", self._register),
            ("PUT", "/v1/agent/service/deregister/(.+)", self._deregister),
            ("PUT", "/v1/agent/check/register", self._register_check),
            ("PUT", "/v1/agent/check/deregister/(.+)", self._deregister_check),
            ("PUT", "/v1/agent/check/(pass|warn|fail)/(.+)", self._report),
            ("PUT", "/v1/agent/check/update/(.+)", self._update_check),
            ("GET", "/v1/catalog/datacenters", self._datacentres),
            ("GET", "/v1/catalog/nodes", self._nodes),
            ("GET", "/v1/catalog/services", self._catalog_services),
            ("GET", "/v1/catalog/service/(.+)", self._catalog_service),
            ("GET", "/v1/health/service/(.+)", self._health_service),
            ("GET", "/v1/health/checks/(.+)", self._health_checks),
            ("GET", "/v1/health/node/(.+)", self._health_node),
            ("GET", "/v1/health/state/(.+)", self._health_state),
            ("PUT", "/v1/session/create", self._session_create),
            ("PUT", "/v1/session/destroy/(.+)", self._session_destroy),
            ("PUT", "/v1/session/renew/(.+)", self._session_renew),
            ("GET", "/v1/session/info/(.+)", self._session_info),
            ("GET", "/v1/session/list", self._session_list),
            ("GET", "/v1/session/node/(.+)", self._session_node),
            ("GET", "/v1/kv/(.*)", self._key_get),
            ("PUT", "/v1/kv/(.+)", self._key_put),
            ("DELETE", "/v1/kv/(.*)", self._key_delete),
        ]
        return [(method, re.compile(pattern), function) for method, pattern, function in routes]

    def _authorise(self, request: Request) -> None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = request.headers.get("x-consul-token") or request.query.get("token") or bearer
        if self._token and not hmac.compare_digest(given.encode(), self._token.encode()):
            raise ApiError(403, "Permission denied: token with ID is missing or not known")
        if "filter" in request.query:
            raise ApiError(400, "filter expressions are not supported")

    async def _query(self, request: Request, query: Callable[[], Answer]) -> Answer:
        wait = min(seconds(request.query.get("wait"), _WAIT_DEFAULT) or _WAIT_DEFAULT, _WAIT_MAX)
        return await blocking(request, self.changes, wait, query)

    def _critical(self, check_id: str) -> bool | None:
        return False if check_id == NODE_CHECK else self.catalog.critical(check_id)

    def _end_sessions(self, check_id: str) -> None:
        self.sessions.end_by_check(check_id)

    # -- agent ------------------------------------------------------------------------------

    async def _leader(self, _request: Request) -> Answer:
        return Answer(f"{self._address}:8300")

    async def _peers(self, _request: Request) -> Answer:
        return Answer([f"{self._address}:8300"])

    async def _self(self, _request: Request) -> Answer:
        config = {
            "Datacenter": DATACENTRE,
            "NodeName": NODE,
            "NodeID": NODE_ID,
            "Server": True,
            "Version": _VERSION,
        }
        return Answer(
            {"Config": config, "DebugConfig": {}, "Member": self._views.member(), "Meta": {}, "Stats": {}}
        )

    async def _members(self, _request: Request) -> Answer:
        return Answer([self._views.member()])

    async def _agent_services(self, _request: Request) -> Answer:
        return Answer({service.id: self._views.agent(service) for service in self.catalog.services.values()})

    async def _agent_service(self, _request: Request, service_id: str) -> Answer:
        service = self.catalog.services.get(service_id)
        if service is None:
            raise ApiError(404, f"unknown service ID: {service_id}")
        return Answer(self._views.agent(service))

    async def _agent_checks(self, _request: Request) -> Answer:
        return Answer({check.id: self._views.check(check) for check in self.catalog.checks.values()})

    async def _register(self, request: Request) -> Answer:
        body = _lower(request.json())
        body["replace"] = "replace-existing-checks" in request.query
        self.catalog.register(body)
        return Answer(raw=b"")

    async def _deregister(self, _request: Request, service_id: str) -> Answer:
        self.catalog.deregister(service_id)
        return Answer(raw=b"")

    async def _register_check(self, request: Request) -> Answer:
        self.catalog.register_check(_lower(request.json()))
        return Answer(raw=b"")

    async def _deregister_check(self, _request: Request, check_id: str) -> Answer:
        self.catalog.deregister_check(check_id)
        return Answer(raw=b"")

    async def _report(self, request: Request, verb: str, check_id: str) -> Answer:
        self.catalog.report(check_id, _REPORTS[verb], request.query.get("note", ""))
        return Answer(raw=b"")

    async def _update_check(self, request: Request, check_id: str) -> Answer:
        body = _lower(request.json())
        self.catalog.report(check_id, str(body.get("status")), body.get("output") or "")
        return Answer(raw=b"")

    # -- catalogue and health ---------------------------------------------------------------

    async def _datacentres(self, _request: Request) -> Answer:
        return Answer([DATACENTRE])

    async def _nodes(self, _request: Request) -> Answer:
        return Answer([self._views.node()], index=self.index.value)

    async def _catalog_services(self, request: Request) -> Answer:
        def query() -> Answer:
            tags: dict[str, list[str]] = {"consul": []}
            for service in self.catalog.services.values():
                known = tags.setdefault(service.name, [])
                known.extend(tag for tag in service.tags if tag not in known)
            return Answer(tags, index=self.catalog.changed_at)

        return await self._query(request, query)

    async def _catalog_service(self, request: Request, name: str) -> Answer:
        def query() -> Answer:
            views = [self._views.catalog(service) for service in self._instances(name, request)]
            return Answer(views, index=self.catalog.changed_by(name))

        return await self._query(request, query)

    async def _health_service(self, request: Request, name: str) -> Answer:
        passing_only = request.query.get("passing", "false").lower() not in {"false", "0"}

        def query() -> Answer:
            views = []
            for service in self._instances(name, request):
                checks = self.catalog.checks_of(service)
                if passing_only and any(check.status != "passing" for check in checks):
                    continue
                health = [self._views.node_check(), *map(self._views.check, checks)]
                views.append(
                    {"Node": self._views.node(), "Service": self._views.health(service), "Checks": health}
                )
            return Answer(views, index=self.catalog.changed_by(name))

        return await self._query(request, query)

    async def _health_checks(self, request: Request, name: str) -> Answer:
        def query() -> Answer:
            checks = [
                check for service in self.catalog.instances(name) for check in self.catalog.checks_of(service)
            ]
            return Answer([self._views.check(check) for check in checks], index=self.catalog.changed_by(name))

        return await self._query(request, query)

    async def _health_node(self, request: Request, node: str) -> Answer:
        return await self._query(
            request, lambda: self._states("any") if node == NODE else Answer([], index=1)
        )

    async def _health_state(self, request: Request, state: str) -> Answer:
        if state not in {"any", *STATES}:
            raise ApiError(400, f"Invalid state {state!r}")
        return await self._query(request, lambda: self._states(state))

    def _states(self, state: str) -> Answer:
        views = [self._views.node_check(), *map(self._views.check, self.catalog.checks.values())]
        wanted = [view for view in views if state in {"any", view["Status"]}]
        return Answer(wanted, index=self.catalog.checks_changed_at)

    def _instances(self, name: str, request: Request) -> list[Service]:
        tag = request.query.get("tag")
        return [service for service in self.catalog.instances(name) if tag is None or tag in service.tags]

    # -- sessions ---------------------------------------------------------------------------

    async def _session_create(self, request: Request) -> Answer:
        return Answer({"ID": self.sessions.create(_lower(request.json()))})

    async def _session_destroy(self, _request: Request, session_id: str) -> Answer:
        self.sessions.destroy(session_id)
        return Answer(True)

    async def _session_renew(self, _request: Request, session_id: str) -> Answer:
        return Answer([session_view(self.sessions.renew(session_id))])

    async def _session_info(self, request: Request, session_id: str) -> Answer:
        def query() -> Answer:
            session = self.sessions.get(session_id)
            return Answer([session_view(session)] if session else [], index=self.sessions.changed_at)

        return await self._query(request, query)

    async def _session_list(self, request: Request) -> Answer:
        def query() -> Answer:
            return Answer(
                [session_view(session) for session in self.sessions.all()], index=self.sessions.changed_at
            )

        return await self._query(request, query)

    async def _session_node(self, request: Request, node: str) -> Answer:
        if node != NODE:
            return Answer([], index=self.sessions.changed_at)
        return await self._session_list(request)

    # -- keys -------------------------------------------------------------------------------

    async def _key_get(self, request: Request, key: str) -> Answer:
        if "keys" in request.query:
            return await self._query(
                request, lambda: self._key_names(key, request.query.get("separator", ""))
            )
        if "recurse" in request.query:
            return await self._query(request, lambda: _found(*self.keys.under(key)))
        if not key:
            raise ApiError(400, "Missing key name")

        def query() -> Answer:
            index, entry = self.keys.get(key)
            if entry is not None and "raw" in request.query:
                return Answer(raw=entry.value, index=index)
            return _found(index, [entry] if entry else [])

        return await self._query(request, query)

    def _key_names(self, prefix: str, separator: str) -> Answer:
        index, entries = self.keys.under(prefix)
        if not entries:
            return _not_found(index)
        return Answer(names(entries, prefix, separator), index=index)

    async def _key_put(self, request: Request, key: str) -> Answer:
        if len(request.body) > _VALUE_LIMIT:
            raise ApiError(413, f"Request body(value) too large, max size: {_VALUE_LIMIT} bytes.")
        flags = _number(request.query.get("flags", "0"), "flags")
        if "acquire" in request.query:
            session = request.query["acquire"]
            self.sessions.require(session)
            return Answer(self.keys.acquire(key, request.body, flags, session))
        if "release" in request.query:
            return Answer(self.keys.release(key, request.body, flags, request.query["release"]))
        return Answer(self.keys.put(key, request.body, flags, _cas(request)))

    async def _key_delete(self, request: Request, key: str) -> Answer:
        if "recurse" in request.query:
            self.keys.delete_under(key)
            return Answer(True)
        if not key:
            raise ApiError(400, "Missing key name")
        return Answer(self.keys.delete(key, _cas(request)))


def _found(index: int, entries: list[Entry]) -> Answer:
    return Answer([entry_view(entry) for entry in entries], index=index) if entries else _not_found(index)


def _not_found(index: int) -> Answer:
    return Answer(raw=b"", status=404, index=index)


def _cas(request: Request) -> int | None:
    return _number(request.query["cas"], "cas") if "cas" in request.query else None


def _number(text: str, name: str) -> int:
    if not text.isdigit():
        raise ApiError(400, f"Invalid {name} {text!r}")
    return int(text)


def _lower(body: Any) -> dict[str, Any]:
    """The object with the names of its fields in lower case, which Consul does not tell apart; checks too."""
    if not isinstance(body, dict):
        raise ApiError(400, "Request decode failed: an object is expected")
    lower = {str(name).lower(): value for name, value in body.items()}
    if isinstance(lower.get("check"), dict):
        lower["check"] = _lower(lower["check"])
    # In a session's body they are names.
    if isinstance(lower.get("checks"), list) and all(isinstance(check, dict) for check in lower["checks"]):
        lower["checks"] = [_lower(check) for check in lower["checks"]]
    return lower
