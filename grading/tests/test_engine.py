"""Notebooks run to their end, whatever their cells do."""

import nbformat
import pytest

from grading import engine
from grading.errors import GradingError
from grading.notebook import CHECK, EVIDENCE, expected_tests, judge_checks, notebook_find, notebooks


def code(source, *tags, **nexus):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags), "nexus": nexus})


def run(tmp_path, *cells):
    notebook = nbformat.v4.new_notebook(
        cells=list(cells),
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    executed = engine.execute(notebook, tmp_path / "executed.ipynb", cwd=tmp_path)
    return [engine.status(cell) for cell in executed.cells], executed


def test_a_failing_cell_does_not_keep_later_ones_from_running(tmp_path):
    """A failed check is a result; the notebook goes on, and nothing is pasted into it."""
    statuses, executed = run(tmp_path, code("x = 1"), code("1 / 0"), code("x + 1"))
    assert statuses == [engine.COMPLETED, engine.FAILED, engine.COMPLETED]
    assert executed.cells[2].outputs[0]["data"]["text/plain"] == "2"
    assert len(executed.cells) == 3


def test_a_cell_that_hangs_is_interrupted(tmp_path):
    """The time limit is the cell's own, and the kernel lives on."""
    statuses, _ = run(tmp_path, code("while True: pass", timeout=2), code("1"))
    assert statuses == [engine.TIMED_OUT, engine.COMPLETED]


def test_a_dead_kernel_is_reported_with_every_cell_that_it_took_down(tmp_path):
    """Cells after the death never count as run."""
    statuses, _ = run(tmp_path, code("1"), code("import os; os._exit(1)"), code("2"))
    assert statuses == [engine.COMPLETED, engine.KERNEL_DIED, engine.NOT_RUN]


def test_leaving_the_interpreter_politely_completes_nothing_after_it(tmp_path):
    """`sys.exit(0)` raises in a kernel; the next cell runs and counts by itself."""
    statuses, _ = run(tmp_path, code("import sys; sys.exit(0)"), code("2"))
    assert statuses[0] != engine.COMPLETED or statuses[1] == engine.COMPLETED


def test_the_executed_notebook_is_on_disk_with_its_outputs(tmp_path):
    """Nothing is lost: the file has what the run printed."""
    run(tmp_path, code("print('seen')"))
    stored = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    assert stored.cells[0].outputs[0]["text"] == "seen\n"


def test_tests_are_read_from_check_cells():
    """Names come from the source of the pristine notebook, not from what a run claims."""
    cell = code("%%ipytest\ndef test_a():\n    assert 1\n\ndef helper(): ...\n\ndef test_b(): ...", CHECK)
    assert expected_tests(cell) == ["test_a", "test_b"]
    assert expected_tests(code("def test_c(): ...")) == []


def _judged(cell_output, status):
    notebook = notebook_find("01")
    cells = notebook.read()
    for cell in cells.cells:
        if cell.cell_type == "code":
            cell.metadata["nexus"] = {"status": status}
            if CHECK in cell.metadata.get("tags", ()):
                names = expected_tests(cell)
                cell.outputs = [
                    nbformat.v4.new_output(
                        "display_data", data={EVIDENCE: {"tests": dict.fromkeys(names, cell_output)}}
                    )
                ]
    return {result.outcome for result in judge_checks(notebook, cells) if "learners" not in result.case.id}


def test_evidence_counts_only_from_a_cell_that_ran():
    """A claim in a cell that did not complete is no evidence."""
    assert _judged("passed", engine.COMPLETED) == {"passed"}
    assert _judged("passed", engine.FAILED) == {"missing"}
    assert _judged("failed", engine.FAILED) == {"failed"}
    assert _judged("passed", engine.NOT_RUN) == {"missing"}


def test_a_notebook_is_found_by_number_name_and_path():
    """A wrong name is answered with the right ones."""
    assert notebook_find("01") == notebook_find("01-order-exposure-breach")
    assert notebook_find("notebooks/01-order-exposure-breach.ipynb").name == "01-order-exposure-breach"
    with pytest.raises(GradingError, match="00-welcome"):
        notebook_find("77")


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda notebook: notebook.name)
def test_a_notebook_is_stored_clean(notebook):
    """No outputs, short cells, a set-up cell, checks; an incident names no bug of the catalogue."""
    cells = notebook.read().cells
    incident = notebook.name[0].isdigit()
    for cell in cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert len(cell.source.splitlines()) < 15
        assert not [bug.id for bug in notebook.bugs if incident and bug.id in cell.source]
    assert notebook.cases()
    assert any("setup" in cell.metadata.get("tags", ()) for cell in cells)
