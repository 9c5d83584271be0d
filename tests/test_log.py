"""The log of a run: a line for each stream, one at the end, and nothing else at INFO."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.conftest import only
from tests.loader.feeding import Feed, record, schema, state

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap

COST = r"[\d,]+ requests, \d+ retries, \d+ answered 429, \d+\.\d seconds"
LEFT = r"; [\d,]+ requests are left today\."
VERSION = r"\S+ v\S+, Meltano SDK v\S+"


def said(stderr: str) -> list[tuple[str, str]]:
    """The level and the text of each line."""
    parts = [line.split("|", 3) for line in stderr.splitlines()]
    return [(part[1].strip(), part[3].strip()) for part in parts]


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_sync_has_a_line_for_each_stream_and_one_at_the_end(
    tap: Tap, sandbox: Sandbox, level: str
) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "users", "record_tags")
    sandbox.faults = Faults(script=["ok", "503"])
    run = tap(sandbox=sandbox, catalog=catalog, loglevel=level)
    lines = [text for shown, text in said(run.stderr) if shown == "INFO"]
    assert re.fullmatch(VERSION, lines[0])
    for name, line in zip(("contacts", "users", "record_tags"), lines[1:-1], strict=True):
        assert re.fullmatch(rf"{name}: .* records, {COST}\.", line)
    number = sum(len(run.records(name)) for name in ("contacts", "users", "record_tags"))
    assert re.fullmatch(rf"3 of 3 streams finished: {number} records, {COST}{LEFT}", lines[-1])
    assert " 1 retries," in lines[-1]
    debug = [text for shown, text in said(run.stderr) if shown == "DEBUG"]
    assert any("METRIC" in text for text in debug) is (level == "DEBUG")
    assert any("Skipping deselected" in text for text in debug) is (level == "DEBUG")


def test_a_run_that_is_cut_off_has_it_too_and_then_what_to_do(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "leads", "users")
    sandbox.requests.clear()
    sandbox.faults = Faults(daily_quota=2)
    run = tap(sandbox=sandbox, catalog=catalog, max_concurrency=1)
    assert run.code == 75
    *_, (_, last), (level, problem) = said(run.stderr)
    number = len(run.records("contacts")) + len(run.records("leads"))
    assert re.fullmatch(
        rf"2 of 3 streams finished: {number} records, {COST}; 0 requests are left today\.", last
    )
    assert level == "ERROR"
    assert re.search(r"at midnight UTC \(\d{4}-\d\d-\d\dT00:00:00Z\)\. Run it again", problem)
    assert "goes on from the state written so far" in problem


def test_what_cannot_be_read_is_not_called_finished(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "users")
    sandbox.faults = Faults(forbidden={"/Users"})
    run = tap(sandbox=sandbox, catalog=catalog)
    assert said(run.stderr)[-1][1].startswith("1 of 2 streams finished")


def test_a_stream_that_is_cut_off_between_two_of_its_lists_is_not_called_finished(
    tap: Tap, sandbox: Sandbox
) -> None:
    catalog = only(tap.discover(sandbox), "tags")  # six lists
    sandbox.faults = Faults(daily_quota=3)
    run = tap(sandbox=sandbox, catalog=catalog)
    assert any(text.startswith("0 of 1 streams finished") for _, text in said(run.stderr))


@pytest.mark.parametrize("quota", [100, 3])
def test_the_target_has_a_line_for_each_stream_and_one_at_the_end(
    tmp_path: Path, sandbox: Sandbox, quota: int
) -> None:
    sandbox.faults = Faults(daily_quota=quota)
    names = ("FIRST_NAME", "LAST_NAME")
    rows: list[dict[str, Any]] = [{"FIRST_NAME": f"No {number}"} for number in range(5)]
    messages = [schema("contacts", *names), *(record("contacts", **row) for row in rows), state(1)]
    fed = Feed(tmp_path, sandbox)(messages, max_concurrency=1)
    lines = [text for level, text in said(fed.stderr) if level == "INFO"]
    assert re.fullmatch(VERSION, lines[0])
    assert re.fullmatch(r"contacts: \d created, .* rejected; \d requests\.", lines[1])
    begin = "Finished: 5 records" if quota == 100 else r"Not finished: \d records"
    assert re.fullmatch(rf"{begin}, {COST}{LEFT}", lines[2])
    assert len(lines) == 3


def test_programs_read_the_same_figures(
    tap: Tap, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "users")
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "singer_sdk.logging.StructuredFormatter"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": "INFO", "handlers": ["console"]},
    }
    path = tap.folder / "logging.json"
    path.write_text(json.dumps(config))
    monkeypatch.setenv("SINGER_SDK_LOG_CONFIG", str(path))
    run = tap(sandbox=sandbox, catalog=catalog)
    found = [json.loads(line) for line in run.stderr.splitlines()]
    figures = {one["stream_name"]: one["extra"]["figures"] for one in found if one["extra"]}
    assert figures.keys() == {"contacts", "users", None}
    for name in ("contacts", "users"):
        assert figures[name]["records"] == len(run.records(name))
    total = figures[None]
    assert total["streams"] == total["streams_finished"] == 2
    assert total["records"] == sum(figures[name]["records"] for name in ("contacts", "users"))
    assert total["requests_left"] == 100_000 - len(sandbox.requests)
    assert total.keys() == {
        *("streams", "streams_finished", "records", "requests", "retries", "answered_429"),
        *("seconds", "requests_left"),
    }
