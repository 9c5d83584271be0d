"""docs/probe.md shows what happens: every command in it is run, and its output is what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tap_insightly.cli import main
from tests.cli.test_docs import documented_sandbox, pattern, plain, played, steps

PAGE = (Path(__file__).parents[2] / "docs" / "probe.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")
@pytest.mark.parametrize("title", [title for title, text in SECTIONS.items() if steps(text)])
def test_every_command_of_the_page_does_what_it_shows(title: str, tmp_path: Path) -> None:
    with documented_sandbox().serve() as sandbox:
        done = played(sandbox, SECTIONS[title], tmp_path)
    for step, output, _ in done:
        told = "Asking, with" in "\n".join(step.output)
        shown = output if told else re.sub(r"Asking, with.*\n", "", output)
        assert re.fullmatch(pattern(step.output), plain(shown)), f"$ {step.command}\n{output}"


def test_every_option_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(--?[a-z][a-z-]*)", PAGE))
    assert named
    assert named <= {name for param in main.commands["probe"].params for name in param.opts}
