"""Records leave as JSON, as lines of it, as CSV and as tables; none loses or bends a value."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.api import Field
from tap_insightly.api.records.objects import standard_objects
from tap_insightly.cli.formats import cut, fitted, printable, text_of, width_of, write_csv
from tap_insightly.sandbox import Faults
from tests.cli.conftest import first
from tests.cli.running import COMMAND, environment, run, run_in_terminal
from tests.cli.test_records import contact
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
VALUES = st.none() | st.booleans() | st.integers() | TEXTS | st.lists(st.integers() | TEXTS)
# The API lists tags only of one kind of record, which is a parameter for `insightly api`.
LISTED = [obj.name for obj in standard_objects() if obj.name != "Tag"]


def rows_of(text: str) -> list[dict[str, str]]:
    """What is in CSV."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names, *rows = reader
    assert all(len(row) == len(names) for row in rows)
    assert len(set(names)) == len(names)
    return [dict(zip(names, row, strict=True)) for row in rows]


def as_cells(record: dict[str, Any]) -> dict[str, str]:
    """A record of the API as cells: custom fields by name, empty ones left out."""
    values = {name: value for name, value in record.items() if name != "CUSTOMFIELDS"}
    for one in record.get("CUSTOMFIELDS") or ():
        values[one["FIELD_NAME"]] = one["FIELD_VALUE"]
    return {name: text for name, value in values.items() if (text := text_of(value))}


@pytest.mark.parametrize("name", [*LISTED, "Fruit__c"])
def test_csv_has_all_that_json_has(shared_sandbox: Sandbox, name: str) -> None:
    done = run(shared_sandbox, "get", name, "--format", "csv")
    assert (done.code, done.stderr) == (0, "")
    found = [{key: text for key, text in row.items() if text} for row in rows_of(done.stdout)]
    lines = run(shared_sandbox, "get", name, "--jsonl").lines
    wanted = [json.loads(line, parse_float=Decimal) for line in lines]
    assert found == [as_cells(record) for record in wanted]
    assert found or name == "ActivitySet"


def test_csv_has_columns_for_all_fields_whoever_has_a_value(shared_sandbox: Sandbox) -> None:
    nobody = ("contacts", "--where", "FIRST_NAME=Nobody At All")
    done = run(shared_sandbox, "get", *nobody, "--format", "csv")
    fields = run(shared_sandbox, "fields", "contact", "--json").json
    names = [one["name"] for one in fields if one["name"] != "CUSTOMFIELDS"]
    assert sorted(done.lines[0].split(",")) == sorted(names)
    assert "Hobby__c" in names


@given(st.lists(st.tuples(VALUES, VALUES), max_size=5))
def test_every_value_comes_back_out_of_csv(rows: list[tuple[Any, Any]]) -> None:
    columns = [Field("A", "string"), Field("B__c", "string", is_custom=True)]
    pages = [
        [{"A": a, "CUSTOMFIELDS": [{"FIELD_NAME": "B__c", "FIELD_VALUE": b}]}] for a, b in rows
    ]
    written = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("click.echo", lambda text, **_: written.write(text))
        write_csv(columns, pages)
    found = rows_of(written.getvalue().decode())
    assert [(row["A"], row["B__c"]) for row in found] == [(text_of(a), text_of(b)) for a, b in rows]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (2**60, "1152921504606846976"),
        (Decimal("1234567890123456.70"), "1234567890123456.70"),
        ("0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("=1+1", "=1+1"),
        ([{"TAG_NAME": "vip"}], '[{"TAG_NAME":"vip"}]'),
        ([], "[]"),
    ],
)
def test_a_value_is_written_as_it_is(value: object, text: str) -> None:
    assert text_of(value) == text


