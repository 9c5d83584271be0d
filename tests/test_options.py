"""What users of the SDK know works here too: about, test, stream maps, flattening, BATCH."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tap_insightly.settings import SETTINGS
from tests.conftest import only

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap


@pytest.mark.parametrize("form", ["", "json", "markdown"])
def test_about_names_every_setting_without_any_configuration(form: str) -> None:
    options = ["--format", form] if form else []
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tap_insightly", "--about", *options],
        capture_output=True,
        text=True,
        check=True,
    )
    for setting in SETTINGS:
        assert setting.name in done.stdout
    if form == "json":
        about = json.loads(done.stdout)
        assert about["settings"]["properties"]["api_key"]["secret"] is True
        assert about["settings"]["required"] == ["api_key"]


def test_test_reads_little_of_every_stream(tap: Tap, sandbox: Sandbox) -> None:
    run = tap("--test", sandbox=sandbox)
    assert run.code == 0, run.stderr
    lists = [request for request in sandbox.requests if "top" in request.query]
    assert lists
    assert {request.query["top"] for request in lists} == {"2", "500"}  # to find a link or a tag
    assert "ERROR" not in run.stderr


def test_test_schema_writes_schemas_alone(tap: Tap, sandbox: Sandbox) -> None:
    run = tap("--test=schema", sandbox=sandbox)
    assert run.code == 0, run.stderr
    assert {message["type"] for message in run.messages} == {"SCHEMA"}


def test_stream_maps(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    maps = {
        "contacts": {
            "CONTACT_ID": "CONTACT_ID",
            "name": "FIRST_NAME.upper() if FIRST_NAME else None",
            "__else__": None,
        }
    }
    run = tap(sandbox=sandbox, catalog=catalog, stream_maps=maps)
    assert run.code == 0, run.stderr
    source = {r["CONTACT_ID"]: r["FIRST_NAME"] for r in sandbox.records("/Contacts")}
    for record in run.records("contacts"):
        assert set(record) == {"CONTACT_ID", "name"}
        assert record["name"] == (source[record["CONTACT_ID"]] or "").upper() or None


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        ({"x": "CONTACT_ID", "__else__": None}, "Invalid key properties for 'contacts'"),
        ({"x": "CONTACT_ID +"}, "Failed to parse expression CONTACT_ID + ("),
        ({"x": "nosuch(CONTACT_ID)"}, "Failed to evaluate simpleeval expressions nosuch("),
        ({"x": "CONTACT_ID + 'one'"}, "contacts: TypeError: "),
        ({"__filter__": "1 / 0"}, "contacts: ZeroDivisionError: "),
    ],
)
def test_a_stream_map_that_fails_is_no_traceback(
    tap: Tap, sandbox: Sandbox, maps: dict[str, object], said: str
) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    run = tap(sandbox=sandbox, catalog=catalog, stream_maps={"contacts": maps})
    assert run.code == 2
    assert said in run.stderr
    assert "This comes from the setting 'stream_maps'." in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("root", "code"), [("gs://not-installed/here", 2), ("file:///dev/null/folder", 1)]
)
def test_a_storage_that_cannot_be_had_is_no_traceback(
    tap: Tap, sandbox: Sandbox, root: str, code: int
) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    batch_config = {"encoding": {"format": "jsonl"}, "storage": {"root": root}}
    run = tap(sandbox=sandbox, catalog=catalog, batch_config=batch_config)
    assert run.code == code
    assert "contacts: " in run.stderr
    assert "This comes from the setting 'batch_config'." in run.stderr
    assert "Traceback" not in run.stderr


def test_flattening(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    run = tap(sandbox=sandbox, catalog=catalog, flattening_enabled="true", flattening_max_depth=1)
    assert run.code == 0, run.stderr
    assert all(isinstance(record["TAGS"], str | None) for record in run.records("contacts"))


def test_batch(tap: Tap, sandbox: Sandbox, tmp_path: Path) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    root = tmp_path / "batches"
    root.mkdir()
    run = tap(
        sandbox=sandbox,
        catalog=catalog,
        batch_config={
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": root.as_uri()},
        },
    )
    assert run.code == 0, run.stderr
    files = [
        Path(urlsplit(url).path)
        for message in run.messages
        if message["type"] == "BATCH"
        for url in message["manifest"]
    ]
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
    rows = [json.loads(line) for line in lines]
    assert [row["CONTACT_ID"] for row in rows] == [
        record["CONTACT_ID"] for record in sandbox.records("/Contacts")
    ]
    assert run.bookmark("contacts")
