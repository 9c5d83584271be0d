"""docs/verify.md shows what happens: every command in it is run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.test_docs import documented_sandbox, pattern, plain, played, steps
from tests.verify.loading import documented_warehouse

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", DOC, re.MULTILINE | re.DOTALL))


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")
@pytest.mark.parametrize("title", [title for title, text in SECTIONS.items() if steps(text)])
def test_every_command_of_the_page_does_what_it_shows(title: str, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with documented_sandbox().serve() as sandbox:
        store = documented_warehouse(sandbox, tmp_path / "work")
        if title == "What differs":
            one, two = (sandbox.records("/Contacts")[place]["CONTACT_ID"] for place in (3, 7))
            table = 'insightly."contacts"'
            with store.changing() as execute:
                execute(f'delete from {table} where "CONTACT_ID" = {one}')  # noqa: S608 - ours
                execute(f'insert into {table} ("CONTACT_ID") values (999999999)')  # noqa: S608 - ours
                execute(
                    f"update {table} set \"DATE_UPDATED_UTC\" = '2001-02-03' "  # noqa: S608 - ours
                    f'where "CONTACT_ID" = {two}'
                )
        done = played(sandbox, SECTIONS[title], tmp_path)
    following = [step.command for step, *_ in done[1:]] + [""]
    for (step, output, code), then in zip(done, following, strict=True):
        where = f"$ {step.command}\n{output}"
        assert (code == 0) == (then != "echo $?"), where
        assert re.fullmatch(pattern(step.output), plain(output)), where