def test_csv_is_written_page_by_page(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    written: list[bytes] = []

    def pages() -> Any:
        for number in range(3):
            yield [{"A": number}]
            written.append(capfdbinary.readouterr().out)

    write_csv([Field("A", "integer")], pages())
    assert written == [b"A\r\n0\r\n", b"1\r\n", b"2\r\n"]


def test_only_some_fields_make_columns_in_their_order(shared_sandbox: Sandbox) -> None:
    args = ("get", "contacts", "--limit", "2", "--fields", "hobby,contact_id,Hobby__c")
    done = run(shared_sandbox, *args, "--format", "csv")
    assert done.lines[0] == "Hobby__c,CONTACT_ID"
    keys = [one["CONTACT_ID"] for one in shared_sandbox.records("/Contacts")[:2]]
    assert [int(row["CONTACT_ID"]) for row in rows_of(done.stdout)] == keys
    done = run(shared_sandbox, *args, "--format", "table")
    assert done.lines[0].split() == ["Hobby__c", "CONTACT_ID"]


def test_the_array_of_custom_fields_is_their_columns(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "get", "contacts", "--fields", "CUSTOMFIELDS", "--format", "csv")
    names = done.lines[0].split(",")
    assert "Hobby__c" in names
    assert all(name.endswith("__c") for name in names)


@pytest.mark.parametrize("form", ["csv", "table", "json", "jsonl"])
def test_one_record_is_written_in_every_format(shared_sandbox: Sandbox, form: str) -> None:
    wanted = contact(shared_sandbox)
    done = run(shared_sandbox, "get", "contact", wanted["CONTACT_ID"], "--format", form)
    assert (done.code, done.stderr) == (0, "")
    cells = as_cells(wanted)
    if form == "csv":
        (row,) = rows_of(done.stdout)
        found = {name: text for name, text in row.items() if text}
    elif form == "table":
        found = dict(line.split(maxsplit=1) for line in done.lines[2:])
        cells = {name: text for name, text in cells.items() if text != "[]"}
    else:
        assert (len(done.lines) == 1) == (form == "jsonl")
        found = as_cells(json.loads(done.stdout, parse_float=Decimal))
    assert found == cells


def test_the_short_form_is_the_long_one(shared_sandbox: Sandbox) -> None:
    short = run(shared_sandbox, "get", "contacts", "--jsonl").stdout
    assert run(shared_sandbox, "get", "contacts", "--format", "jsonl").stdout == short
    assert run(shared_sandbox, "get", "contacts", "--format", "jsonl", "--jsonl").stdout == short
    as_usual = run(shared_sandbox, "get", "contacts").stdout
    assert run(shared_sandbox, "get", "contacts", "--format", "json").stdout == as_usual


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["contacts", "--jsonl", "--format", "csv"], "There is one format"),
        (["contacts", "--jsonl", "--format", "json"], "There is one format"),
        (["contact", "301", "--etag", "--format", "csv"], "--etag is for one record"),
        (["contacts", "--format", "xml"], "'xml' is not one of"),
        (["contacts", "--format", "csv", "--fields", "HOBY,TITEL"], "no field 'HOBY'"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(
    sandbox: Sandbox, args: list[str], said: str
) -> None:
    done = run(sandbox, "get", *args)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("form", ["csv", "table", "json", "jsonl"])
def test_what_cannot_be_read_leaves_nothing_behind(sandbox: Sandbox, form: str) -> None:
    done = run(sandbox, "get", "contact", 1, "--format", form)
    assert (done.code, done.stdout) == (1, "")
    assert "(404)" in done.stderr
    sandbox.faults = Faults(forbidden=frozenset({"/Users"}))
    done = run(sandbox, "get", "users", "--format", form)
    assert (done.code, done.stdout) == (1, "")


@pytest.mark.parametrize("form", ["csv", "table"])
def test_what_nobody_told_us_of_is_named(sandbox: Sandbox, form: str) -> None:
    sandbox.put("/Contacts", first(sandbox), BRAND_NEW="x", OTHER_NEW=None)
    done = run(sandbox, "get", "contacts", "--format", form)
    assert done.code == 0
    assert "BRAND_NEW. They are in --format json" in done.stderr
    assert "OTHER_NEW" not in done.stderr
    assert "BRAND_NEW" in run(sandbox, "get", "contacts").stdout
    done = run(sandbox, "get", "contacts", "--format", form, "--fields", "CONTACT_ID")
    assert done.stderr == ""


@pytest.mark.parametrize("form", ["csv", "table", "json", "jsonl"])
def test_a_reader_that_has_enough_is_no_trouble(large_sandbox: Sandbox, form: str) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "get", "contacts", "--format", form],
        env=environment(large_sandbox),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) in {0, 1}


