"""`%%patch` changes just what it names, or nothing."""

import subprocess

import pytest

from lab.errors import LabError
from lab.patch import patch_apply

SOURCE = '''"""A module."""

LIMIT = 5


def first(value):
    """Doc."""
    return value


class Keeper:
    """Keeps."""

    name = "keeper"

    @property
    def size(self):
        return 1

    def keep(self, value):
        return value


def last():
    return LIMIT
'''


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "a.py").write_text(SOURCE, "utf-8")
    return tmp_path


def text(tree):
    return (tree / "services" / "a.py").read_text("utf-8")


def test_a_function_replaces_the_one_of_its_name(tree):
    """Everything around it stays as it was."""
    done = patch_apply(tree, "services/a.py", "def first(value):\n    return value + 1\n")
    assert done.files == ("services/a.py",)
    assert text(tree) == SOURCE.replace('    """Doc."""\n    return value\n', "    return value + 1\n", 1)


def test_a_method_is_given_inside_its_class(tree):
    """Other methods and fields of the class stay; decorators belong to what is replaced."""
    cell = "class Keeper:\n    @property\n    def size(self):\n        return 2\n"
    assert patch_apply(tree, "services/a.py", cell).names == ("Keeper.size",)
    assert text(tree) == SOURCE.replace("return 1", "return 2")


def test_comments_alone_change_nothing(tree):
    """The cell as handed out is a way to say: not yet."""
    assert patch_apply(tree, "services/a.py", "# nothing\n\n").files == ()
    assert text(tree) == SOURCE


@pytest.mark.parametrize(
    ("line", "cell", "message"),
    [
        ("services/a.py", "def unknown(): ...\n", "has no unknown"),
        ("services/a.py", "def first(:\n", "not Python"),
        ("services/a.py", "LIMIT = 6\n", "edit services/a.py itself"),
        ("services/b.py", "def first(): ...\n", "no file of the workspace"),
        ("../outside.py", "def first(): ...\n", "no file of the workspace"),
        ("", "def first(): ...\n", "unified diff"),
        ("", "--- a/services/a.py\n+++ b/services/a.py\n@@ -1 +1 @@\n-nothing\n+x\n", "does not fit"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(tree, line, cell, message):
    """And the file is as it was."""
    with pytest.raises(LabError, match=message) as caught:
        patch_apply(tree, line, cell)
    assert "\n" not in str(caught.value)
    assert text(tree) == SOURCE


def test_a_second_function_that_does_not_fit_takes_the_first_back(tree):
    """All or nothing."""
    with pytest.raises(LabError):
        patch_apply(tree, "services/a.py", "def first(value): return 0\n\ndef unknown(): ...\n")
    assert text(tree) == SOURCE


def test_a_diff_is_applied_as_git_would(tree):
    """What `git diff` prints can be pasted."""
    changed = tree / "b.py"
    changed.write_text(SOURCE.replace("LIMIT = 5", "LIMIT = 6"), "utf-8")
    diff = subprocess.run(
        ["git", "diff", "--no-index", "services/a.py", "b.py"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.replace("b/b.py", "b/services/a.py")
    patch_apply(tree, "", diff)
    assert "LIMIT = 6" in text(tree)


def test_a_method_without_its_class_is_told_where_it_belongs(tree):
    """The commonest slip: the class line was left out."""
    with pytest.raises(LabError, match="class Keeper:"):
        patch_apply(tree, "services/a.py", "def keep(self, value):\n    return 1\n")
    assert text(tree) == SOURCE
