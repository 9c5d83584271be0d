"""Files of rows are read as they were written, or refused by their lines, whatever is in them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.cli.rows import DELIMITERS, CSVRowFile, JSONRowFile, RowFile

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
PIECES = st.sampled_from(
    [
        "a",
        "b",
        ",",
        ";",
        "\t",
        '"',
        '""',
        "\n",
        "\r",
        "\r\n",
        " ",
        "\ufeff",
        "\0",
        "é",
        "{",
        "}",
        ":",
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    size = len(names)
    rows = st.lists(st.lists(TEXTS, min_size=size, max_size=size).filter(any), max_size=4)
    return [names, *draw(rows)]


def written(table: list[list[str]], delimiter: str, end: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        table
    )
    return text.getvalue().encode()


@given(
    table=tables(),
    delimiter=st.sampled_from(DELIMITERS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    is_clearing=st.booleans(),
)
def test_csv_comes_back_as_it_was_written(
    table: list[list[str]], delimiter: str, end: str, *, is_clearing: bool
) -> None:
    rows = CSVRowFile(io.BytesIO(written(table, delimiter, end)), clear_empty=is_clearing)
    names, *cells = table
    assert rows.columns() == names
    wanted: list[dict[str, Any]] = [
        {n: c or None for n, c in zip(names, row, strict=True) if c or is_clearing} for row in cells
    ]
    assert [json.loads(row) for row in rows] == wanted
    assert [json.loads(row) for row in rows] == wanted, "it can be read again"


@pytest.mark.parametrize("kind", [CSVRowFile, JSONRowFile])
@given(content=st.binary() | st.lists(PIECES).map(lambda all_of: "".join(all_of).encode()))
def test_anything_else_is_refused_in_a_sentence(kind: type[RowFile], content: bytes) -> None:
    said, names, found = attempt(kind, content)
    assert not said or (said.startswith("Standard input") and said.endswith("."))
    assert bool(names) != bool(said)
    assert all(set(row) <= set(names) for row in found)


def attempt(kind: type[RowFile], content: bytes) -> tuple[str, list[str], list[dict[str, Any]]]:
    """What is said of a file that cannot be read, or what is in it."""
    try:
        rows = kind(io.BytesIO(content))
        return "", rows.columns(), [json.loads(row) for row in rows]
    except click.UsageError as error:
        return str(error), [], []


@given(st.lists(st.dictionaries(TEXTS, st.none() | st.integers() | TEXTS, max_size=3), max_size=4))
def test_json_comes_back_as_it_was_written(records: list[dict[str, Any]]) -> None:
    content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    rows = JSONRowFile(io.BytesIO(content.encode()))
    assert [json.loads(row) for row in rows] == records
    names = {name for record in records for name in record}
    if names:
        assert set(rows.columns()) == names
