"""The papermill engine of the course, on nbclient.

It differs from papermill's own in three ways: a cell that raises does not keep later cells from
running (a failed check is a result, not the end), every cell has a time limit, and a dead kernel is
reported as such with every cell that it took down.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.execute import prepare_notebook_metadata
from traitlets.config import Config

ENGINE = "nexus"
CELL_SECONDS = 300

#: What became of a code cell; kept in its metadata under `nexus.status`.
COMPLETED, FAILED, TIMED_OUT, KERNEL_DIED, NOT_RUN = (
    "completed",
    "failed",
    "timed out",
    "kernel died",
    "not run",
)

#: What a cell shows whose time ran out; its kernel is interrupted and the next cell may run.
_TIMEOUT = {"ename": "CellTimeout", "evalue": "the cell's time ran out", "traceback": []}

CellProgress = Callable[[int, int, str], None]


class CourseClient(PapermillNotebookClient):  # type: ignore[misc]
    """Runs every cell and notes what became of each."""

    progress: CellProgress | None = None

    def papermill_execute_cells(self) -> None:
        cells = [(i, cell) for i, cell in enumerate(self.nb.cells) if cell.cell_type == "code"]
        for _, cell in cells:
            _note(cell, NOT_RUN)
        for number, (index, cell) in enumerate(cells, start=1):
            if self.progress is not None:
                self.progress(number, len(cells), _title(self.nb, index))
            self.nb_man.cell_start(cell, index)
            status = self._attempt(cell, index)
            _note(self.nb.cells[index], status)
            if status != COMPLETED:
                self.nb_man.cell_exception(self.nb.cells[index], cell_index=index)
            self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)
            if status == KERNEL_DIED:
                break

    def _attempt(self, cell: NotebookNode, index: int) -> str:
        self.timeout = cell.metadata.get("nexus", {}).get("timeout", CELL_SECONDS)
        try:
            self.execute_cell(cell, index)
        except CellExecutionError as error:
            return TIMED_OUT if error.ename == _TIMEOUT["ename"] else FAILED
        except DeadKernelError:
            return KERNEL_DIED
        # A cell that ends the interpreter politely has no reply of its own: without a number it never ran.
        return COMPLETED if cell.execution_count or not cell.source.strip() else NOT_RUN


class CourseEngine(Engine):  # type: ignore[misc]
    """Registered with papermill under the name `nexus`."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        progress: CellProgress | None = None,
        start_timeout: int = 60,
        **_: Any,
    ) -> None:
        client = CourseClient(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            interrupt_on_timeout=True,
            error_on_timeout=_TIMEOUT,
            # Kernels talk over TCP: on a shared machine nobody else is to listen.
            config=Config({"KernelManager": {"transport_encryption": "required"}}),
        )
        client.progress = progress
        try:
            client.execute()
        except DeadKernelError:
            # The client asks the kernel for its version at the end; a dead one cannot answer.
            if not any(_status(cell) == KERNEL_DIED for cell in nb_man.nb.cells):
                raise


papermill_engines.register(ENGINE, CourseEngine)


def execute(
    notebook: NotebookNode, target: Path, *, cwd: Path, progress: CellProgress | None = None
) -> NotebookNode:
    """Runs a notebook in a fresh kernel; writes it to `target` as it goes and returns it.

    Raises nothing for failing cells: their status is in `cell.metadata.nexus.status`.
    """
    for cell in notebook.cells:
        # What papermill's own loader would have put there.
        cell.metadata.setdefault("papermill", {})
        cell.metadata.setdefault("tags", [])
    notebook.metadata.setdefault("papermill", {})
    notebook = prepare_notebook_metadata(notebook, notebook.metadata.get("nexus_source", ""), str(target))
    executed = papermill_engines.execute_notebook_with_engine(
        ENGINE,
        notebook,
        kernel_name="python3",
        output_path=str(target),
        progress_bar=False,
        progress=progress,
        # papermill hands unknown words to the kernel manager's launch: the working folder
        cwd=str(cwd),
    )
    nbformat.write(executed, target)
    done: NotebookNode = executed
    return done


def status(cell: NotebookNode) -> str:
    """What became of a code cell of an executed notebook."""
    return _status(cell) or NOT_RUN


def _status(cell: NotebookNode) -> str | None:
    value: str | None = cell.metadata.get("nexus", {}).get("status")
    return value


def _note(cell: NotebookNode, value: str) -> None:
    cell.metadata.setdefault("nexus", {})["status"] = value


def _title(notebook: NotebookNode, index: int) -> str:
    """The nearest heading above a cell, for the progress line."""
    for cell in reversed(notebook.cells[: index + 1]):
        if cell.cell_type == "markdown":
            for line in reversed(cell.source.splitlines()):
                if line.startswith("#"):
                    return str(line.lstrip("# ").strip())
    return "start"
