"""The bugs, found by walking `grading/bugs/<category>/<ID>-<slug>/`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from grading.errors import CatalogueBroken, UnknownBug
from grading.paths import BUGS

_FOLDER = re.compile(r"^(?P<id>[A-L]\d{1,2})-[a-z0-9-]+$")
_FILES = ("inject.patch", "bug.toml", "explanation.md")
SEVERITIES = ("P1", "P2", "P3", "P4")


@dataclass(frozen=True, kw_only=True)
class Bug:
    """One entry of the catalogue. `killers` are the tests that it alone turns red."""

    id: str
    title: str
    category: str
    services: tuple[str, ...]
    severity: str
    requires: tuple[str, ...]
    symptom: str
    hints: tuple[str, str, str]
    minutes: int
    reading: tuple[str, ...]
    killers: tuple[str, ...]
    folder: Path

    @property
    def patch(self) -> Path:
        return self.folder / "inject.patch"

    @property
    def explanation(self) -> Path:
        return self.folder / "explanation.md"

    @property
    def killers_file(self) -> Path:
        return self.folder / "killers.json"

    def as_json(self) -> dict[str, Any]:
        """The metadata without the explanation."""
        return {
            "id": self.id,
            "title": self.title,
            "category": self.category,
            "services": list(self.services),
            "severity": self.severity,
            "requires": list(self.requires),
            "symptom": self.symptom,
            "hints": list(self.hints),
            "minutes": self.minutes,
            "reading": list(self.reading),
            "killers": list(self.killers),
        }


def load(folder: Path) -> Bug:
    """Reads one bug folder; CatalogueBroken names what is missing or wrong."""
    match = _FOLDER.match(folder.name)
    if match is None:
        raise CatalogueBroken(f"{folder}: a bug folder is named <ID>-<slug>, such as G1-exposure-check")
    for name in _FILES:
        if not (folder / name).is_file():
            raise CatalogueBroken(f"{folder}: {name} is missing")
    try:
        meta = tomllib.loads((folder / "bug.toml").read_text(encoding="utf-8"))
        killers = folder / "killers.json"
        bug = Bug(
            id=meta["id"],
            title=meta["title"],
            category=meta["category"],
            services=tuple(meta["services"]),
            severity=meta["severity"],
            requires=tuple(meta.get("requires", ())),
            symptom=meta["symptom"],
            hints=tuple(meta["hints"]),
            minutes=meta["minutes"],
            reading=tuple(meta["reading"]),
            killers=tuple(json.loads(killers.read_text(encoding="utf-8"))) if killers.is_file() else (),
            folder=folder,
        )
    except (KeyError, tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise CatalogueBroken(f"{folder}: {type(error).__name__}: {error}") from error
    if bug.id != match["id"] or bug.category != folder.parent.name or bug.id[0] != bug.category:
        raise CatalogueBroken(f"{folder}: id {bug.id} and category {bug.category} do not fit the folder")
    if len(bug.hints) != 3 or bug.severity not in SEVERITIES or not bug.services:
        raise CatalogueBroken(f"{folder}: three hints, a severity of {SEVERITIES} and a service are needed")
    return bug


@cache
def bugs() -> tuple[Bug, ...]:
    """All bugs, ordered by category and number."""
    found = [load(folder) for folder in sorted(BUGS.glob("*/*")) if folder.is_dir()]
    return tuple(sorted(found, key=lambda bug: (bug.category, int(bug.id[1:]))))


def select(names: str | Iterable[str]) -> tuple[Bug, ...]:
    """Bugs by id, category or `all`, in catalogue order: `select("G1,F")`; `""` selects none.

    Raises UnknownBug for a name that selects nothing.
    """
    words = names.split(",") if isinstance(names, str) else list(names)
    wanted: set[str] = set()
    for word in (word.strip() for word in words):
        if not word:
            continue
        ids = {bug.id for bug in bugs() if word.lower() == "all" or word.upper() in {bug.id, bug.category}}
        if not ids:
            known = ", ".join(bug.id for bug in bugs()) or "none yet"
            raise UnknownBug(f"there is no bug or category {word!r}; known: {known}, or all")
        wanted |= ids
    return tuple(bug for bug in bugs() if bug.id in wanted)
