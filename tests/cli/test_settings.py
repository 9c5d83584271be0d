"""Settings of the command line: options before a file, a file before the environment."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.cli import main
from tap_insightly.sandbox import Faults
from tap_insightly.settings import CONNECTION, SETTINGS
from tests.cli.running import COMMAND, environment, run, run_as_process
from tests.conftest import KEY, run_process, watch

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WRONG = {
    "pod": ("na1.evil.com/x", "the pod alone"),
    "api_url": ("http://crm.example.com/v3.1", "plain http only to this machine"),
    "api_version": ("latest", "a version such as v3.1"),
    "requests_per_second": ("0", "0.1 to 100"),
    "max_concurrency": ("2.5", "whole number"),
    "request_timeout": ("soon", "1 to 3600"),
    "max_retries": ("-1", "0 to 100"),
    "quota_reserve": ("-5", "0 up"),
}


@pytest.fixture
def config(tmp_path: Path) -> Any:
    """Makes a file of settings."""

    def make(content: Any) -> Path:
        path = tmp_path / "config.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return make


def option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def wrong(*args: object, sandbox: Sandbox | None = None, **settings: Any) -> str:
    """What is said of wrong usage, for which nothing is sent."""
    before = len(sandbox.requests) if sandbox else 0
    done = run(sandbox, "check", *args, **settings)
    assert (done.code, done.stdout) == (2, "")
    assert len(sandbox.requests if sandbox else ()) == before
    return done.stderr


@pytest.mark.parametrize("way", ["option", "file", "environment"])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_wrong_usage_wherever_it_is_made(
    config: Any, name: str, way: str
) -> None:
    value, accepted = WRONG[name]
    args: list[object] = []
    settings: dict[str, Any] = {}
    if way == "option":
        args = [option(name), value]
    elif way == "file":
        args = ["--config", config({name: value})]
        settings[name] = None
    else:
        settings[name] = value
    said = wrong(*args, **settings)
    assert f"Setting '{name}'" in said
    assert value in said
    assert accepted in re.sub(r"\s+", " ", said)


def test_every_setting_of_a_connection_has_a_mistake_in_this_test() -> None:
    assert set(WRONG) == {setting.name for setting in CONNECTION} - {"api_key"}


def test_all_mistakes_are_reported_at_once() -> None:
    said = wrong(option("max_retries"), "-1", pod="!", api_key=None)
    for name in ("pod", "max_retries", "api_key"):
        assert f"Setting '{name}'" in said


def test_a_missing_key_is_named(shared_sandbox: Sandbox) -> None:
    said = wrong(sandbox=shared_sandbox, api_key=None)
    assert "Setting 'api_key' is missing" in said
    for place in ("TAP_INSIGHTLY_API_KEY", ".env", "--config", "--account"):
        assert place in said
    assert "Setting 'api_key' is missing" in wrong(sandbox=shared_sandbox, api_key="")


def test_options_go_before_the_file_and_the_file_before_the_environment(
    sandbox: Sandbox, config: Any
) -> None:
    nowhere = "http://127.0.0.1:1/v3.1"
    settings = {"max_retries": 0, "api_url": nowhere}
    assert run(None, "check", **settings).code == 75
    file = config({"api_url": sandbox.api_url})
    assert run(None, "check", "--config", file, **settings).code == 0
    assert run(None, "check", "--config", file, "--api-url", nowhere, **settings).code == 75
    file = config({"api_url": nowhere, "api_key": "wrong"})
    there = ("--config", file, "--api-url", sandbox.api_url)
    assert run(None, "check", *there, "--api-key", KEY, api_key="wrong too").code == 0


def test_an_empty_setting_is_one_that_was_not_made(sandbox: Sandbox) -> None:
    done = run(sandbox, "check", "--pod", "", pod="", max_retries="", quota_reserve="")
    assert done.code == 0, done.stderr


def test_a_file_with_settings_of_the_tap_will_do(sandbox: Sandbox, config: Any) -> None:
    file = config({"start_date": "2026-01-01", "detect_deletes": True, "stream_maps": {}})
    assert run(sandbox, "check", "--config", file).code == 0


def test_a_file_with_variables_counts_where_the_environment_says_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file, below = tmp_path / ".env", tmp_path / "below"
    below.mkdir()
    file.write_text(f"TAP_INSIGHTLY_API_KEY=wrong\nTAP_INSIGHTLY_API_URL={sandbox.api_url}\n")
    assert run_as_process(None, "check", folder=below).code == 0
    done = run_as_process(None, "check", folder=below, api_key=None)
    assert (done.code, "did not accept the API key" in done.stderr) == (77, True)
    file.unlink()
    done = run_as_process(sandbox, "check", folder=below, api_key=None)
    assert (done.code, "'api_key' is missing" in done.stderr) == (2, True)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "7"])
def test_a_file_that_holds_no_settings_is_wrong_usage(
    config: Any, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "config.json" if content is None else config(content)
    assert "config.json" in wrong("--config", path)


def test_a_variable_that_cannot_be_read_is_named(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "plan", detect_deletes="maybe")
    assert (done.code, done.stdout) == (2, "")
    assert "TAP_INSIGHTLY_DETECT_DELETES cannot be read: got 'maybe'" in done.stderr


def test_a_key_in_the_wrong_place_is_not_repeated() -> None:
    # `run` fails if the key shows up anywhere.
    for name in ("pod", "api_url", "api_version", "max_retries"):
        assert "***" in wrong(option(name), KEY)
    assert "is not shown here" in wrong("--api-key", "two words")
    assert "secret" not in wrong("--api-url", "https://me:secret@example.com/v3.1")


@pytest.mark.parametrize("command", ["check", "plan", "objects", "fields", "api", "get", "create"])
def test_every_command_takes_the_settings_of_a_connection(command: str) -> None:
    taken = {name for param in main.commands[command].params for name in param.opts}
    for setting in SETTINGS if command == "plan" else CONNECTION:
        assert option(setting.name) in taken


def test_the_options_of_a_connection_are_shown_once() -> None:
    names = [option(setting.name) for setting in CONNECTION] + ["--account", "--config"]
    shown = run(None, "--help", api_key=None).stdout
    assert [shown.count(f"  {name} ") for name in names] == [1] * len(names)
    for command in ("check", "plan", "load", "get", "note add"):
        page = run(None, *command.split(), "--help", api_key=None).stdout
        assert [name for name in names if f"  {name} " in page] == []
        assert page.rstrip().endswith("insightly --help")
    assert "--start-date" in run(None, "plan", "--help", api_key=None).stdout
    assert "insightly --help" not in run(None, "tokens", "list", "--help", api_key=None).stdout


def test_the_options_of_a_connection_go_before_the_command_too(
    sandbox: Sandbox, config: Any
) -> None:
    nowhere = "http://127.0.0.1:1/v3.1"
    there = ("--api-url", sandbox.api_url)
    assert run(None, *there, "check", api_url=nowhere, max_retries=0).code == 0
    assert run(None, "--api-url", nowhere, "check", *there).code == 0, "the nearer one counts"
    file = config({"api_url": sandbox.api_url})
    assert run(None, "--config", file, "check", api_url=nowhere, max_retries=0).code == 0


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_the_key_is_not_logged_at_any_level(sandbox: Sandbox, tmp_path: Path, level: str) -> None:
    sandbox.faults = Faults(script=["503"])
    code = (
        "import logging; logging.basicConfig(level=logging."
        f"{level}); from tap_insightly.cli import main; main(prog_name='insightly')"
    )
    command = [COMMAND[0], "-c", code, "check"]
    # `run_process` fails if the key shows up anywhere.
    done = run_process(command, env=environment(sandbox), folder=tmp_path)
    assert done.returncode == 0
    assert "Try 2 of 2" in done.stderr


@pytest.mark.parametrize("command", ["check", "plan"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_at_once_without_a_traceback(
    sandbox: Sandbox, tmp_path: Path, command: str, number: signal.Signals, code: int
) -> None:
    sandbox.faults = Faults(hang_rate=1, hang_seconds=5)
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, command],
        env=environment(sandbox),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    sandbox.on_request = lambda _: os.kill(process.pid, number)
    stdout, stderr = process.communicate(timeout=60)
    watch(stdout, stderr)
    assert (process.returncode, stdout, stderr.strip()) == (code, "", "")


def test_a_command_that_is_none_is_wrong_usage() -> None:
    done = run(None, "nonsense")
    assert (done.code, done.stdout) == (2, "")
    assert "No such command 'nonsense'" in done.stderr
    assert set(run(None, "--help").stdout.split()) > set(main.commands)
