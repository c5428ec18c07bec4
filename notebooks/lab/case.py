"""One incident as a learner meets it: the page, the platform, the evidence, the patch, the score."""

from __future__ import annotations

import ast
import atexit
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from IPython.display import HTML, Code, Markdown, display

from grading.notebook import Notebook, notebook_find
from grading.paths import SCENARIOS, WORKSPACES
from grading.score import TestResult
from grading.workspace import Workspace, workspace_new, workspace_open
from lab.errors import LabError
from lab.market import Market, until
from lab.style import coloured, noted, one_line, table, use_house_style
from runtime import Platform

#: The line of a traceback that names the error.
_ERROR = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Failed)(?::|$)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
#: Folders of a workspace whose code every service runs.
_COMMON = ("shared", "proto", "config")


class Incident:
    """Holds a workspace and the platform that runs it, for as long as the notebook's kernel lives."""

    def __init__(self, notebook: Notebook, workspace: Workspace) -> None:
        self.notebook = notebook
        self.workspace = workspace
        self._platform: Platform | None = None
        self._market: Market | None = None
        self._running: dict[str, str] = {}

    # -- the page and the platform ----------------------------------------------------------------

    def page(self) -> Markdown:
        """What the pager says."""
        scenario = SCENARIOS / f"{self.notebook.name}.md"
        if not scenario.is_file():
            raise LabError(f"{scenario} is missing: is this a complete checkout of the course?")
        return _markdown(scenario.read_text(encoding="utf-8"))

    def start(self) -> HTML:
        """Starts the ten services on the workspace's code; returns the table of what runs.

        A service that does not come up is shown with its last log lines; the others stay.
        """
        self.stop()
        platform = Platform(tree=self.workspace.folder)
        with _progress("Starting PostgreSQL, Redis, Kafka, Consul and ten services") as said:
            platform.start(progress=lambda step: said(str(step)), strict=False)
        self._platform = platform
        self._running = self._fingerprints()
        atexit.register(self.stop)
        return self.status()

    def stop(self) -> None:
        """Stops the platform; harmless when none runs."""
        atexit.unregister(self.stop)
        if self._market is not None:
            self._market.close()
            self._market = None
        if self._platform is not None:
            self._platform.stop()
            self._platform = None

    @property
    def platform(self) -> Platform:
        """The running platform; LabError when it was not started."""
        if self._platform is None:
            raise LabError("the platform is not running: run the cell with incident.start() first")
        return self._platform

    @property
    def market(self) -> Market:
        """Makes traders and symbols on the running platform."""
        if self._market is None:
            self._market = Market(self.platform)
        return self._market

    def status(self) -> HTML:
        """Every service with its port, health and memory."""
        rows = [
            (
                part.service,
                str(part.port or "–"),
                coloured("healthy" if part.healthy else "not healthy", good=part.healthy),
                round(part.pss_mib, 1),
                part.restarts,
            )
            for part in self.platform.status()
        ]
        for service, tail in self.platform.failed.items():
            display(Markdown(f"**{service} did not come up.** Its last lines:\n```\n{tail}\n```"))
        return table(("part", "port", "health", "memory, MiB", "restarts"), rows)

    # -- evidence ---------------------------------------------------------------------------------

    def logs(self, service: str | None = None, *, tail: int = 30, **equals: Any) -> HTML:
        """Log lines, in the order of time, whose fields equal what is given, such as order_id="…"."""
        hidden = {"timestamp", "service", "event", "level", "component", "trace_id", "span_id", "exception"}
        rows = [
            (
                str(line.get("timestamp", ""))[11:23],
                line["service"],
                line.get("event", ""),
                "  ".join(
                    f"{name}={value}" for name, value in (line | _raised(line)).items() if name not in hidden
                ),
            )
            for line in self.platform.logs(service, tail=tail, **equals)
        ]
        return table(("time, UTC", "service", "event", "fields"), rows)

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of one trace, once no new ones arrive for a moment; give them to charts.waterfall."""
        seen: list[int] = []

        def settled() -> bool:
            seen.append(len(self.platform.traces(trace_id)))
            return len(seen) > 8 and seen[-1] > 0 and len(set(seen[-8:])) == 1

        until(settled, message=f"the spans of trace {trace_id}")
        return self.platform.traces(trace_id)

    def sql(self, database: str, query: str, *params: Any) -> HTML:
        """Runs one statement on "orders_db", "users_db" or "audit_db" and returns its rows as a table."""
        rows = self.platform.sql(database, query, params)
        return table(tuple(rows[0]) if rows else ("no rows",), [tuple(row.values()) for row in rows])

    def requests(self, service: str) -> HTML:
        """What a service answered since its start: a row for each route, with its mean time."""
        answers: dict[str, dict[str, int]] = {}
        sums: dict[tuple[str, str], float] = {}
        for sample, value in self.platform.metrics(service).items():
            name, _, labels = sample.partition("{")
            found = dict(_LABEL.findall(labels))
            route = f"{found.get('method', '')} {found.get('route', '')}"
            if name == "http_requests_total":
                answers.setdefault(route, {})[found["status"]] = int(value)
            elif name.startswith("http_request_duration_seconds"):
                sums[route, name.rpartition("_")[2]] = value
        rows = [
            (
                route,
                ", ".join(f"{count:,} × {status}" for status, count in sorted(by_status.items())),
                round(1e3 * sums[route, "sum"] / sums[route, "count"], 1),
            )
            for route, by_status in sorted(answers.items())
            if sums.get((route, "count"))
        ]
        return table(("request", "answers", "mean, ms"), rows, caption=service)

    def metrics(self, service: str, name: str = "") -> HTML:
        """What a service counts: the samples whose name holds this text."""
        samples = self.platform.metrics(service)
        return table(
            ("metric", "value"),
            [(key, value) for key, value in sorted(samples.items()) if name in key and "_bucket" not in key],
        )

    def source(self, path: str, name: str) -> Code:
        """A function or class of the workspace's code, as it stands now."""
        text = (self.workspace.folder / path).read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if getattr(node, "name", None) == name:
                return Code(ast.get_source_segment(text, node) or "", language="python")
        raise LabError(f"{path} has no {name}")

    # -- patching ---------------------------------------------------------------------------------

    def diff(self) -> Markdown:
        """The learner's patch so far."""
        text = self._git("diff", "HEAD", "--", ".")
        return Markdown(f"```diff\n{text}\n```" if text.strip() else "Nothing is changed yet.")

    def touched(self) -> list[str]:
        """Files that differ from the workspace as handed out."""
        lines = self._git("status", "--porcelain", "--untracked-files=all").splitlines()
        return [line[3:] for line in lines]

    def changed(self) -> list[str]:
        """Names of the services whose code differs from what they run."""
        now = self._fingerprints()
        if any(now[part] != self._running.get(part) for part in _COMMON):
            return list(self.platform.services)
        return [
            name
            for name in self.platform.services
            if now[_package(name)] != self._running.get(_package(name))
        ]

    def restart(self) -> HTML:
        """Restarts the services whose code has changed or that are down, and waits until they are healthy."""
        names = sorted({*self.changed(), *self.platform.failed})
        if not names:
            display(Markdown("No service's code has changed since it was started: nothing to restart."))
            return self.status()
        now = self._fingerprints()
        # Until all are up, what was changed counts as not running: a second attempt takes it up again.
        self._running = {part: text for part, text in self._running.items() if now.get(part) == text}
        with _progress(f"Restarting {', '.join(names)}") as said:
            said("")
            self.platform.restart_all(names)
        self._running = now
        display(Markdown(f"Restarted with the new code: **{', '.join(names)}**."))
        return self.status()

    def _fingerprints(self) -> dict[str, str]:
        """For every part of the code, git's name of its present contents."""
        parts = [*_COMMON, *(_package(name) for name in self.platform.services)]
        folders = [part if part in _COMMON else f"services/{part}" for part in parts]
        return {part: self._contents(folder) for part, folder in zip(parts, folders, strict=True)}

    def _contents(self, folder: str) -> str:
        files = sorted(
            path
            for path in (self.workspace.folder / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        )
        names = "\n".join(str(path.relative_to(self.workspace.folder)) for path in files)
        if not names:
            return ""
        return names + self._git("hash-object", "--stdin-paths", stdin=names)

    def _git(self, *words: str, stdin: str | None = None) -> str:
        result = subprocess.run(
            ["git", *words],
            cwd=self.workspace.folder,
            capture_output=True,
            text=True,
            check=False,
            input=stdin,
        )
        if result.returncode:
            raise LabError(f"git {words[0]} failed in {self.workspace.folder}: {result.stderr.strip()}")
        return result.stdout

    # -- writing down and scoring -----------------------------------------------------------------

    def diagnosis(self, text: str) -> Markdown:
        """Keeps the learner's diagnosis beside the code, in DIAGNOSIS.md."""
        words = " ".join(text.split())
        if len(words) < 40:
            return Markdown("_Write two or three sentences: what happens, in which order, and why._")
        (self.workspace.folder / "DIAGNOSIS.md").write_text(text.strip() + "\n", encoding="utf-8")
        return _markdown(f"Kept in `DIAGNOSIS.md`:\n\n> {words}")

    def score(self) -> HTML:
        """Runs the course's tests for this incident's bugs against the workspace, in a fresh process."""
        from grading import manifest
        from grading.play import killers
        from grading.run import run_submission
        from grading.score import notebook_score
        from lab.checks import checks_so_far

        cases = manifest.cases_of(killers(self.workspace), manifest.load())
        with _progress("Running the course's tests") as said:
            run = run_submission(
                self.workspace.folder, cases, progress=lambda done, total, _: said(f"{done} of {total}")
            )
        if run.verdict == "invalid":
            raise LabError(f"no score can be given: {run.reason}")
        results = (*run.results, *checks_so_far(self.notebook))
        rows = [
            (
                coloured(result.outcome, good=result.passed),
                result.case.id if result.passed else noted(result.case.id, _why(result)),
                result.case.category,
                result.case.weight,
            )
            for result in results
        ]
        points = notebook_score(results, regressed=False)
        return table(("outcome", "test", "category", "weight"), rows, caption=f"{points:g} of 100 points")


def incident(name: str) -> Incident:
    """Opens a notebook's workspace, made on first use under `workspaces/`, and sets up the notebook.

    The learner's changes in an existing workspace stay. LabError or GradingError when it cannot be opened.
    """
    from lab.checks import install

    notebook = notebook_find(name)
    given = os.environ.get("NEXUS_WORKSPACE")
    folder = Path(given) if given else WORKSPACES / notebook.name
    if folder.exists():
        opened = workspace_open(folder)
    else:
        opened = workspace_new(folder.name, notebook.bugs, into=folder.parent)
    use_house_style()
    made = Incident(notebook, opened)
    install(made)
    shown = folder if not folder.is_relative_to(Path.cwd().parent) else folder.relative_to(Path.cwd().parent)
    display(Markdown(f"The code that you are on call for: `{shown}`"))
    touched = made.touched()
    if touched:
        files = ", ".join(f"`{name}`" for name in touched)
        display(Markdown(f"You have changed it before: {files}. To begin afresh, delete that folder."))
    return made


def _markdown(text: str) -> Markdown:
    # JupyterLab looks for formulas between dollar signs twice: in the text, where only an entity escapes,
    # and in the HTML made of it, where a formula ends with its element.
    return Markdown(text.replace("$", "<span>&#36;</span>"))


def _why(result: TestResult) -> str:
    if result.outcome == "missing" and result.case.category == "notebook":
        return "its cell has not run since the kernel was started"
    return one_line(result.message)


def _raised(line: dict[str, Any]) -> dict[str, str]:
    """The last line of a logged traceback and the line of code that it came from, in few words."""
    told = str(line.get("exception") or "").strip().splitlines()
    places = [text.strip() for text in told if text.lstrip().startswith("File ") and "/services/" in text]
    at = (
        {"at": places[-1].rpartition("/services/")[2].replace('", line ', ":").partition(",")[0]}
        if places
        else {}
    )
    # What a database says about a statement goes on for some lines after the error's own.
    named = [text for text in told if _ERROR.match(text)]
    return {"raised": (named or told)[-1].strip(), **at} if told else {}


def _package(service: str) -> str:
    return service.replace("-", "_")


class _progress:  # noqa: N801 -- reads as a verb where it is used
    """Shows one line that changes while something long runs, and takes it away at the end."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._handle: Any = None

    def __enter__(self) -> Self:
        self._handle = display(Markdown(f"_{self._title} …_"), display_id=True)
        return self

    def __call__(self, text: str) -> None:
        if self._handle is not None and text:
            self._handle.update(Markdown(f"_{self._title}: {text}_"))
        elif self._handle is None:
            print(self._title, text, file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            self._handle.update(Markdown(""))


__all__: Sequence[str] = ("Incident", "incident")
