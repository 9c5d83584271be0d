"""docs/cli.md and docs/undo.md: every command is run, and its output is what they show."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api.records.objects import find_object, standard_objects
from tap_insightly.cli import main
from tap_insightly.sandbox import Faults
from tests.cli.conftest import first
from tests.cli.running import environment
from tests.conftest import new_sandbox, run_process
from tests.undo.writing import documented_undo

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DOC = "\n".join(
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("cli.md", "undo.md")
)
SECTIONS = re.findall(r"^## ([^\n]+)\n(.*?)(?=^##? |\Z)", DOC, re.MULTILINE | re.DOTALL)
SHOWN_URL = "https://api.na1.insightly.com/v3.1"
# What marks the end of a command's output, with its exit code; it does not change that code.
MARK = 'mark() { local code=$?; echo "@@@ $code"; return $code; }'


@dataclass
class Step:
    """A command of the page, and what it is to write."""

    command: str
    output: list[str] = field(default_factory=list)


def steps(text: str) -> list[Step]:
    """The commands of a section."""
    found: list[Step] = []
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:]))
            else:
                found[-1].output.append(line)
    return found


def with_ids(sandbox: Sandbox, command: str) -> str:
    """Write the id of a record in the place of each 301: the first of the object before it."""

    def put(match: re.Match[str]) -> str:
        obj = find_object(match[1].removesuffix("_ID"), standard_objects())
        return f"{match[1]}{match[2]}{first(sandbox, obj.path)}"

    return re.sub(r"(\w+)([ /=])301\b", put, command)


def plain(text: str) -> str:
    """What an output is like, whatever the numbers in it and the room that they take."""
    text = re.sub(r"\d+(?:[.,]\d+)*", "0", text)
    return re.sub(r"--+", "--", " ".join(text.split()))


def pattern(lines: list[str]) -> str:
    """What matches an output that is like the one shown; dots are anything."""
    shown = plain("\n".join(lines))
    return r".*?".join(re.escape(part.strip()) + r"\s*" for part in shown.split("..."))


def played(
    sandbox: Sandbox, text: str, folder: Path, **settings: Any
) -> list[tuple[Step, str, int]]:
    """Run the commands of a section in one shell: each with its output and its exit code."""
    program = installed(folder, "insightly", "tap_insightly.cli")
    pace = 10 if "requests a second" in text else 100  # as shown, or as fast as can be
    env = environment(sandbox, **{"requests_per_second": pace, **settings})
    env |= {"PATH": f"{program.parent}:{env['PATH']}", "COLUMNS": "80"}
    (folder / "work").mkdir(exist_ok=True)
    todo = steps(text)
    script = "\n".join([MARK, *(f"{with_ids(sandbox, one.command)}\nmark" for one in todo)])
    command = ["bash", "-c", f"exec 2>&1\n{script}"]
    done = run_process(command, env=env, folder=folder / "work", timeout=300)
    parts = re.split(r"@@@ (\d+)\n", done.stdout)
    assert len(parts) == 2 * len(todo) + 1, done.stdout
    return list(zip(todo, parts[0::2], map(int, parts[1::2]), strict=False))


def installed(folder: Path, name: str, module: str) -> Path:
    """A program of this name in the folder `bin`, as pip makes it."""
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
    program.chmod(0o755)
    return program


def documented_sandbox(**options: Any) -> Sandbox:
    """An account with the person, the deal and the project that the page tells of."""
    sandbox = new_sandbox(**options)
    ada = {"FIRST_NAME": "Ada", "LAST_NAME": "Lovelace", "EMAIL_ADDRESS": "ada@example.com"}
    sandbox.update("/Contacts", first(sandbox), **ada)
    pipeline, stage = (first(sandbox, path) for path in ("/Pipelines", "/PipelineStages"))
    deal = {"OPPORTUNITY_STATE": "OPEN", "PIPELINE_ID": pipeline, "STAGE_ID": stage}
    sandbox.update("/Opportunities", first(sandbox, "/Opportunities"), **deal)
    return sandbox


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")
@pytest.mark.parametrize(
    "title", [title for title, text in SECTIONS if steps(text)], ids=lambda title: title.lower()
)
def test_every_command_of_the_page_does_what_it_shows(title: str, tmp_path: Path) -> None:
    text = dict(SECTIONS)[title]
    with documented_sandbox().serve() as sandbox:
        if "/FileAttachments" in text:  # the sandbox has no content of files
            sandbox.faults = Faults(body=b'{"FILE_ID":7}')
        if "undo.jsonl" in text:
            documented_undo(sandbox, tmp_path / "work")
        done = played(sandbox, text, tmp_path)
    following = [step.command for step, *_ in done[1:]] + [""]
    for (step, output, code), then in zip(done, following, strict=True):
        where = f"$ {step.command}\n{output}"
        assert (code == 0) == (then != "echo $?"), where
        shown = output.replace(sandbox.api_url, SHOWN_URL)
        if step.output or output:
            assert re.fullmatch(pattern(step.output), plain(shown)), where


def test_the_pages_have_every_command_and_no_other() -> None:
    table = re.findall(r"^\| `insightly ([a-z-]+(?: [a-z]+)?)", DOC, re.MULTILINE)
    names = []
    for name, command in main.commands.items():
        below = getattr(command, "commands", {})
        names += [f"{name} {one}" for one in below] or [name]
    assert sorted(table) == sorted(names)


def test_every_option_that_the_pages_name_exists() -> None:
    commands = list(main.commands.values())
    commands += [one for group in commands for one in getattr(group, "commands", {}).values()]
    params = [param for one in commands for param in one.params]
    options = {name for param in params for name in (*param.opts, *param.secondary_opts)}
    named = set(re.findall(r"`(--?[a-z][a-z-]*)", DOC)) - {"--help"}
    assert len(named) > 8
    assert named <= options
