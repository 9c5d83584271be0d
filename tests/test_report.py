"""The report file: what a sync did and what it cost, for the program that started it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tap_insightly.sandbox import Faults
from tests.conftest import KEY, only

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap


def test_a_report_counts_what_each_stream_brought_and_cost(
    tap: Tap, sandbox: Sandbox, tmp_path: Path
) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "users")
    before, path = len(sandbox.requests), tmp_path / "report.json"
    run = tap(sandbox=sandbox, catalog=catalog, report_file=str(path))
    assert run.code == 0, run.stderr
    report = json.loads(path.read_text())
    assert report["requests"] == len(sandbox.requests) - before
    assert sum(one["requests"] for one in report["streams"].values()) == report["requests"]
    for stream in ("contacts", "users"):
        told = report["streams"][stream]
        assert told["records"] == len(run.records(stream))
        assert told["is_whole"]
    assert report["quota_remaining"] == int(sandbox.faults.daily_quota) - len(sandbox.requests)
    assert KEY not in path.read_text()


def test_a_sync_that_fails_leaves_a_report_too(tap: Tap, sandbox: Sandbox, tmp_path: Path) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "users")
    sandbox.faults = Faults(daily_quota=1)
    path = tmp_path / "report.json"
    run = tap(sandbox=sandbox, catalog=catalog, report_file=str(path))
    assert run.code != 0
    report = json.loads(path.read_text())
    assert report["quota_remaining"] == 0
    assert not all(one["is_whole"] for one in report["streams"].values())


def test_a_report_calls_no_stream_whole_that_was_cut_off_between_two_of_its_lists(
    tap: Tap, sandbox: Sandbox, tmp_path: Path
) -> None:
    catalog = only(tap.discover(sandbox), "tags")  # six lists
    sandbox.faults = Faults(daily_quota=3)
    path = tmp_path / "report.json"
    tap(sandbox=sandbox, catalog=catalog, report_file=str(path))
    assert json.loads(path.read_text())["streams"]["tags"]["is_whole"] is False


def test_a_report_that_cannot_be_written_is_told_in_a_sentence(
    tap: Tap, sandbox: Sandbox, tmp_path: Path
) -> None:
    catalog = only(tap.discover(sandbox), "users")
    path = tmp_path / "no such folder" / "report.json"
    run = tap(sandbox=sandbox, catalog=catalog, report_file=str(path))
    assert run.code != 0
    assert "No such file or directory" in run.stderr
    assert "Traceback" not in run.stderr
