"""Settings as a user meets them: each mistake is named before any request is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.settings import SETTINGS
from tests.conftest import KEY, entry

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap

BAD: list[tuple[str, Any, str]] = [
    ("api_key", "two words", "without spaces"),
    ("api_key", None, "missing"),
    ("pod", "na1.evil.com/x", "the pod alone"),
    ("pod", "https://evil.com/v3.1", "the API URL as Insightly shows it"),
    ("api_url", "http://crm.example.com/v3.1", "plain http only to this machine"),
    ("api_url", "127.0.0.1:8080", "up to and including the version"),
    ("account", "no such account", "letters, digits, - and _"),
    ("api_version", "latest", "a version such as v3.1"),
    ("start_date", "last week", "a date"),
    ("start_date", "2026-02-30", "a date"),
    ("requests_per_second", 0, "0.1 to 100"),
    ("requests_per_second", "fast", "0.1 to 100"),
    ("requests_per_second", "nan", "0.1 to 100"),
    ("max_concurrency", 0, "1 to 100"),
    ("max_concurrency", 2.5, "whole number"),
    ("request_timeout", 0, "1 to 3600"),
    ("max_retries", -1, "0 to 100"),
    ("max_retries", "many", "0 to 100"),
    ("quota_reserve", -5, "0 up"),
    ("lookback_seconds", 0, "1 to"),
    ("page_size", 1, "from 2 to 500"),
    ("page_size", 501, "from 2 to 500"),
    ("page_size", 2.5, "whole number"),
    ("custom_fields", "rows", "columns, array or both"),
    ("max_column_name_bytes", 9, "from 10 to 1000"),
    ("max_deletes_percent", -1, "percent from 0 to 100"),
    ("max_deletes_percent", 100.5, "percent from 0 to 100"),
    ("max_deletes_percent", "all", "percent from 0 to 100"),
    ("refresh_days", -1, "days from 0 to 3660"),
    ("refresh_days", "weekly", "days from 0 to 3660"),
    ("webhook_trust_minutes", -1, "minutes from 0 to 10080"),
    ("webhook_trust_minutes", "hourly", "minutes from 0 to 10080"),
    ("tombstone_schema", "none", "own or stream"),
    ("child_streams_lookback_days", -1, "from 0 to"),
    ("child_streams_lookback_days", 1.5, "whole number"),
]


@pytest.mark.parametrize(("name", "value", "accepted"), BAD)
def test_a_wrong_setting_is_named_with_what_is_accepted(
    tap: Tap, shared_sandbox: Sandbox, name: str, value: object, accepted: str
) -> None:
    before = len(shared_sandbox.requests)
    settings = {"api_url": shared_sandbox.api_url, name: value}
    if name == "pod":
        del settings["api_url"]
    run = tap("--discover", **settings)
    assert run.code == 2
    assert f"'{name}'" in run.stderr
    assert accepted in run.stderr
    if value is not None and name != "api_key":
        assert str(value) in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
    assert len(shared_sandbox.requests) == before


def test_every_setting_has_a_mistake_in_this_test() -> None:
    words = {"detect_deletes"}  # true or false: see the test of words below
    paths = {"report_file", "webhook_store"}  # any text is one; what is there shows in a sync
    tried = {name for name, _, _ in BAD}
    assert tried == {setting.name for setting in SETTINGS} - words - paths


def test_all_mistakes_are_reported_at_once(tap: Tap) -> None:
    run = tap(pod="!", max_retries=-1, custom_fields="rows")
    assert run.code == 2
    for name in ("pod", "max_retries", "custom_fields"):
        assert f"Setting '{name}'" in run.stderr


def test_a_wrong_setting_is_reported_in_test_mode_too(tap: Tap) -> None:
    run = tap("--test", pod="!")
    assert run.code == 2
    assert "Setting 'pod'" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_key_in_the_wrong_place_is_not_repeated(tap: Tap) -> None:
    # `tap` fails if the key shows up anywhere in the output.
    run = tap(pod=KEY)
    assert run.code == 2
    assert "'***'" in run.stderr


def test_a_password_in_the_url_is_not_repeated(tap: Tap) -> None:
    run = tap(api_url="https://me:secret@example.com/v3.1")
    assert run.code == 2
    assert "Setting 'api_url'" in run.stderr
    assert "secret" not in run.stderr


def test_an_environment_variable_that_cannot_be_read_is_named(tap: Tap) -> None:
    run = tap(batch_config="{not json")
    assert run.code == 2
    assert "TAP_INSIGHTLY_BATCH_CONFIG" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("name", ["flattening_enabled", "detect_deletes"])
def test_a_word_that_is_neither_true_nor_false_is_named(tap: Tap, name: str) -> None:
    run = tap(**{name: "maybe"})
    assert run.code == 2
    assert f"TAP_INSIGHTLY_{name.upper()} cannot be read: got 'maybe'" in run.stderr
    assert "accepted is true or false" in run.stderr


@pytest.mark.parametrize("word", ["true", "True", "1", "on", "YES"])
def test_true_is_spelled_as_people_do(tap: Tap, sandbox: Sandbox, word: str) -> None:
    catalog = tap.discover(sandbox, detect_deletes=word)
    assert "_sdc_deleted_at" in entry(catalog, "contacts")["schema"]["properties"]


@pytest.mark.parametrize("word", ["false", "False", "0", "off", "no", ""])
def test_false_is_spelled_as_people_do(tap: Tap, sandbox: Sandbox, word: str) -> None:
    catalog = tap.discover(sandbox, detect_deletes=word)
    assert "_sdc_deleted_at" not in entry(catalog, "contacts")["schema"]["properties"]


def test_an_empty_variable_is_a_setting_that_was_not_made(tap: Tap, sandbox: Sandbox) -> None:
    run = tap("--discover", sandbox=sandbox, start_date="", pod="", max_retries="")
    assert run.code == 0, run.stderr


def test_settings_come_from_a_file_too(tap: Tap, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"requests_per_second": 99.5, "api_url": sandbox.api_url}))
    run = tap("--discover", "--config", str(path), requests_per_second=None)
    assert run.code == 0, run.stderr


@pytest.mark.parametrize("content", [None, "", "{", "[]", "7"])
def test_a_config_file_that_is_none_is_no_traceback(
    tap: Tap, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    run = tap("--discover", "--config", str(path))
    assert run.code != 0
    assert "config.json" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("option", "content"),
    [
        *(("catalog", content) for content in (7, [], "x", {}, {"streams": 7}, {"streams": [7]})),
        *(("state", content) for content in (7, [], "x", {"bookmarks": 7})),
        ("state", {"bookmarks": {"contacts": 7}}),
    ],
)
def test_a_broken_catalog_or_state_is_no_traceback(
    tap: Tap, sandbox: Sandbox, option: str, content: object
) -> None:
    run = tap(sandbox=sandbox, **{option: content})
    assert run.code == 2
    assert f"--{option}" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_bookmark_that_is_no_date_is_named(tap: Tap, sandbox: Sandbox) -> None:
    state = {
        "bookmarks": {
            "contacts": {
                "replication_key": "DATE_UPDATED_UTC",
                "replication_key_value": "yesterday",
            }
        }
    }
    run = tap(sandbox=sandbox, state=state)
    assert run.code == 2
    assert "The state of stream contacts holds 'yesterday'" in run.stderr
    assert "Traceback" not in run.stderr
