"""Tap, target and command line as processes: each key goes to the address that it belongs to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.accounts.writing import BETA_KEY, watch, write
from tests.conftest import Run, run_process, tap_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.accounts.conftest import Two

ROOT = Path(__file__).parents[2]
TAP = (sys.executable, "-m", "tap_insightly")
TARGET = (sys.executable, "-m", "tap_insightly.loader")
INSIGHTLY = (sys.executable, "-m", "tap_insightly.cli")
CHOICES: list[tuple[str, tuple[bool, bool]]] = [("acme", (True, False)), ("beta", (False, True))]
MESSAGES = [
    {
        "type": "SCHEMA",
        "stream": "contacts",
        "schema": {"properties": {"FIRST_NAME": {"type": ["string", "null"]}}},
        "key_properties": [],
    },
    {"type": "RECORD", "stream": "contacts", "record": {"FIRST_NAME": "Ann"}},
]


def start(*command: str, folder: Path, **variables: str | None) -> Run:
    """Run a process with these variables, and see that it says no secret."""
    env = {**tap_environment(), **{n: v for n, v in variables.items() if v is not None}}
    done = run_process(command, env=env, folder=folder)
    watch(done.stdout, done.stderr)
    return Run(done.returncode, done.stdout, done.stderr)


def with_input(folder: Path) -> tuple[str, str]:
    """The options for the target to read its messages."""
    path = folder / "messages.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in MESSAGES))
    return "--input", str(path)


def settings(folder: Path, content: Mapping[str, Any]) -> tuple[str, str]:
    """The options for a JSON file of settings."""
    path = folder / "settings.json"
    path.write_text(json.dumps(content))
    return "--config", str(path)


@pytest.mark.parametrize("way", ["variable", "of the plugin", "file"])
@pytest.mark.parametrize(("name", "asked"), CHOICES)
def test_the_tap_reads_the_account_that_is_chosen(
    two: Two, tmp_path: Path, name: str, asked: tuple[bool, bool], way: str
) -> None:
    variables = {"TAP_INSIGHTLY_API_KEY": "another", "TAP_INSIGHTLY_POD": "eu1"}
    options = ["--config=ENV"]
    if way == "variable":
        variables["INSIGHTLY_ACCOUNT"] = name
    elif way == "of the plugin":
        variables |= {"TAP_INSIGHTLY_ACCOUNT": name, "INSIGHTLY_ACCOUNT": "another"}
    else:
        options += settings(tmp_path, {"account": name})
    run = start(*TAP, *options, "--discover", folder=tmp_path, **variables)
    assert run.code == 0, run.stderr
    assert two.asked == asked
    assert f"Key and address are those of account '{name}' of " in run.stderr
    assert ", and not those of the environment." in run.stderr


@pytest.mark.parametrize("way", ["variable", "of the plugin", "file"])
@pytest.mark.parametrize(("name", "asked"), CHOICES)
def test_the_target_writes_to_the_account_that_is_chosen(
    two: Two, tmp_path: Path, name: str, asked: tuple[bool, bool], way: str
) -> None:
    variables = {"TARGET_INSIGHTLY_API_KEY": "another", "TARGET_INSIGHTLY_API_VERSION": "v2.2"}
    options = ["--config=ENV"]
    if way == "variable":
        variables["INSIGHTLY_ACCOUNT"] = name
    elif way == "of the plugin":
        variables |= {"TARGET_INSIGHTLY_ACCOUNT": name, "INSIGHTLY_ACCOUNT": "another"}
    else:
        options += settings(tmp_path, {"account": name})
    run = start(*TARGET, *options, *with_input(tmp_path), folder=tmp_path, **variables)
    assert run.code == 0, run.stderr
    assert two.asked == asked


@pytest.mark.parametrize(("name", "asked"), CHOICES)
def test_the_command_line_asks_the_account_that_is_chosen(
    two: Two, tmp_path: Path, name: str, asked: tuple[bool, bool]
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("FIRST_NAME\nAnn\n")
    commands = (
        ("check",),
        ("load", "contacts", str(rows), "--dry-run", "--search-lag-seconds", "0"),
        ("plan",),
        ("probe",),
        ("fields", "contact"),
        ("create", "contact", "FIRST_NAME=Ann"),
    )
    variables = {"TAP_INSIGHTLY_API_KEY": "another", "TAP_INSIGHTLY_API_URL": "http://127.0.0.1:1"}
    for command in commands:
        run = start(*INSIGHTLY, "--account", name, *command, folder=tmp_path, **variables)
        assert two.asked == asked, command
        assert run.code in ({0, 1} if command == ("probe",) else {0}), run.stderr
        assert command != ("check",) or run.stdout.startswith(f"API key  of account '{name}', acc")


@pytest.mark.parametrize(("name", "asked"), CHOICES)
def test_what_was_written_is_undone_and_compared_in_the_same_account(
    two: Two, tmp_path: Path, name: str, asked: tuple[bool, bool]
) -> None:
    undo = {"account": name, "undo_file": "undo.jsonl", "search_lag_seconds": 0}
    options = (*settings(tmp_path, undo), *with_input(tmp_path))
    assert start(*TARGET, *options, folder=tmp_path).code == 0
    assert two.asked == asked
    undone = ("--account", name, "undo", "undo.jsonl", "--yes")
    run = start(*INSIGHTLY, *undone, folder=tmp_path)
    assert (run.code, two.asked) == (0, asked), run.stderr
    csv = tmp_path / "contacts.csv"
    csv.write_text("CONTACT_ID,DATE_UPDATED_UTC\n")
    compared = ("--account", name, "verify", "--from", str(csv), "--stream", "contacts")
    run = start(*INSIGHTLY, *compared, folder=tmp_path, TAP_INSIGHTLY_API_URL="http://127.0.0.1:1")
    assert (run.code, two.asked) == (1, asked), run.stderr


def test_a_key_in_the_settings_beside_an_account_is_refused(two: Two, tmp_path: Path) -> None:
    options = settings(tmp_path, {"account": "acme", "api_key": BETA_KEY})
    for command in (TAP, (*TARGET, *with_input(tmp_path))):
        run = start(*command, *options, folder=tmp_path)
        assert run.code == 2
        assert "'api_key' is given in the settings, and so is account 'acme'" in run.stderr
        assert "Traceback" not in run.stderr
    assert two.asked == (False, False)


@pytest.mark.parametrize("plugin", ["tap", "target"])
def test_defaults_that_meltano_hands_over_are_no_settings(
    two: Two, tmp_path: Path, plugin: str
) -> None:
    text = (ROOT / "plugins" / f"{plugin}-insightly.yml").read_text(encoding="utf-8")
    made = {one["name"]: one.get("value") for one in yaml.safe_load(text)["settings"]}
    assert made["pod"] == "na1"
    given = {name: value for name, value in made.items() if value is not None}
    options = settings(tmp_path, {**given, "account": "beta"})
    command = (*TAP, "--discover") if plugin == "tap" else (*TARGET, *with_input(tmp_path))
    run = start(*command, *options, folder=tmp_path)
    assert run.code == 0, run.stderr
    assert two.asked == (False, True)


def test_the_only_account_is_used_by_the_tap_too(two: Two, tmp_path: Path) -> None:
    write(tmp_path, two.one())
    assert start(*TAP, "--discover", folder=tmp_path).code == 0
    assert two.asked == (True, False)
    run = start(*TAP, "--config=ENV", folder=tmp_path, TAP_INSIGHTLY_API_URL=two.beta.api_url)
    assert run.code == 2
    assert "Setting 'api_key' is missing" in run.stderr
    assert two.asked == (False, False)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "has several accounts: acme, beta. Choose one"),
        ({"INSIGHTLY_ACCOUNT": "acm"}, "has no account 'acm'. Did you mean 'acme'?"),
        ({"INSIGHTLY_ACCOUNT": "a b"}, "Setting 'account': got 'a b'; accepted is"),
        ({"INSIGHTLY_ACCOUNT": "beta", "BETA_KEY": ""}, "the variable BETA_KEY that 'api_key_env'"),
        ({"INSIGHTLY_CONFIG": "no.toml"}, "no.toml: This configuration file does not exist."),
    ],
)
@pytest.mark.parametrize("command", [TAP, TARGET])
def test_what_is_wrong_is_one_sentence(
    two: Two, tmp_path: Path, command: tuple[str, ...], variables: dict[str, str], sentence: str
) -> None:
    options = ("--config=ENV", *(with_input(tmp_path) if command == TARGET else ()))
    run = start(*command, *options, folder=tmp_path, **variables)
    assert run.code == 2
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr
    assert two.asked == (False, False)


@pytest.mark.parametrize("command", [TAP, TARGET])
def test_about_needs_no_account_and_shows_no_secret(
    two: Two, tmp_path: Path, command: tuple[str, ...]
) -> None:
    write(tmp_path, "broken")
    run = start(*command, "--about", "--format=json", folder=tmp_path, INSIGHTLY_ACCOUNT="acme")
    assert run.code == 0
    about = json.loads(run.stdout)["settings"]
    assert "account" in about["properties"]
    assert about["required"] == ["api_key"]
    assert two.asked == (False, False)


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
@pytest.mark.parametrize("command", [TAP, INSIGHTLY])
def test_no_secret_is_logged_at_any_level(
    two: Two, tmp_path: Path, command: tuple[str, ...], level: str
) -> None:
    arguments = ("--discover",) if command == TAP else ("check",)
    code = f"import logging; logging.basicConfig(level=logging.{level}); "
    if command == TAP:
        code += "from tap_insightly.tap import TapInsightly; TapInsightly.cli()"
    else:
        code += "from tap_insightly.cli import main; main(prog_name='insightly')"
    variables = {"INSIGHTLY_ACCOUNT": "beta", "TAP_INSIGHTLY_LOGLEVEL": level}
    run = start(sys.executable, "-c", code, *arguments, folder=tmp_path, **variables)
    assert run.code == 0, run.stderr
    assert two.asked == (False, True)
    assert run.stderr
