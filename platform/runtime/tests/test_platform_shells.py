"""Packages whose own code waits until it is wanted."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from runtime.launch.shells import delay


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "delayed_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text("from delayed_sample.large import things\nown = 1\n")
    (folder / "large.py").write_text("things = [1, 2, 3]\n")
    (folder / "small.py").write_text("thing = 4\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "delayed_sample"
    for name in [name for name in sys.modules if name.startswith("delayed_sample")]:
        del sys.modules[name]


def test_modules_are_imported_without_the_rest_of_their_package(package):
    """A module of a delayed package can be imported, and what the package would import is not."""
    delay(package)
    assert importlib.import_module("delayed_sample.small").thing == 4
    assert "delayed_sample.large" not in sys.modules


@pytest.mark.parametrize("how", ["from delayed_sample import things", "from delayed_sample import *"])
def test_names_of_the_package_are_there_when_asked_for(package, how):
    """Asking for what the package defines runs it first, with an import of one name or of all."""
    delay(package)
    names: dict = {}
    exec(how, names)  # noqa: S102
    assert names["things"] == [1, 2, 3]
    assert importlib.import_module(package).own == 1


def test_questions_of_tools_do_not_run_it(package):
    """A look at names between double underscores leaves the package as it is."""
    module = delay(package)
    assert getattr(module, "__wrapped__", None) is None
    assert module.__path__
    assert "delayed_sample.large" not in sys.modules


def test_missing_package_is_left_out():
    """A package that is not installed is no error."""
    assert delay("no_such_package_here") is None
    assert delay("no_such_package_here.part") is None


def test_what_is_spared_can_still_be_imported():
    """The forkserver's packages are loaded without their command lines, which remain importable."""
    code = (
        "import sys, runtime.launch.preload; assert not {'rich', 'jinja2'} & set(sys.modules);"
        "import jinja2, httpx; assert httpx.get"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
