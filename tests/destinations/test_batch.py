"""BATCH: files on this machine and in S3, read back as whoever loads them would."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from datetime import datetime, timezone
from decimal import Decimal
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from pyarrow import parquet

from tests.conftest import Tap, entry, only
from tests.destinations import source
from tests.destinations.pipe import TOOLS, documented_setting, sql
from tests.destinations.warehouse import GONE, account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Run
    from tests.destinations.source import Cell, Loaded

pytestmark = pytest.mark.slow
__all__ = ["account"]

KEPT = {"CONTACT_ID", GONE}
"""What there is of a deleted contact."""


def as_json(cell: Cell) -> Any:
    """What a line of JSON holds of a cell."""
    if isinstance(cell.value, datetime):
        return f"{cell.value:%Y-%m-%dT%H:%M:%S}Z"
    if cell.kind == "number" and cell.value is not None:
        whole = "." not in str(cell.value)
        return int(cell.value) if whole else cell.value
    return cell.value


def as_parquet(cell: Cell) -> Any:
    """What a Parquet file holds of a cell."""
    if isinstance(cell.value, datetime):
        return cell.value.replace(tzinfo=timezone.utc)
    if cell.value is not None and cell.kind == "any":
        return str(cell.value)
    return cell.value


def lines(content: bytes) -> list[Loaded]:
    """Read a file of JSON lines, without losing digits."""
    return [json.loads(line, parse_float=Decimal) for line in gzip.decompress(content).splitlines()]


def on_disk(url: str) -> bytes:
    """Read a file."""
    return Path(unquote(urlsplit(url).path)).read_bytes()


@cache
def nested() -> frozenset[str]:
    """The names of the columns that hold nested data."""
    return source.nested(source.new_account())


def rows_of_parquet(content: bytes) -> list[Loaded]:
    """Read a Parquet file; nested data is JSON in there."""
    return [
        {
            name: json.loads(value) if name in nested() and value is not None else value
            for name, value in row.items()
        }
        for row in parquet.read_table(BytesIO(content)).to_pylist()
    ]


def written(run: Run, stream: str) -> list[str]:
    """List the files that a run wrote of a stream, going by its BATCH messages."""
    assert run.code == 0, run.stderr
    assert all(message["type"] != "RECORD" for message in run.messages)
    batches = [m for m in run.messages if m["type"] == "BATCH" and m["stream"] == stream]
    return [url for batch in batches for url in batch["manifest"]]


def loaded(
    run: Run,
    read: Callable[[str], bytes],
    stream: str,
    *,
    decode: Callable[[bytes], list[Loaded]] = lines,
) -> list[Loaded]:
    """Read what a run wrote of a stream."""
    return [row for url in written(run, stream) for row in decode(read(url))]


def test_json_lines_on_disk_hold_everything_and_then_what_changed(
    account: Sandbox, tmp_path: Path
) -> None:
    config = documented_setting("batch_config", "file://")
    config["storage"]["root"] = (tmp_path / "batches").as_uri()
    tap = Tap(tmp_path)
    first = tap(sandbox=account, batch_config={**config, "batch_size": 7})
    assert len(written(first, "contacts")) == 6
    assert source.compare(account, partial(loaded, first, on_disk), as_json) > 5000

    changed = source.change(account)
    second = tap(sandbox=account, batch_config=config, state=first.state)
    rows = {row["CONTACT_ID"]: row for row in loaded(second, on_disk, "contacts")}
    assert rows.keys() > {changed.created, changed.updated}
    assert len(rows) < account.count("/Contacts")
    newest = {row["CONTACT_ID"]: row for row in loaded(first, on_disk, "contacts")} | rows
    there = [
        {source.NEW_FIELD: None, **row} for key, row in newest.items() if key not in changed.deleted
    ]
    source.compare(account, lambda _: there, as_json, streams=["contacts"])


@pytest.fixture
def s3() -> Iterator[str]:
    """A stand-in for S3 on this machine; its URL."""
    program = TOOLS / "moto" / "bin" / "moto_server"
    if not program.exists():
        pytest.fail("moto is missing; `make test` installs it")
    command = [str(program), "-H", "127.0.0.1", "-p", "0"]
    server = subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
    )
    try:
        assert server.stderr
        said = []
        for line in server.stderr:
            said.append(line)
            _, found, url = line.partition("Running on ")
            if found:
                break
        else:
            pytest.fail("".join(said))
        yield url.split()[0]
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize("encoding", ["jsonl", "parquet"])
def test_files_in_s3_hold_everything(
    account: Sandbox, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    config = documented_setting("batch_config", "s3://")
    config["encoding"] = documented_setting("batch_config", f"format: {encoding}")["encoding"]
    root = urlsplit(config["storage"]["root"])
    assert requests.put(f"{s3}/{root.netloc}", timeout=60).ok
    for name, value in _documented_variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    run = Tap(tmp_path)(sandbox=account, batch_config=config)

    def read(url: str) -> bytes:
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == (root.scheme, root.netloc)
        assert parts.path.startswith(f"{root.path}/")
        answer = requests.get(f"{s3}/{parts.netloc}{parts.path}", timeout=60)
        answer.raise_for_status()
        return answer.content

    decode, adapt = {"jsonl": (lines, as_json), "parquet": (rows_of_parquet, as_parquet)}[encoding]
    assert source.compare(account, partial(loaded, run, read, decode=decode), adapt) > 5000


def _documented_variables() -> Mapping[str, str]:
    """The variables that the document names, with values for the stand-in."""
    return {
        "AWS_ACCESS_KEY_ID": "anything",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def on_disk_as_documented(encoding: str, folder: Path) -> dict[str, Any]:
    """The setting for files on this machine."""
    config: dict[str, Any] = documented_setting("batch_config", f"format: {encoding}")
    assert config["storage"]["root"].startswith("file://")
    config["storage"]["root"] = folder.as_uri()
    return config


def test_a_line_of_a_deleted_record_has_its_key_and_the_moment(
    account: Sandbox, tmp_path: Path
) -> None:
    config = on_disk_as_documented("jsonl", tmp_path / "batches")
    tap = Tap(tmp_path)
    first = tap(sandbox=account, batch_config=config, detect_deletes=True)
    key = account.records("/Contacts")[2]["CONTACT_ID"]
    account.delete("/Contacts", key)
    second = tap(sandbox=account, batch_config=config, detect_deletes=True, state=first.state)
    assert all(row[GONE] is None for row in loaded(first, on_disk, "contacts"))
    (line,) = [row for row in loaded(second, on_disk, "contacts") if row[GONE] is not None]
    assert line == {"CONTACT_ID": key, GONE: line[GONE]}
    third = tap(sandbox=account, batch_config=config, detect_deletes=True, state=second.state)
    assert all(row[GONE] is None for row in loaded(third, on_disk, "contacts"))


def test_parquet_on_disk_holds_everything(account: Sandbox, tmp_path: Path) -> None:
    """In many files of a stream, all of which have the same columns."""
    config = on_disk_as_documented("parquet", tmp_path / "batches")
    run = Tap(tmp_path)(sandbox=account, batch_config={**config, "batch_size": 7})
    load = partial(loaded, run, on_disk, decode=rows_of_parquet)
    assert source.compare(account, load, as_parquet) > 5000
    files = [BytesIO(on_disk(url)) for url in written(run, "contacts")]
    assert len(files) == 6
    assert len({str(parquet.read_schema(file)) for file in files}) == 1


def test_the_newest_rows_of_parquet_files_are_what_is_in_insightly(
    account: Sandbox, tmp_path: Path
) -> None:
    """With the statement that the document shows, over a new custom field and deletions."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb 1.2.2 is not built for this Python")
    root = urlsplit(documented_setting("batch_config", "format: parquet")["storage"]["root"]).path
    folder = tmp_path / "batches"
    config = on_disk_as_documented("parquet", folder)
    tap = Tap(tmp_path)
    first = tap(sandbox=account, batch_config=config, detect_deletes=True)
    assert first.code == 0, first.stderr
    changed = source.change(account)
    second = tap(sandbox=account, batch_config=config, detect_deletes=True, state=first.state)
    gone = [
        row
        for row in loaded(second, on_disk, "contacts", decode=rows_of_parquet)
        if row[GONE] is not None
    ]
    assert [row["CONTACT_ID"] for row in gone] == sorted(changed.deleted)
    assert all(value is None for row in gone for name, value in row.items() if name not in KEPT)

    statement = sql("What is still in Insightly, out of Parquet files, in DuckDB")
    assert f"'{root}/" in statement
    with duckdb.connect() as connection:
        connection.sql("set timezone = 'UTC'")
        table = connection.sql(statement.replace(root, str(folder))).arrow()
    content = BytesIO()
    parquet.write_table(table, content)
    rows = rows_of_parquet(content.getvalue())
    source.compare(account, lambda _: rows, as_parquet, streams=["contacts"])


