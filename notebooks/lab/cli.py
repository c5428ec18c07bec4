"""The `nexus` command line. Heavy imports wait until a command needs them: `--help` answers at once."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="nexus",
    help="NexusTrade Incident Lab: a course in debugging distributed systems.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bugs_app = typer.Typer(help="The catalogue of bugs.", no_args_is_help=True)
app.add_typer(bugs_app, name="bugs")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Place = Annotated[
    Path | None,
    typer.Argument(help="A workspace's folder. Default: the folder you are in, or the correct tree."),
]


class Backend(StrEnum):
    """What the platform runs on."""

    embedded = "embedded"
    compose = "compose"
    external = "external"


def main() -> None:
    """Runs a command; every refusal is one line on stderr and exit status 1."""
    from grading.errors import GradingError
    from lab.errors import LabError
    from runtime.errors import RuntimeFault

    try:
        app(prog_name="nexus")
    except (GradingError, RuntimeFault, LabError) as error:
        _die(" ".join(str(error).split()))
    except KeyboardInterrupt:
        _die("stopped", status=130)
    except BrokenPipeError:
        # The reader of a pipe has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def _die(text: str, *, status: int = 1) -> None:
    print(f"nexus: {text}", file=sys.stderr)
    raise SystemExit(status)


def _write_json(target: Path, value: Any) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


# --- playing ---------------------------------------------------------------------------------


@app.command()
def lab(
    notebook: Annotated[str, typer.Argument(help="Number, letter or name, such as 01.")] = "00-welcome",
    port: Annotated[int, typer.Option(help="JupyterLab's port; 0 takes a free one.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Open JupyterLab on the course."""
    from lab.jupyter import serve

    serve(notebook, port=port, browser=browser)


@app.command()
def play(
    notebook: Annotated[str, typer.Argument(help="Number, letter or name, such as 01.")],
    solve: Annotated[
        bool, typer.Option("--solve", help="Put the reference fix into the patch cell.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Where the files go. Default: out/NOTEBOOK.")] = None,
) -> None:
    """Play a notebook headless and print its score."""
    from lab.commands import play_command

    raise SystemExit(play_command(notebook, solve=solve, out=out))


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The workspace's name.")],
    bugs: Annotated[str, typer.Option(help="Bugs, categories or all: G1,F,all.")],
    into: Annotated[Path | None, typer.Option(help="The folder to make it in. Default: workspaces/.")] = None,
) -> None:
    """Make a workspace: a tree with these bugs in it, yours to repair."""
    from lab.commands import new_command

    new_command(name, bugs, into=into)


@app.command()
def grade(
    paths: Annotated[list[Path], typer.Argument(help="Workspaces to grade.")],
    bugs: Annotated[
        str | None, typer.Option(help="Their bugs, where this machine did not make them.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the results go.")] = Path("out/grades"),
) -> None:
    """Grade submissions: run the course's own tests against each."""
    from lab.commands import grade_command

    raise SystemExit(grade_command(paths, bugs=bugs, out=out))


# --- the platform ----------------------------------------------------------------------------


@app.command()
def up(
    place: Place = None,
    backend: Annotated[Backend, typer.Option(help="What it runs on.")] = Backend.embedded,
) -> None:
    """Start the platform and leave it running."""
    from runtime import commands

    commands.up(_tree(place), backend=backend.value)


@app.command()
def down(place: Place = None, backend: Annotated[Backend, typer.Option()] = Backend.embedded) -> None:
    """Stop the platform; nothing of it stays behind."""
    from runtime import commands

    commands.down(_tree(place), backend=backend.value)


