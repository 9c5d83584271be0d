"""Where rows come from: files of any make are read, and what cannot be is told in a sentence."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.verify import NotComparableError, open_file
from tap_insightly.verify.csvfile import CSVFile
from tap_insightly.verify.postgres import without_password
from tap_insightly.verify.rows import WarehouseRow, WarehouseRows, seconds
from tests.cli.running import run
from tests.verify.loading import write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.cli.running import Result
    from tests.verify.conftest import Case

KEYS = ["CONTACT_ID"]
SECRET = "se@cr:et/word"  # noqa: S105 - an example


def refused(done: Result, *texts: str, code: int = 2) -> None:
    """Refused in a sentence, with the exit code for what could not be compared, or another."""
    assert done.code == code, done.stdout + done.stderr
    assert done.stdout == ""
    for text in texts:
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    for part in ("se@cr", "et/word", "se%40cr", "wordy"):
        assert part not in done.stderr


def test_a_csv_of_keys_and_dates_is_compared(sandbox: Sandbox, tmp_path: Path) -> None:
    records = sandbox.records("/Contacts")
    ids = [one["CONTACT_ID"] for one in records]
    path = tmp_path / "contacts.csv"
    write_csv(path, [*records[:5], *records[6:]])
    done = run(sandbox, "verify", "--from", path, "--stream", "contacts", "--json")
    (found,) = done.json["streams"]
    assert (done.code, found["missing"], found["table"]) == (1, [ids[5]], "contacts.csv")
    newest = {**records[5], "_sdc_deleted_at": None}
    write_csv(path, [*records, {**records[2], "_sdc_deleted_at": "2099-01-01"}, newest])
    done = run(sandbox, "verify", "--from", path, "--stream", "Contacts", "--json")
    (found,) = done.json["streams"]
    assert (done.code, found["missing"]) == (1, [ids[2]])
    assert found["notes"][1] == "2 rows besides the newest of their keys"


def test_a_parquet_of_keys_and_dates_is_compared(
    duck: Case, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "it's.parquet"
    quoted = str(path).replace("'", "''")
    duck.execute(f"copy insightly.contacts to '{quoted}' (format parquet)")
    args = ("verify", "--from", path, "--json", "--stream")
    assert run(sandbox, *args, "contacts").code == 0
    sandbox.delete("/Contacts", duck.ids()[3])
    done = run(sandbox, *args, "contacts")
    assert (done.code, done.json["streams"][0]["gone"]) == (1, [duck.ids()[3]])
    (note,) = run(sandbox, *args, "leads").json["streams"][0]["notes"]
    assert "has no column LEAD_ID; it has CONTACT_ID, " in note


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_comes_in_many_kinds(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    lines = [
        ["Contact_Id", "Name", "DATE_UPDATED_UTC", "_SDC_DELETED_AT"],
        ["7", 'one, two; "three"', "2026-04-09 16:58:14", ""],
        ["8", "four\nfive", "2026-04-09T16:58:14.5Z", "2026-04-10 00:00:00+00:00"],
        [],
        ["9", "", "0000-00-00 00:00:00", ""],
    ]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(lines)
    path = tmp_path / "contacts.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    source = open_file(str(path))
    table = source.table("contacts", KEYS)
    rows = list(source.rows(table, KEYS, "DATE_UPDATED_UTC", is_numeric=True))
    moment = seconds("2026-04-09 16:58:14")
    assert rows == [
        WarehouseRow(7, moment),
        WarehouseRow(8, moment, seconds("2026-04-10")),
        WarehouseRow(9, None),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "has no column CONTACT_ID; its first line has none."),
        ("id,date\n1,2\n", "has no column CONTACT_ID; its first line has id, date."),
        ("CONTACT_ID\nabc\n", "line 2 has 'abc', where an id belongs."),
        ("CONTACT_ID\n1\n-5\n", "line 3 has '-5', where an id belongs."),
        (f"CONTACT_ID\n{2**63}\n", "where an id belongs."),
        ("CONTACT_ID,DATE_UPDATED_UTC\n1,soon\n", "line 2 has 'soon', where a date belongs."),
        ("CONTACT_ID,DATE_UPDATED_UTC\n1\n", "line 2 has 1 columns, and the first one 2."),
        (b"CONTACT_ID\n\xe9\n", "cannot be read as CSV:"),
        (b"PAR1 is not all", "cannot be read as Parquet:"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_told(
    sandbox: Sandbox, tmp_path: Path, content: str | bytes, text: str
) -> None:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if content == b"PAR1 is not all":
        pytest.importorskip("duckdb", reason="duckdb 1.2.2 is not built for this Python")
    done = run(sandbox, "verify", "--from", path, "--stream", "contacts")
    assert done.code == 2
    assert text in done.stdout + done.stderr
    assert str(path) in done.stdout + done.stderr


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 30),
            st.one_of(st.none(), st.integers(-(10**9), 10**10)),
            st.one_of(st.none(), st.integers(0, 10**10)),
        )
    )
)
def test_of_rows_in_any_order_the_newest_of_each_key_is_kept(rows: list[Any]) -> None:
    kept = WarehouseRows([WarehouseRow(*row) for row in rows])
    assert list(kept.keys) == sorted(kept.keys)
    assert {*kept.keys, *kept.deleted_keys} == {key for key, *_ in rows}
    assert len(kept.keys) + len(kept.deleted_keys) + kept.duplicates == len(rows)
    for place, key in enumerate(kept.keys):
        obj = [(updated, deleted) for one, updated, deleted in rows if one == key]
        assert (kept.date_at(place), None) in obj
        dated = [one if two is None else two for one, two in obj]
        known = [date for date in dated if date is not None]
        assert kept.date_at(place) == max(known, default=None)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "Say where the warehouse is: --dsn, INSIGHTLY_DSN, or --from"),
        (["--from", "x.csv"], "say by one --stream which one it is"),
        (["--from", "x.csv", "--stream", "a", "--stream", "b"], "by one --stream"),
        (["--from", "x.csv", "--stream", "contacts", "--values", "3"], "--values is for"),
        (["--from", "x.csv", "--stream", "contacts", "--schema", "x"], "--schema is for"),
        (["--from", "nowhere.csv", "--stream", "contacts"], "nowhere.csv cannot be read"),
        (["--dsn", "nowhere.duckdb"], "There is no file nowhere.duckdb."),
        (["--dsn", "duckdb:///nowhere/it.duckdb"], "There is no file /nowhere/it.duckdb."),
        (["--dsn", f"snowflake://me:{SECRET}@x/y"], "of no kind that is known here"),
        (["--dsn", "warehouse"], "of no kind that is known here"),
        (["--dsn", "x.duckdb", "--values", "-1"], "--values"),
        (["--dsn", "x.duckdb", "--state", "nowhere.json"], "nowhere.json"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    sandbox: Sandbox, args: list[str], text: str
) -> None:
    refused(run(sandbox, "verify", *args), text)
    assert not sandbox.requests


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/x",
        "postgresql://me:se%40cr%3Aet%2Fword@127.0.0.1:1/x",
        "postgresql://me:wordy@127.0.0.1:nonsense/x",
        "postgres://me:wordy%zz@127.0.0.1:1/x",
        "postgresql+psycopg2://me:wordy@127.0.0.1:1/x",
        "postgresql://127.0.0.1:1/x?password=wordy",
        "host=127.0.0.1 port=1 password=wordy dbname=x",
        "host=127.0.0.1 port=1 password='se@cr et/word' dbname=x",
        "password = wordy nonsense",
    ],
)
def test_a_postgres_that_cannot_be_reached_is_told_and_not_the_password(
    sandbox: Sandbox, dsn: str
) -> None:
    refused(run(sandbox, "verify", "--dsn", dsn))
    assert not sandbox.requests


@given(secret=st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=3))
def test_whatever_the_password_it_is_not_printed(secret: str) -> None:
    said = without_password(f"no password '{secret}' for it", f"postgresql://x:{secret}@h/d")
    assert said == "no password '...' for it" or secret not in said


@pytest.mark.parametrize("name", ["duckdb", "psycopg"])
def test_a_driver_that_is_not_there_is_told_with_what_to_install(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "it.duckdb"
    path.touch()
    dsn, extra = (path, "duckdb") if name == "duckdb" else ("postgresql://h/d", "postgres")
    done = run(sandbox, "verify", "--dsn", dsn)
    refused(done, f"pip install 'tap-insightly[{extra}]'")


def test_a_file_that_is_no_database_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="duckdb 1.2.2 is not built for this Python")
    path = tmp_path / "it.duckdb"
    path.write_text("nonsense" * 5000)
    refused(run(sandbox, "verify", "--dsn", path), f"{path} cannot be opened: ")


def test_a_schema_or_tables_that_are_not_there_are_told(case: Case) -> None:
    refused(case.verify("--schema", "nowhere"), "has no schema 'nowhere'", "insightly")
    assert not case.account.requests
    refused(case.verify("--stream", "contcts"), "There is no stream 'contcts'", "contacts")
    case.execute("create schema if not exists other")
    case.execute("create table other.it as select 1 as one")
    refused(case.verify("--schema", "other"), "There is no table of any stream in schema other")


def test_a_key_that_is_not_accepted_is_told_once(duck: Case) -> None:
    refused(duck.verify(api_key="not-the-key"), "did not accept the API key", code=77)
    assert len(duck.account.requests) == 1


def test_the_address_may_come_from_the_environment(
    duck: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSIGHTLY_DSN", duck.store.dsn)
    assert run(duck.account, "verify", "--stream", "contacts").code == 0


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotComparableError, match="cannot be read"):
        CSVFile(tmp_path)
