"""The target's settings are checked before anything is asked, and told of by --about."""

from __future__ import annotations

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.loader import TargetInsightly
from tap_insightly.loader.settings import SETTINGS
from tap_insightly.settings import CONNECTION
from tap_insightly.start import target
from tests.conftest import run_process
from tests.loader.feeding import COMMAND, Feed, environment, record, schema

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
MESSAGES = [schema("contacts", "FIRST_NAME"), record("contacts", FIRST_NAME="Ann")]


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("api_key", None, "the key as Insightly shows it"),
        ("pod", "eu 1", "na1"),
        ("max_concurrency", 0, "a whole number from 1 to 100"),
        ("stream_to_object", {"scores": 5}, "an object of texts"),
        ("stream_to_object", {"scores": ""}, "an object of texts"),
        ("stream_to_object", ["Lead"], "an object of texts"),
        ("field_map", {"scores": "Score__c"}, "an object of objects of texts or nulls"),
        ("field_map", {"scores": {"score": 1}}, "an object of objects of texts or nulls"),
        ("match_on", {"Contact": ["EMAIL_ADDRESS"]}, "an object of texts"),
        ("on_error", "stop", "fail or skip"),
        ("rejects_file", "no/such/folder/rejects.jsonl", "a folder that exists"),
        ("rejects_file", ".", "the path of a file"),
        ("id_map", "no/such/folder/ids.db", "a folder that exists"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_accepted_and_nothing_is_asked(
    feed: Feed, sandbox: Sandbox, name: str, value: Any, accepted: str
) -> None:
    fed = feed(MESSAGES, **{name: value})
    assert fed.code == 2
    problem = fed.problems[0]
    assert f"'{name}'" in problem
    assert accepted in problem
    assert "Traceback" not in fed.stderr
    assert not sandbox.requests


@pytest.mark.parametrize("name", ["skip_unchanged", "allow_delete", "dry_run"])
def test_what_is_neither_true_nor_false_is_not_taken(feed: Feed, name: str) -> None:
    fed = feed(MESSAGES, **{name: "perhaps"})
    assert fed.code == 2
    assert name in fed.stderr


def test_a_file_of_settings_that_holds_none_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("[1]")
    command = [*COMMAND, "--config", str(path)]
    done = run_process(command, env=environment(), folder=tmp_path)
    assert done.returncode == 2
    assert "does not hold a JSON object" in done.stderr


def test_settings_come_from_a_file_as_well(tmp_path: Path, sandbox: Sandbox) -> None:
    path, messages = tmp_path / "config.json", tmp_path / "messages.jsonl"
    before = sandbox.count("/Contacts")
    messages.write_text("".join(json.dumps(one) + "\n" for one in MESSAGES))
    path.write_text(json.dumps({"api_key": sandbox.api_key, "api_url": sandbox.api_url}))
    command = [*COMMAND, "--config", str(path), "--input", str(messages)]
    done = run_process(command, env=environment(), folder=tmp_path)
    path.unlink()  # it holds the key, which no file may when the tests are done
    assert done.returncode == 0, done.stderr
    assert sandbox.count("/Contacts") == before + 1


def test_about_describes_every_setting(tmp_path: Path) -> None:
    done = run_process([*COMMAND, "--about", "--format=json"], env=environment(), folder=tmp_path)
    about = json.loads(done.stdout)
    properties = about["settings"]["properties"]
    assert about["name"] == "target-insightly"
    for setting in SETTINGS:
        assert properties[setting.name]["description"].startswith(setting.description)
        for keyword in ("minimum", "maximum", "enum", "pattern"):
            assert properties[setting.name].get(keyword) == setting.schema.get(keyword)
    # None of the SDK's that speak of tables and of batches, which do nothing here.
    for name in ("load_method", "batch_size_rows", "add_record_metadata", "validate_records"):
        assert name not in properties


def test_the_connection_is_set_as_the_tap_s(tmp_path: Path) -> None:
    names = [setting.name for setting in SETTINGS]
    assert names[: len(CONNECTION)] == [setting.name for setting in CONNECTION]
    done = run_process([*COMMAND, "--help"], env=environment(), folder=tmp_path)
    assert "Write Singer messages to Insightly CRM." in done.stdout


def test_the_program_has_its_name() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (where,) = re.findall(r'^target-insightly = "(.+)"$', project, re.MULTILINE)
    assert EntryPoint("target-insightly", where, "console_scripts").load() is target
    assert TargetInsightly.name == "target-insightly"
