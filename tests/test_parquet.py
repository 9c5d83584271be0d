"""Parquet files: the types of the catalog, whatever the records hold."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from singer_sdk.helpers._batch import BatchConfig

from tap_insightly.batch_files import TableBatcher
from tap_insightly.columns import TableMaker
from tap_insightly.conformer import Conformer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EXACT = Context(prec=10_000, rounding=ROUND_HALF_EVEN)  # Hypothesis' numbers are longer than 28
MOST = Decimal("99999999999999999999999999999.999999999")
"""The largest number that there is a place for: 29 digits before the point, 9 behind it."""

SCHEMA: Mapping[str, Mapping[str, Any]] = {
    "ID": {"type": "integer"},
    "WHEN": {"type": ["string", "null"], "format": "date-time"},
    "NAME": {"type": ["null", "string"]},
    "MONEY": {"type": ["number", "null"]},
    "COUNT": {"type": ["integer", "null"]},
    "IS_OPEN": {"type": ["boolean", "null"]},
    "Score__c": {"type": ["string", "number", "boolean", "null"]},
    "TAGS": {"type": ["array", "null"], "items": {"type": "string"}},
    "PLACE": {"type": ["object", "null"], "properties": {"LEVEL": {"type": ["number", "null"]}}},
    "ANYTHING": {},
}
TYPES = {
    "ID": pa.int64(),
    "WHEN": pa.timestamp("us", tz="UTC"),
    "NAME": pa.string(),
    "MONEY": pa.decimal128(38, 9),
    "COUNT": pa.int64(),
    "IS_OPEN": pa.bool_(),
    "Score__c": pa.string(),
    "TAGS": pa.string(),
    "PLACE": pa.string(),
    "ANYTHING": pa.string(),
}
FULL: Mapping[str, Any] = {
    "ID": 1,
    "WHEN": "2026-11-24T14:00:00Z",
    "NAME": "Zoë",
    "MONEY": Decimal("12.50"),
    "COUNT": -(2**63),
    "IS_OPEN": False,
    "Score__c": True,
    "TAGS": ["Golf"],
    "PLACE": {"LEVEL": Decimal("2.50")},
    "ANYTHING": [1, "two"],
}


class Files:
    """Writes records, three to a file, and reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        schema: Mapping[str, Any] = SCHEMA,
        **encoding: str,
    ) -> list[pa.Table]:
        config = BatchConfig.from_dict(
            {
                "encoding": {"format": "parquet", **encoding},
                "storage": {"root": self.folder.as_uri()},
                "batch_size": 3,
            }
        )
        make_table = TableMaker(Conformer({"properties": schema}), {"properties": schema})
        pages = [records[at : at + 2] for at in range(0, len(records), 2)]
        batcher = TableBatcher("tap", "things", config, make_table.schema)
        batches = list(batcher.get_batches(make_table(page)[0] for page in pages))
        self.warnings = list(make_table.warnings())
        assert all(len(urls) == 1 for urls in batches)
        self.paths = [self.folder / Path(url).name for (url,) in batches]
        return [parquet.read_table(path) for path in self.paths]

    def column(self, name: str, values: Sequence[Any]) -> list[Any]:
        """Write values into one column; read them again."""
        schema = {name: SCHEMA[name]}
        tables = self([{name: value} for value in values], schema=schema)
        return [value for table in tables for value in table.column(name).to_pylist()]


