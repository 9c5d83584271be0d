"""What the help of each command shows as an example works as it stands."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from tap_insightly.cli import main
from tests.cli.running import run, run_as_process
from tests.cli.test_docs import documented_sandbox, with_ids
from tests.relating import catalog
from tests.undo.writing import documented_undo
from tests.verify.loading import documented_warehouse
from tests.webhooks.keeping import documented_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    """All commands below a group, by what is typed to call them."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield " ".join((*names, name)), command


COMMANDS = dict(commands(main))
ENDLESS = {"mcp", "serve"}
"""What goes on until it is stopped, and is tested where that is done."""


def examples(command: click.Command) -> list[str]:
    return re.findall(r"^ *\$ (.+)$", command.help or "", re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_and_shows_how(name: str) -> None:
    done = run(None, *name.split(), "--help", api_key=None)
    assert (done.code, done.stderr) == (0, "")
    assert done.lines[0].startswith(f"Usage: insightly {name} ")
    shown = [line.strip() for line in done.lines]
    assert "Examples:" in shown
    own = examples(COMMANDS[name])
    assert 1 <= len(own) <= 3
    for example in own:
        assert example.startswith(f"insightly {name} ") or example == f"insightly {name}"
        assert f"$ {example}" in shown, "it is shown on a line of its own"


@pytest.mark.parametrize("first_word", [one for one in main.commands if one not in ENDLESS])
def test_every_example_works(
    first_word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file, content in (("catalog.json", catalog()), ("state.json", {})):
        (tmp_path / file).write_text(json.dumps(content))
    (tmp_path / "people.csv").write_text("EMAIL_ADDRESS,FIRST_NAME,remark\nbo@example.com,Bo,x\n")
    (tmp_path / "firms.jsonl").write_text('{"ORGANISATION_NAME": "Engines"}\n')
    (tmp_path / "attachments.csv").write_text("FILE_ID,FILE_NAME\n9,gone.txt\n")
    own = [command for name, command in COMMANDS.items() if name.split()[0] == first_word]
    with documented_sandbox().serve() as sandbox:  # in order: what is removed was added before
        if first_word == "verify":
            documented_warehouse(sandbox, tmp_path)
        if first_word == "undo":
            documented_undo(sandbox, tmp_path)
        if first_word == "tokens":
            monkeypatch.setenv("INSIGHTLY_TOKEN_STORE", str(tmp_path / "tokens.sqlite"))
        if first_word == "webhooks":
            monkeypatch.setenv("INSIGHTLY_WEBHOOK_STORE", documented_store(tmp_path))
        for example in [example for command in own for example in examples(command)]:
            _, *args = shlex.split(with_ids(sandbox, example))
            done = run_as_process(sandbox, *args, folder=tmp_path)
            assert done.code == 0, f"{example}\n{done.stderr}"
            assert "Traceback" not in done.stderr


def test_every_command_and_every_option_has_a_help_text() -> None:
    assert all(command in run(None, "--help").stdout for command in main.commands)
    for name, command in COMMANDS.items():
        for param in command.params:
            if isinstance(param, click.Option):
                assert param.help, f"{name} {param.name}"
                assert param.help[0].isupper(), f"{name} {param.name}"
                assert param.help[-1] == ".", f"{name} {param.name}"