def test_a_table_has_what_has_a_value(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "get", "contacts", "--format", "table")
    names = done.lines[0].split()
    records = [as_cells(record) for record in shared_sandbox.records("/Contacts")]
    wanted = {name for record in records for name, text in record.items() if text != "[]"}
    assert names[0] == "CONTACT_ID"
    assert set(names) == wanted
    assert len(done.lines) == 2 + len(records)


def test_the_columns_of_a_table_are_aligned(shared_sandbox: Sandbox) -> None:
    names = "CONTACT_ID,LAST_NAME,DATE_CREATED_UTC"
    done = run(shared_sandbox, "get", "contacts", "--fields", names, "--format", "table")
    starts = {width_of(line[: -len("2026-01-31 08:00:00")]) for line in done.lines[1:]}
    assert len(starts) == 1
    assert any(not line.isascii() for line in done.lines)


def test_a_table_without_records_is_none(shared_sandbox: Sandbox) -> None:
    done = run(
        shared_sandbox, "get", "contacts", "--where", "FIRST_NAME=Nobody", "--format", "table"
    )
    assert (done.code, done.stdout, done.stderr) == (0, "", "There are none.\n")


def test_a_value_stays_in_its_row_and_gives_the_terminal_no_orders(sandbox: Sandbox) -> None:
    key = first(sandbox)
    sandbox.update("/Contacts", key, BACKGROUND="one\ntwo\r\x1b[2Jthree\u2028four")
    done = run(sandbox, "get", "contact", key, "--fields", "BACKGROUND", "--format", "table")
    assert done.lines[2] == "BACKGROUND  one two  [2Jthree four"


@pytest.mark.parametrize("columns", [60, 100])
def test_a_table_is_no_wider_than_the_terminal(tmp_path: Path, columns: int) -> None:
    with new_sandbox(records=5).serve() as sandbox:
        sandbox.update("/Contacts", first(sandbox), LAST_NAME="Größmann-" * 30)
        args = ("get", "contacts", "--format", "table")
        done = run_in_terminal(sandbox, *args, folder=tmp_path, columns=columns)
        assert done.code == 0
        *lines, said = done.lines
        assert max(map(width_of, lines)) <= columns
        assert "…" in done.stdout
        assert "columns are shown, as the terminal is not wider" in said
        whole = run_in_terminal(
            sandbox, *args, "--fields", "CONTACT_ID,TITLE", folder=tmp_path, columns=columns
        )
        assert len(whole.lines) == 2 + len(sandbox.records("/Contacts"))
        piped = run(sandbox, *args)
        assert "Größmann-" * 30 in piped.stdout
        assert "…" not in piped.stdout


@given(
    st.lists(st.integers(1, 10_000), min_size=1, max_size=30),
    st.integers(1, 300),
)
def test_columns_fit_as_many_as_can(widths: list[int], room: int) -> None:
    found = fitted(widths, room)
    assert 1 <= len(found) <= len(widths)
    assert all(1 <= new <= old for new, old in zip(found, widths, strict=False))
    assert sum(found) + 2 * (len(found) - 1) <= room
    if sum(widths) + 2 * (len(widths) - 1) <= room:
        assert found == widths


@given(st.text(), st.integers(1, 20))
def test_what_is_cut_fits(text: str, width: int) -> None:
    text = printable(text)
    found = cut(text, width)
    assert width_of(found) <= width
    assert found == text or (found.endswith("…") and text.startswith(found[:-1]))
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("Ada", 3), ("日本", 4), ("Größe", 5), ("e\u0301", 1), ("🎪", 2)]
)
def test_the_width_is_that_of_a_terminal(text: str, width: int) -> None:
    assert width_of(text) == width