@pytest.fixture
def write(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture(scope="module")
def written() -> Iterator[Files]:
    """For Hypothesis, which takes no fixture of a function."""
    with TemporaryDirectory() as folder:
        yield Files(Path(folder))


EMPTY: Mapping[str, Any] = dict.fromkeys(SCHEMA)


@pytest.mark.parametrize(
    "records",
    [
        [FULL],
        [{**EMPTY, "ID": 1}],
        [{"ID": 1}],
        [FULL] * 4,
        [{"ID": 1}] * 3 + [FULL],
        [FULL] * 3 + [EMPTY],
        [{**FULL, "MONEY": 7}, {**FULL, "MONEY": Decimal("0.1")}, {**FULL, "MONEY": None}],
        [{**FULL, "Score__c": score} for score in (1, "high", Decimal("1.5"), None)],
    ],
)
def test_all_files_have_the_types_of_the_catalog(
    write: Files, records: list[dict[str, Any]]
) -> None:
    tables = write(records)
    assert sum(table.num_rows for table in tables) == len(records)
    for table in tables:
        assert dict(zip(table.schema.names, table.schema.types, strict=True)) == TYPES
        assert table.schema.names == list(SCHEMA)


def test_every_value_arrives(write: Files) -> None:
    (table,) = write([FULL, {"ID": 2}])
    row, other = table.to_pylist()
    assert row == {
        **FULL,
        "WHEN": datetime(2026, 11, 24, 14, tzinfo=timezone.utc),
        "Score__c": "true",
        "TAGS": '["Golf"]',
        "PLACE": '{"LEVEL":2.50}',
        "ANYTHING": '[1,"two"]',
    }
    assert other == {**EMPTY, "ID": 2}


def test_each_file_has_as_many_records_as_a_batch(write: Files) -> None:
    tables = write([{"ID": number} for number in range(7)])
    assert [table.column("ID").to_pylist() for table in tables] == [[0, 1, 2], [3, 4, 5], [6]]
    assert len(set(write.paths)) == 3
    assert not write([])


def test_a_second_sync_overwrites_nothing(write: Files) -> None:
    write([FULL])
    first = write.paths
    write([FULL])
    assert not set(first) & set(write.paths)
    assert all(path.name.startswith("tap--things-") for path in first)


@pytest.mark.parametrize(("encoding", "kind"), [({}, "SNAPPY"), ({"compression": "gzip"}, "GZIP")])
def test_the_files_are_compressed_inside(write: Files, encoding: dict[str, str], kind: str) -> None:
    write([FULL], **encoding)
    metadata = parquet.read_metadata(write.paths[0])
    assert metadata.row_group(0).column(0).compression == kind


fits = st.decimals(-MOST, MOST, places=9).filter(lambda number: abs(number) <= MOST)


@settings(max_examples=200)
@given(st.lists(fits | st.integers(-int(MOST), int(MOST)) | st.none(), max_size=7))
def test_numbers_keep_every_digit(written: Files, numbers: list[Decimal | int | None]) -> None:
    assert written.column("MONEY", numbers) == numbers


def fitting(number: Decimal | int) -> Decimal | None:
    """What there is a place for."""
    exact = Decimal(number)
    if exact and exact.adjusted() > 50:
        return None
    rounded = exact.quantize(Decimal("1e-9"), context=EXACT)
    return rounded if abs(rounded) <= MOST else None


any_number = st.one_of(
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.builds(
        lambda digits, power: Decimal(digits).scaleb(power, context=EXACT),
        st.integers(-(10**45), 10**45),
        st.integers(-60, 40),
    ),
)


@settings(max_examples=300)
@given(st.lists(any_number, max_size=7))
def test_numbers_are_rounded_to_nine_decimals_and_never_wrong(
    written: Files, numbers: list[Decimal | int]
) -> None:
    assert written.column("MONEY", numbers) == [fitting(number) for number in numbers]


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("0.1", "0.1"),
        ("1e3", "1000"),
        ("-0.000000001", "-0.000000001"),
        ("0.0000000005", "0"),  # half to even
        ("0.0000000015", "0.000000002"),
        ("1e-9999", "0"),
        ("1234567890123456789.01", "1234567890123456789.01"),
        ("99999999999999999999999999999", "99999999999999999999999999999"),
        ("99999999999999999999999999999.9999999994", "99999999999999999999999999999.999999999"),
        ("99999999999999999999999999999.9999999995", None),  # would be rounded to a digit more
        ("1e29", None),
        ("-1e29", None),
        ("1e9999", None),
    ],
)
def test_how_a_number_is_kept(write: Files, number: str, kept: str | None) -> None:
    expected = None if kept is None else Decimal(kept)
    assert write.column("MONEY", [Decimal(number)]) == [expected]
    assert bool(write.warnings) == (kept is None)


def test_numbers_that_do_not_fit_are_null_and_a_warning_says_where(write: Files) -> None:
    number = {"type": ["number", "null"]}
    rows = [
        {"A": 10**29, "B": 1, "C": None},
        {"A": None, "B": Decimal("0.5"), "C": 1},
        {"A": Decimal("-1e30"), "C": 10**40},
        {"A": 3, "B": 10**29 - 1, "C": 10**5000},
    ]
    tables = write(rows, schema={"A": number, "B": number, "C": number})
    found = [row for table in tables for row in table.to_pylist()]
    assert [row["A"] for row in found] == [None, None, None, 3]
    assert [row["B"] for row in found] == [1, Decimal("0.5"), None, 10**29 - 1]
    assert [row["C"] for row in found] == [None, 1, None, None]
    # Once for each column, not for each file; nothing of what was null before.
    more = "that are too long for a column, and null in it: 2."
    assert sorted(write.warnings) == [f"numbers in A {more}", f"numbers in C {more}"]


def test_an_id_that_is_too_long_is_null_and_ends_nothing(write: Files) -> None:
    assert write.column("COUNT", [2**63, 2**63 - 1, -(2**63) - 1, None]) == [
        None,
        2**63 - 1,
        None,
        None,
    ]
    (warning,) = write.warnings
    assert warning.startswith("numbers in COUNT that are too long")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("high", "high"),
        ("", ""),
        ("null", "null"),
        ('"quoted"', '"quoted"'),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (0, "0"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1234567890123456789.000000000001"), "1234567890123456789.000000000001"),
        (10**40, str(10**40)),
        (None, None),
    ],
)
def test_a_value_of_no_certain_type_is_the_text_that_the_api_sent(
    write: Files, value: Any, text: str | None
) -> None:
    assert write.column("Score__c", [value]) == [text]


nested = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | fits,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(nested, max_size=3) | st.dictionaries(st.text(), nested, max_size=3))
def test_nested_data_is_json_without_a_loss(written: Files, value: Any) -> None:
    (text,) = written.column("ANYTHING", [value])
    assert json.loads(text, parse_float=Decimal) == value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-09T16:58:14Z", "2026-04-09 16:58:14+00:00"),
        ("2026-04-09T16:58:14.123456Z", "2026-04-09 16:58:14.123456+00:00"),
        ("2026-04-09T16:58:14+02:00", "2026-04-09 14:58:14+00:00"),
        ("1969-12-31T23:59:59Z", "1969-12-31 23:59:59+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00:00"),
    ],
)
def test_moments_are_in_utc(write: Files, text: str, moment: str) -> None:
    found, nothing = write.column("WHEN", [text, None])
    assert (str(found), nothing) == (moment, None)


@given(st.lists(st.datetimes(), max_size=7))
def test_moments_are_exact(written: Files, moments: list[datetime]) -> None:
    texts = [f"{moment.isoformat()}Z" for moment in moments]
    aware = [moment.replace(tzinfo=timezone.utc) for moment in moments]
    assert written.column("WHEN", texts) == aware


@given(st.lists(st.text() | st.none(), max_size=7))
def test_texts_are_as_they_were(written: Files, texts: list[str | None]) -> None:
    assert written.column("NAME", texts) == texts
