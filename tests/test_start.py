"""What the programs import before they do something: help, a version and a Tab have no time."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tap_insightly import api
from tap_insightly.cli import main
from tap_insightly.loader import TargetInsightly
from tap_insightly.tap import TapInsightly

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {"jsonschema", "requests", "singer_sdk", "sqlite3", "sqlalchemy", "urllib3"}
"""What takes longer to import than all else together."""

COMMANDS = {
    "tap-insightly --version": "tap_insightly",
    "target-insightly --version": "tap_insightly.loader",
    "insightly --version": "tap_insightly.cli",
    "insightly --help": "tap_insightly.cli",
    **{f"insightly {name} --help": "tap_insightly.cli" for name in main.commands},
}


def imported(folder: Path, module: str, *args: str, **variables: str) -> tuple[set[str], str]:
    """The modules that a run imports, and what it writes."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith("TAP_INSIGHTLY")
    }
    command = [sys.executable, "-X", "importtime", "-m", module, *args]
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, env=env | variables, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}, done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_heavy_is_imported_for_a_page_of_help_or_a_version(
    command: str, tmp_path: Path
) -> None:
    modules, text = imported(tmp_path, COMMANDS[command], *command.split()[1:])
    assert "tap_insightly" in modules
    assert sorted(modules & HEAVY) == []
    assert text


@pytest.mark.parametrize("line", ["get contact --fields EMAIL_A", "update contact 301 EMAIL_A"])
def test_a_tab_imports_little_more_than_click(line: str, tmp_path: Path) -> None:
    modules, text = imported(
        tmp_path,
        "tap_insightly.cli",
        _INSIGHTLY_COMPLETE="bash_complete",
        COMP_WORDS=f"insightly {line}",
        COMP_CWORD=str(len(line.split())),
        XDG_CACHE_HOME=str(tmp_path),
    )
    assert "EMAIL_ADDRESS" in text
    others = {"msgspec", "typing_extensions", "logging", "tap_insightly.cli.commands.webhooks"}
    assert sorted(modules & (HEAVY | others)) == []


def test_the_fields_of_an_object_are_listed_without_what_a_request_needs(tmp_path: Path) -> None:
    modules, text = imported(tmp_path, "tap_insightly.cli", "fields", "contact")
    assert "EMAIL_ADDRESS" in text
    assert sorted(modules & (HEAVY - {"jsonschema"})) == []


@pytest.mark.parametrize("plugin", [TapInsightly, TargetInsightly])
def test_a_version_is_told_in_the_words_of_the_sdk(
    plugin: type[TapInsightly | TargetInsightly], tmp_path: Path
) -> None:
    module = "tap_insightly" if plugin is TapInsightly else "tap_insightly.loader"
    own = CliRunner().invoke(plugin.cli, ["--version"])
    assert own.exit_code == 0
    assert imported(tmp_path, module, "--version")[1] == own.stdout


def test_the_library_has_all_its_names() -> None:
    assert all(getattr(api, name) is not None for name in api.__all__)
    assert set(api.__all__) <= set(dir(api))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = api.nonsense
