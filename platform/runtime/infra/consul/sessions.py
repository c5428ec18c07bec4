"""Sessions: what locks are held by. One ends when it is destroyed, not renewed in time, or sick."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runtime.infra.consul.keys import KeyStore
from runtime.infra.consul.state import NODE, NODE_CHECK, ApiError, Index, seconds

_TTL_MAX = 86_400.0
_LOCK_DELAY_MAX = 60.0
_LOCK_DELAY_DEFAULT = 15.0


@dataclass(slots=True, kw_only=True)
class Session:
    """One session; `expires_at` is None without a TTL."""

    id: str
    name: str
    lock_delay: float
    behavior: str
    ttl_text: str
    checks: list[str]
    index: int
    expires_at: float | None


class SessionStore:
    """The live sessions. `critical(check id)` says whether a check is, None when there is no such check."""

    def __init__(
        self,
        index: Index,
        now: Callable[[], float],
        keys: KeyStore,
        critical: Callable[[str], bool | None],
        *,
        ttl_min: float,
    ) -> None:
        self._index = index
        self._now = now
        self._keys = keys
        self._critical = critical
        self._ttl_min = ttl_min
        self._sessions: dict[str, Session] = {}
        self.changed_at = 1

    def create(self, body: dict[str, Any]) -> str:
        """Makes a session from a request's body, its keys in lower case; returns the id."""
        behavior = body.get("behavior") or "release"
        if behavior not in {"release", "delete"}:
            raise ApiError(400, f"Invalid Behavior setting {behavior!r}")
        ttl = self._ttl(body.get("ttl"))
        checks = self._checks(body)
        session = Session(
            id=str(uuid.uuid4()),
            name=body.get("name") or "",
            lock_delay=min(seconds(body.get("lockdelay"), _LOCK_DELAY_DEFAULT), _LOCK_DELAY_MAX),
            behavior=behavior,
            ttl_text=str(body.get("ttl") or ""),
            checks=checks,
            index=self._changed(),
            expires_at=self._now() + ttl if ttl else None,
        )
        self._sessions[session.id] = session
        return session.id

    def get(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def all(self) -> list[Session]:
        return list(self._sessions.values())

    def renew(self, session_id: str) -> Session:
        """Starts the TTL anew. ApiError 404 when the session has ended."""
        session = self._sessions.get(session_id)
        if session is None:
            raise ApiError(404, f"Session id '{session_id}' not found")
        if session.expires_at is not None:
            session.expires_at = self._now() + seconds(session.ttl_text)
        return session

    def destroy(self, session_id: str) -> None:
        """Ends a session, and with it its locks; nothing happens when there is none."""
        session = self._sessions.pop(session_id, None)
        if session is None:
            return
        self._changed()
        self._keys.end_session(session.id, delete=session.behavior == "delete", lock_delay=session.lock_delay)

    def end_by_check(self, check_id: str) -> None:
        """Ends the sessions that depend on a check that became critical or is gone."""
        for session in self.all():
            if check_id in session.checks:
                self.destroy(session.id)

    def expire(self) -> None:
        """Ends the sessions whose TTL is over."""
        for session in self.all():
            if session.expires_at is not None and session.expires_at <= self._now():
                self.destroy(session.id)

    def next_deadline(self) -> float | None:
        """When `expire` has something to do, None if never."""
        return min((s.expires_at for s in self._sessions.values() if s.expires_at is not None), default=None)

    def require(self, session_id: str) -> None:
        """ApiError 500, as Consul's, when there is no such session."""
        if session_id not in self._sessions:
            raise ApiError(500, f'invalid session "{session_id}"')

    def _ttl(self, text: str | None) -> float:
        ttl = seconds(text)
        if text and not self._ttl_min <= ttl <= _TTL_MAX:
            raise ApiError(400, f"Invalid Session TTL '{text}', must be between [{self._ttl_min:g}s=24h0m0s]")
        return ttl

    def _checks(self, body: dict[str, Any]) -> list[str]:
        node = body.get("node")
        if node not in {None, "", NODE}:
            raise ApiError(500, f'Missing node registration "{node}"')
        named = [body.get(name) for name in ("checks", "nodechecks", "servicechecks")]
        if all(checks is None for checks in named):
            return [NODE_CHECK]
        checks = [
            check["ID"] if isinstance(check, dict) else str(check) for group in named for check in group or ()
        ]
        for check in checks:
            critical = self._critical(check)
            if critical is None:
                raise ApiError(500, f"Missing check '{check}' registration")
            if critical:
                raise ApiError(500, f"Check '{check}' is in critical state")
        return checks

    def _changed(self) -> int:
        self.changed_at = self._index.next()
        return self.changed_at
