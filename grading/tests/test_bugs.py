"""Every bug of the catalogue, whichever there are."""

import subprocess
import tomllib
from collections import Counter

import pytest

from grading import catalogue, check, manifest
from grading.errors import CatalogueBroken, PatchFailed, UnknownBug
from grading.inject import copy_tree, inject, revert
from grading.paths import TREE
from grading.workspace import workspace_new

BUGS = catalogue.bugs()


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_patch_applies_alone_and_reverts(bug):
    """It fits the correct tree, reverts byte for byte and adds no word that gives it away."""
    assert check.check_alone(bug) == []


def test_all_patches_apply_together():
    """Any number of bugs can be in one tree."""
    assert check.check_together(BUGS) == []


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_its_metadata_are_complete(bug):
    """Killers are in the manifest, what it requires exists, its services are services."""
    from runtime import SERVICES

    known = {case.id for case in manifest.load()}
    assert len(bug.killers) >= 2
    assert set(bug.killers) <= known
    assert {each.id for each in BUGS} >= set(bug.requires)
    assert set(bug.services) <= set(SERVICES)
    assert bug.minutes > 0
    assert all(hint.strip() for hint in bug.hints)
    assert bug.explanation.read_text("utf-8").startswith(f"# {bug.id}")


def test_a_bug_that_is_required_turns_the_same_tests_red():
    """Repairing a bug alone, while one that it requires is still in, leaves its tests red."""
    by_id = {bug.id: bug for bug in BUGS}
    for bug in BUGS:
        for required in bug.requires:
            assert set(bug.killers) <= set(by_id[required].killers), (bug.id, required)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_buggy_tree_is_still_python(bug, tmp_path):
    """What is put in compiles: the trouble shows when it runs."""
    tree = copy_tree(tmp_path / "tree")
    inject(tree, [bug])
    for path in tree.rglob("*.py"):
        compile(path.read_text("utf-8"), str(path), "exec")


def test_a_patch_that_does_not_fit_changes_nothing(tmp_path):
    """When the second of two patches fails, the first is taken out again."""
    tree = copy_tree(tmp_path / "tree")
    bug = BUGS[0]
    inject(tree, [bug])
    before = check.tree_contents(tree)
    with pytest.raises(PatchFailed, match=bug.id):
        inject(tree, [bug])
    assert check.tree_contents(tree) == before
    revert(tree, [bug])
    assert check.tree_contents(tree) == check.tree_contents(copy_tree(tmp_path / "again"))


def test_a_tree_inside_a_repository_is_patched_too(tmp_path):
    """A workspace may lie within somebody's own repository."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    tree = copy_tree(tmp_path / "inside" / "tree")
    before = check.tree_contents(tree)
    inject(tree, [BUGS[0]])
    assert check.tree_contents(tree) != before


def test_selection_by_id_category_and_all():
    """Names may be mixed, in any case, with blanks."""
    bug = BUGS[0]
    assert catalogue.select(f" {bug.id.lower()} ") == (bug,)
    assert bug in catalogue.select(bug.category)
    assert catalogue.select("all") == BUGS
    assert catalogue.select("") == ()
    with pytest.raises(UnknownBug, match="Z9"):
        catalogue.select("Z9")


def test_an_incomplete_folder_is_refused(tmp_path):
    """The message names the file that is missing."""
    folder = tmp_path / "G" / "G1-something"
    folder.mkdir(parents=True)
    (folder / "bug.toml").write_text("id = 'G1'\n", "utf-8")
    with pytest.raises(CatalogueBroken, match=r"inject\.patch is missing"):
        catalogue.load(folder)


def test_the_manifest_is_what_the_tree_holds():
    """A test that was added, renamed or removed is stored with `./nexus bugs manifest --write`."""
    assert [case.id for case in manifest.collect()] == [case.id for case in manifest.load()]


# -- workspaces -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return workspace_new("demo", BUGS, into=tmp_path_factory.mktemp("workspaces"))


def test_a_workspace_has_one_commit_without_a_trace_of_the_bugs(workspace):
    """Neither its history nor its message names what was put in; the work tree is clean."""

    def git(*words):
        return subprocess.run(
            ["git", *words], cwd=workspace.folder, capture_output=True, text=True, check=True
        ).stdout

    assert git("rev-list", "--all", "--count").strip() == "1"
    assert git("status", "--porcelain") == ""
    said = git("log", "--all", "--format=%B%an%ae%ad")
    assert not any(bug.id in said for bug in BUGS)
    assert git("stash", "list") == git("reflog", "show", "--all", "--format=%gs").replace(
        "commit (initial): The platform as handed out\n", ""
    )


def test_a_workspace_holds_no_answer(workspace):
    """No grader, no patch, no catalogue, and no file with the correct text of what was changed."""
    names = {path.name for path in workspace.folder.rglob("*")}
    assert not names & {"inject.patch", "bug.toml", "killers.json", "explanation.md", "manifest.json"}
    assert not (workspace.folder / "grading").exists()
    assert not (workspace.folder / "notebooks").exists()
    correct, handed_out = (lines_of(tree) for tree in (TREE, workspace.folder))
    for bug in BUGS:
        patch = bug.patch.read_text("utf-8").splitlines()
        removed, added = ({line[1:].strip() for line in patch if line.startswith(sign)} for sign in "-+")
        # A line that is only moved stands in both trees.
        removed = {line for line in removed - added if len(line) > 20 and not line.startswith("--")}
        telling = {line for line in removed if correct[line] == 1}
        assert telling
        assert not telling & handed_out.keys()


def lines_of(tree):
    """How often each line of code stands in a tree, without its indentation."""
    files = (path.read_text("utf-8") for path in tree.rglob("*.py"))
    return Counter(line.strip() for text in files for line in text.splitlines())


def test_a_workspace_is_laid_out_as_one_repository(workspace):
    """The layout that learners are told of."""
    for name in ("services", "shared", "tests", "config", "proto", "requirements.txt", "scenarios"):
        assert (workspace.folder / name).exists(), name
    assert (workspace.folder / "docker-compose.yml").is_file()


def test_the_correct_tree_has_no_word_that_gives_a_bug_away():
    """A correct tree and a buggy tree read alike: no marker, no hint."""
    import re

    tells = re.compile(r"\b(BUG|bug|FIXME|XXX|intentional|injected)\b")
    found = [
        f"{path.relative_to(TREE)}: {match.group(0)}"
        for path in TREE.rglob("*.py")
        for match in tells.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_toml_files_name_no_killers():
    """Killers are written by the matrix, never by hand."""
    for bug in BUGS:
        assert "killers" not in tomllib.loads((bug.folder / "bug.toml").read_text("utf-8"))
