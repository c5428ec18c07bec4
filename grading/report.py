"""The HTML report of a played notebook: the score first, then the executed notebook. One file, no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from grading.paths import ROOT

if TYPE_CHECKING:  # play writes reports, and a report shows what was played
    from grading.play import Played

_TEMPLATES = Path(__file__).parent / "templates"


def render(played: Played, executed: NotebookNode) -> str:
    """Returns the report as a self-contained HTML page."""
    body, _ = HTMLExporter(
        template_name="basic", embed_images=True, exclude_input_prompt=True, exclude_output_prompt=True
    ).from_notebook_node(executed)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    own = {test for bug in played.notebook.bugs for test in bug.killers}
    judged = [r for r in played.results if r.case.id in own or r.case.category == "notebook"]
    rest = [r for r in played.results if r not in judged]
    return environment.get_template("report.html.j2").render(
        played=played,
        shorten=_shorten,
        judged=sorted(judged, key=lambda result: (result.passed, result.case.id)),
        rest=sorted(rest, key=lambda result: (result.passed, result.case.id)),
        notebook=Markup(body),  # noqa: S704 -- nbconvert has escaped what the notebook printed
        highlighting=Markup(HtmlFormatter().get_style_defs(".highlight")),  # noqa: S704 -- a constant style
        style=Markup((_TEMPLATES / "report.css").read_text("utf-8")),  # noqa: S704 -- our own file
        version=(ROOT / "pyproject.toml").read_text("utf-8").split('version = "')[1].split('"')[0],
    )


def _shorten(message: str, width: int = 240) -> str:
    """The first line of a failure; of a long one its end, where pytest puts what was compared."""
    line = message.splitlines()[0] if message else ""
    return line if len(line) <= width else f"… {line[-width:]}"
