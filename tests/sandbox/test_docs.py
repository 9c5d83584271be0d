"""docs/sandbox.md: its program runs, and its options are those that there are."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tap_insightly.sandbox.__main__ import main
from tests.conftest import run_process

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
# What comes after that is for pytest and Docker: test_plugin.py, test_container.py.
OWN = PAGE.partition("## In tests")[0]


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", OWN, re.DOTALL | re.MULTILINE)
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    done = run_process([sys.executable, "program.py"], env={}, folder=tmp_path, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v3\.1 sandbox-api-key\n", done.stdout)
    assert "TAP_INSIGHTLY_API_KEY=sandbox-api-key" in PAGE


def test_every_option_that_the_page_names_exists() -> None:
    options = {name for param in main.params for name in param.opts} | {"--help"}
    named = set(re.findall(r"(?<=[` ])--[a-z][a-z-]*", OWN))
    assert len(named) > 10
    assert named <= options
