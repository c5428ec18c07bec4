"""Names of a tree, gathered in memory."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from pathlib import Path
from runtime.launch.words import gather_words
tree = Path(sys.argv[1])
count = gather_words(tree)
names = [sys.intern("seldom_used_%d" % number) for number in range(1000)]
pages = {id(name) // 4096 for name in names}
print(count, len(pages), "services" in sys.modules)
"""


def test_names_of_a_tree_lie_side_by_side(tmp_path):
    """Names are packed whatever their order in the sources, which are not run and may be unreadable."""
    folder = tmp_path / "services"
    folder.mkdir()
    lines = [f"seldom_used_{number} = '{'filler ' * 30}'" for number in range(1000)]
    (folder / "one.py").write_text("\n".join([*lines, "raise SystemExit('it was run')"]))
    (folder / "two.py").write_bytes(b"\xff\xfe\x00")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    count, pages, imported = done.stdout.split()
    assert int(count) > 1000
    assert int(pages) < 40  # 64 bytes a name would fill 16; as they lie after reading they can take 487
    assert imported == "False"
