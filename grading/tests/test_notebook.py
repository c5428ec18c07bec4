"""Notebooks as files: their reference fixes, cell by cell."""

import filecmp

import pytest

from grading.inject import copy_tree, inject
from grading.notebook import PATCH, expected_tests, notebooks, patched_files, solve, tags
from grading.paths import TREE
from lab.patch import patch_apply

NOTEBOOKS = notebooks()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_the_patch_cells_of_a_solved_notebook_lead_to_the_correct_tree(notebook, tmp_path):
    """One cell after the other fits the tree that the cells before it left, and no bug stays."""
    tree = copy_tree(tmp_path / "tree")
    inject(tree, notebook.bugs)
    cells = notebook.read()
    solve(notebook, cells)
    for cell in cells.cells:
        if PATCH in tags(cell):
            first, _, body = cell.source.partition("\n")
            patch_apply(tree, first.removeprefix("%%patch"), body)
    changed = sorted({name for bug in notebook.bugs for name in patched_files(bug)})
    same, differing, missing = filecmp.cmpfiles(tree, TREE, changed, shallow=False)
    assert (sorted(same), differing, missing) == (changed, [], [])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_every_check_has_a_name_of_its_own(notebook):
    """So that none can hide another."""
    checks = [test for cell in notebook.read().cells for test in expected_tests(cell)]
    assert len(checks) == len(set(checks))