@app.command()
def status(
    place: Place = None,
    as_json: Json = False,
    backend: Annotated[Backend, typer.Option()] = Backend.embedded,
) -> None:
    """Show every part: port, health, memory, restarts."""
    from runtime import commands

    commands.status(_tree(place), backend=backend.value, as_json=as_json)


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="One service; default: all of them.")] = None,
    place: Annotated[Path | None, typer.Option("--workspace", "-w", help="A workspace's folder.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines arrive.")] = False,
    tail: Annotated[int, typer.Option("--tail", "-n", help="Lines to begin with.")] = 50,
) -> None:
    """Show log lines, in the order of time."""
    from runtime import commands

    service = _service(service) if service else None
    commands.logs(_tree(place), service=service, follow=follow, tail=tail)


@app.command()
def restart(
    service: Annotated[str, typer.Argument(help="A service, such as risk.")],
    place: Annotated[Path | None, typer.Option("--workspace", "-w", help="A workspace's folder.")] = None,
    backend: Annotated[Backend, typer.Option()] = Backend.embedded,
) -> None:
    """Restart one service, with the code as it is now."""
    from runtime import commands

    commands.restart(_tree(place), _service(service), backend=backend.value)


def _service(name: str) -> str:
    """A service's name as the platform has it; LabError with the known names."""
    from lab.errors import LabError
    from runtime.names import service_name

    try:
        return service_name(name)
    except KeyError as error:
        raise LabError(error.args[0]) from None


def _tree(place: Path | None) -> Path:
    """A workspace that was named or that we stand in; otherwise the correct tree."""
    from grading.paths import TREE
    from lab.errors import LabError

    if place is not None:
        if not (place / "services").is_dir():
            raise LabError(f"{place} is no workspace: it has no services/ folder")
        return place.resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "services").is_dir() and (folder / "shared").is_dir():
            return folder
    return TREE


# --- bugs ------------------------------------------------------------------------------------


@bugs_app.command("list")
def bugs_list(as_json: Json = False) -> None:
    """List the bugs that can be put in."""
    from lab.commands import bugs_list_command

    bugs_list_command(as_json=as_json)


@bugs_app.command("check")
def bugs_check() -> None:
    """Check that every patch applies, reverts and gives nothing away."""
    from lab.commands import bugs_check_command

    raise SystemExit(bugs_check_command())


@bugs_app.command("matrix")
def bugs_matrix(
    category: Annotated[str, typer.Option(help="Bugs or categories: A,B. Default: all.")] = "all",
    target: Annotated[Path | None, typer.Option("--json", help="Write the matrix to this file.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Store what was found beside the bugs.")] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="The whole suite on every bug, not on groups first. Takes hours.")
    ] = False,
    stored: Annotated[
        bool, typer.Option("--stored", help="Only the stored tests of every bug: they must fail.")
    ] = False,
) -> None:
    """Find the tests that each bug alone turns red and compare with what is stored."""
    from lab.commands import bugs_matrix_command

    raise SystemExit(bugs_matrix_command(category, target=target, write=write, exact=exact, stored=stored))


@bugs_app.command("manifest")
def bugs_manifest(write: Annotated[bool, typer.Option("--write", help="Store it.")] = False) -> None:
    """Compare the stored list of tests with what the tree holds."""
    from lab.commands import bugs_manifest_command

    raise SystemExit(bugs_manifest_command(write=write))


# --- the project itself ----------------------------------------------------------------------


@app.command(
    "test",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": ["--help"],
    },
)
def run_tests(
    context: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Add lint, every bug on its stored tests, and the notebooks.")
    ] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="Count lines, in the services too.")] = False,
    repeat: Annotated[int, typer.Option(min=1, help="Run the tree's tests this many times.")] = 1,
) -> None:
    """Run the project's tests. Words after -- go to pytest."""
    from lab.selftest import run_all

    raise SystemExit(run_all(full=full, coverage=coverage, repeat=repeat, words=context.args))


@app.command()
def bench(
    only: Annotated[str | None, typer.Option(help="Only seat, verdict, orders or engine.")] = None,
    target: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when a target is missed.")] = False,
) -> None:
    """Measure the performance contract, side by side with its peers."""
    from lab.bench import bench_command

    raise SystemExit(bench_command(only=only, target=target, strict=strict))
