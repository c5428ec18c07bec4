"""Services and their health: TTL checks that turn critical unless renewed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runtime.infra.consul.state import ApiError, Index, seconds

STATES = ("passing", "warning", "critical")


@dataclass(slots=True, kw_only=True)
class Check:
    """One TTL check. It becomes critical at `expires_at`; its service goes `remove_after` seconds later."""

    id: str
    name: str
    notes: str
    status: str
    output: str
    service_id: str
    ttl: float
    remove_after: float | None
    create_index: int
    modify_index: int
    expires_at: float | None = None
    critical_since: float | None = None


@dataclass(slots=True, kw_only=True)
class Service:
    """One instance of a service."""

    id: str
    name: str
    address: str
    port: int
    tags: list[str]
    meta: dict[str, str]
    create_index: int
    modify_index: int
    checks: list[str] = field(default_factory=list)


class Catalog:
    """The services of the only node. `on_unhealthy(check id)` is called when one turns critical or goes."""

    def __init__(
        self,
        index: Index,
        now: Callable[[], float],
        on_unhealthy: Callable[[str], None],
        *,
        remove_after_min: float,
    ) -> None:
        self._index = index
        self._now = now
        self._on_unhealthy = on_unhealthy
        self._remove_after_min = remove_after_min
        self.services: dict[str, Service] = {}
        self.checks: dict[str, Check] = {}
        self.changed_at = 1  # services came or went
        self.checks_changed_at = 1
        self._changed_by_name: dict[str, int] = {}

    def changed_by(self, name: str) -> int:
        """The index of the last change to the service `name`, its instances and their checks."""
        return self._changed_by_name.get(name, 1)

    def instances(self, name: str) -> list[Service]:
        return [service for service in self.services.values() if service.name == name]

    def checks_of(self, service: Service) -> list[Check]:
        return [self.checks[check_id] for check_id in service.checks]

    def register(self, body: dict[str, Any]) -> None:
        """Adds or replaces an instance, from a request's body with its keys in lower case."""
        name = body.get("name")
        if not name:
            raise ApiError(400, "Missing service name")
        service_id = body.get("id") or name
        definitions = list(body.get("checks") or ()) + ([body["check"]] if body.get("check") else [])
        for definition in definitions:
            _require_ttl(definition)
        existing = self.services.get(service_id)
        number = self._index.next()
        if existing is not None and existing.name != name:
            self._changed_by_name[existing.name] = number
        service = Service(
            id=service_id,
            name=name,
            address=body.get("address") or "",
            port=int(body.get("port") or 0),
            tags=list(body.get("tags") or ()),
            meta=dict(body.get("meta") or {}),
            create_index=existing.create_index if existing else number,
            modify_index=number,
        )
        self.services[service_id] = service
        before = self.checks_of(existing) if existing else []
        for position, definition in enumerate(definitions, start=1):
            suffix = f":{position}" if len(definitions) > 1 else ""
            self._add_check(service, definition, f"service:{service_id}{suffix}", number)
        self._keep_or_remove(service, before, replace=bool(body.get("replace")))
        self._note_change(service, number)

    def register_check(self, definition: dict[str, Any]) -> None:
        """Adds a check to an instance that is registered."""
        _require_ttl(definition)
        service = self.services.get(str(definition.get("serviceid")))
        if service is None:
            raise ApiError(400, f"ServiceID {definition.get('serviceid')!r} does not exist")
        number = self._index.next()
        self._add_check(service, definition, str(definition.get("name")), number)
        self._note_change(service, number)

    def deregister(self, service_id: str) -> None:
        """Removes an instance and its checks. ApiError 404 when there is none."""
        service = self.services.pop(service_id, None)
        if service is None:
            raise ApiError(
                404, f'Unknown service ID "{service_id}". Ensure that the service ID is passed, not the name.'
            )
        number = self._index.next()
        self._note_change(service, number)
        for check_id in service.checks:
            del self.checks[check_id]
            self._on_unhealthy(check_id)

    def deregister_check(self, check_id: str) -> None:
        """Removes a check. ApiError 404 when there is none."""
        check = self._check(check_id)
        del self.checks[check_id]
        service = self.services[check.service_id]
        service.checks.remove(check_id)
        self._note_change(service, self._index.next())
        self._on_unhealthy(check_id)

    def report(self, check_id: str, status: str, output: str) -> None:
        """The state of a check, as its service sees it; starts its TTL anew. ApiError 404: no such check."""
        if status not in STATES:
            raise ApiError(400, f"Invalid check status: '{status}'")
        check = self._check(check_id)
        check.expires_at = self._now() + check.ttl
        self._set_status(check, status, output)

    def critical(self, check_id: str) -> bool | None:
        """Whether a check is critical, None when there is no such check."""
        check = self.checks.get(check_id)
        return None if check is None else check.status == "critical"

    def expire(self) -> None:
        """Turns checks critical that were not renewed, removes services that have been so for too long."""
        for check in list(self.checks.values()):
            if check.expires_at is not None and check.expires_at <= self._now():
                check.expires_at = None
                self._set_status(check, "critical", "TTL expired")
            removal = _removal(check)
            if removal is not None and removal <= self._now() and check.service_id in self.services:
                self.deregister(check.service_id)

    def next_deadline(self) -> float | None:
        """When `expire` has something to do, None if never."""
        times = [time for check in self.checks.values() for time in (check.expires_at, _removal(check))]
        return min((time for time in times if time is not None), default=None)

    def _check(self, check_id: str) -> Check:
        check = self.checks.get(check_id)
        if check is None:
            raise ApiError(
                404, f'Unknown check ID "{check_id}". Ensure that the check ID is passed, not the check name.'
            )
        return check

    def _add_check(self, service: Service, definition: dict[str, Any], default_id: str, number: int) -> None:
        check_id = definition.get("checkid") or definition.get("id") or default_id
        before = self.checks.get(check_id)
        removal = definition.get("deregistercriticalserviceafter")
        ttl = seconds(definition.get("ttl"))
        check = Check(
            id=check_id,
            name=definition.get("name") or f"Service '{service.name}' check",
            notes=definition.get("notes") or "",
            # A service that registers again stays as healthy as it was.
            status=before.status if before else definition.get("status") or "critical",
            output=before.output if before else "",
            service_id=service.id,
            ttl=ttl,
            remove_after=max(seconds(removal), self._remove_after_min) if removal else None,
            create_index=before.create_index if before else number,
            modify_index=number,
            expires_at=self._now() + ttl,
        )
        if check.status == "critical":
            check.critical_since = before.critical_since if before and before.critical_since else self._now()
        self.checks[check_id] = check
        if check_id not in service.checks:
            service.checks.append(check_id)

    def _keep_or_remove(self, service: Service, before: list[Check], *, replace: bool) -> None:
        """Checks that the new registration does not name stay, unless it replaces them."""
        for check in before:
            if check.id in service.checks:
                continue
            if replace:
                del self.checks[check.id]
                self._on_unhealthy(check.id)
            else:
                service.checks.append(check.id)

    def _set_status(self, check: Check, status: str, output: str) -> None:
        check.output = output
        if check.status == status:  # a note alone is no change that anybody waits for
            return
        check.status = status
        check.modify_index = self._index.next()
        check.critical_since = self._now() if status == "critical" else None
        service = self.services[check.service_id]
        self._changed_by_name[service.name] = self.checks_changed_at = check.modify_index
        if status == "critical":
            self._on_unhealthy(check.id)

    def _note_change(self, service: Service, number: int) -> None:
        self._changed_by_name[service.name] = self.changed_at = self.checks_changed_at = number


def _removal(check: Check) -> float | None:
    if check.critical_since is None or check.remove_after is None:
        return None
    return check.critical_since + check.remove_after


def _require_ttl(definition: dict[str, Any]) -> None:
    if not definition.get("ttl") or seconds(definition["ttl"]) <= 0:
        raise ApiError(400, "Only TTL checks are supported: give the check a TTL, such as 10s")
    if definition.get("status") and definition["status"] not in STATES:
        raise ApiError(400, f"Invalid check status: '{definition['status']}'")
