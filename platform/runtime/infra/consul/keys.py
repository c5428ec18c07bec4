"""The key-value store: entries, check-and-set, locks held by sessions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from runtime.infra.consul.state import Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key. `lock_index` counts how often a lock on it was acquired."""

    key: str
    value: bytes
    flags: int
    create_index: int
    modify_index: int
    lock_index: int = 0
    session: str = ""


class KeyStore:
    """Keys in one flat name space; a prefix is a folder. Times are of the clock `now`, in seconds."""

    def __init__(self, index: Index, now: Callable[[], float]) -> None:
        self._index = index
        self._now = now
        self._entries: dict[str, Entry] = {}
        self._deleted: dict[str, int] = {}
        self._lock_delays: dict[str, float] = {}

    def get(self, key: str) -> tuple[int, Entry | None]:
        """The entry and the index of its last change; of its deletion when it is gone."""
        entry = self._entries.get(key)
        return (entry.modify_index if entry else self._deleted.get(key, 1)), entry

    def under(self, prefix: str) -> tuple[int, list[Entry]]:
        """The entries whose key starts with `prefix`, by key, and the index of their last change."""
        found = sorted(
            (entry for key, entry in self._entries.items() if key.startswith(prefix)), key=lambda e: e.key
        )
        changes = [entry.modify_index for entry in found]
        deletions = [index for key, index in self._deleted.items() if key.startswith(prefix)]
        return max([1, *changes, *deletions]), found

    def put(self, key: str, value: bytes, flags: int = 0, cas: int | None = None) -> bool:
        """Writes the key; who holds its lock stays.

        With `cas`, only when that is its modify index; 0: only when there is no such key.
        """
        existing = self._entries.get(key)
        if cas is not None and cas != (existing.modify_index if existing else 0):
            return False
        session = existing.session if existing else ""
        lock_index = existing.lock_index if existing else 0
        self._write(key, value, flags, session, lock_index)
        return True

    def acquire(self, key: str, value: bytes, flags: int, session: str) -> bool:
        """Locks and writes the key, unless another session holds it or its lock-delay is not over."""
        existing = self._entries.get(key)
        holder = existing.session if existing else ""
        if holder not in {"", session} or self._lock_delays.get(key, 0.0) > self._now():
            return False
        lock_index = existing.lock_index if existing else 0
        self._write(key, value, flags, session, lock_index + (holder != session))
        return True

    def release(self, key: str, value: bytes, flags: int, session: str) -> bool:
        """Writes and unlocks the key, if `session` holds it."""
        existing = self._entries.get(key)
        if existing is None or existing.session != session:
            return False
        self._write(key, value, flags, "", existing.lock_index)
        return True

    def delete(self, key: str, cas: int | None = None) -> bool:
        """Deletes the key, whoever holds it. With `cas`, only when that is its modify index."""
        existing = self._entries.get(key)
        if existing is None:
            return True
        if cas is not None and cas != existing.modify_index:
            return False
        self._remove([key])
        return True

    def delete_under(self, prefix: str) -> None:
        """Deletes all keys that start with `prefix`."""
        self._remove([key for key in self._entries if key.startswith(prefix)])

    def end_session(self, session: str, *, delete: bool, lock_delay: float) -> None:
        """Releases, or deletes, what `session` holds; nobody gets those locks before the delay is over."""
        held = [key for key, entry in self._entries.items() if entry.session == session]
        if delete:
            self._remove(held)
        for key in held:
            if not delete:
                entry = self._entries[key]
                self._entries[key] = replace(entry, session="", modify_index=self._index.next())
            if lock_delay > 0:
                self._lock_delays[key] = self._now() + lock_delay

    def _write(self, key: str, value: bytes, flags: int, session: str, lock_index: int) -> None:
        existing = self._entries.get(key)
        entry = Entry(
            key=key,
            value=value,
            flags=flags,
            session=session,
            lock_index=lock_index,
            create_index=existing.create_index if existing else 0,
            modify_index=existing.modify_index if existing else 0,
        )
        if entry == existing:  # no change, no new index
            return
        number = self._index.next()
        self._entries[key] = replace(entry, modify_index=number, create_index=entry.create_index or number)
        self._deleted.pop(key, None)

    def _remove(self, keys: list[str]) -> None:
        if not keys:
            return
        number = self._index.next()
        for key in keys:
            del self._entries[key]
            self._deleted[key] = number


def names(entries: list[Entry], prefix: str, separator: str) -> list[str]:
    """The keys of `entries`, each cut behind the first `separator` after `prefix`."""

    def cut() -> Iterator[str]:
        for entry in entries:
            end = entry.key.find(separator, len(prefix)) if separator else -1
            yield entry.key if end < 0 else entry.key[: end + len(separator)]

    return list(dict.fromkeys(cut()))