def test_numbers_of_parquet_keep_nine_decimals_and_those_that_are_too_long_are_null(
    account: Sandbox, tmp_path: Path
) -> None:
    """A sum of money with 21 digits is not."""
    for money in (source.MUCH_MONEY, "1e29", "0.0000000015"):
        account.create("/Contacts", CUSTOMFIELDS=source.custom(Credit_Limit__c=money))
    config = on_disk_as_documented("parquet", tmp_path / "batches")
    run = Tap(tmp_path)(sandbox=account, batch_config=config)
    rows = loaded(run, on_disk, "contacts", decode=rows_of_parquet)[-3:]
    money = [row["Credit_Limit__c"] for row in rows]
    assert money == [Decimal(source.MUCH_MONEY), None, Decimal("0.000000002")]
    assert "contacts: numbers in Credit_Limit__c that are too long for a column" in run.stderr


def test_parquet_has_the_columns_that_are_selected(account: Sandbox, tmp_path: Path) -> None:
    tap = Tap(tmp_path)
    catalog = only(tap.discover(account), "contacts")
    for one in entry(catalog, "contacts")["metadata"]:
        if one["breadcrumb"] and one["breadcrumb"][-1] != "LAST_NAME":
            one["metadata"]["selected"] = False
    config = on_disk_as_documented("parquet", tmp_path / "batches")
    run = tap(sandbox=account, catalog=catalog, batch_config=config)
    rows = loaded(run, on_disk, "contacts", decode=rows_of_parquet)
    assert set(rows[0]) == {"CONTACT_ID", "DATE_UPDATED_UTC", "LAST_NAME"}
