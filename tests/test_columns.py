"""Tables have the values that rows have, to the last digit, and the same is warned about."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_insightly.api.http.bodies import checked_body
from tap_insightly.api.http.codec import encode
from tap_insightly.api.http.request import Request
from tap_insightly.api.http.response import Response
from tap_insightly.columns import TableMaker, arrow_schema
from tap_insightly.conformer import Conformer
from tap_insightly.custom_fields import columns_of
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATE_TIME = {"type": ["string", "null"], "format": "date-time"}
NUMBER = {"type": ["number", "null"]}
INTEGER = {"type": ["integer", "null"]}
TEXT = {"type": ["string", "null"]}
CHOICES = {"type": ["array", "null"], "items": {"type": "string"}}
LINK = {
    "type": ["object", "null"],
    "properties": {"LINK_ID": INTEGER, "ROLE": TEXT, "ON": DATE_TIME},
}
FIELDS = {"type": ["array", "null"], "items": {"type": "object"}}

STANDARD: Mapping[str, Any] = {
    "ID": {"type": "integer"},
    "NAME": TEXT,
    "WHEN": DATE_TIME,
    "MONEY": NUMBER,
    "COUNT": INTEGER,
    "IS_OPEN": {"type": ["boolean", "null"]},
    "TAGS": CHOICES,
    "LINKS": {"type": ["array", "null"], "items": LINK},
    "PLACE": LINK,
    "ANYTHING": {},
    "_sdc_deleted_at": DATE_TIME,
}
CUSTOM: Mapping[str, Any] = {
    "Hobby__c": TEXT,
    "Since__c": DATE_TIME,
    "Limit__c": NUMBER,
    "Score__c": {"type": ["string", "number", "boolean", "null"]},
    "Sports__c": CHOICES,
    "other_2": {**INTEGER, "title": "Other__c"},
}


def json_text(value: Any) -> str:
    return encode(value).decode()


digits = st.text("0123456789", min_size=1, max_size=45)
numbers = st.one_of(
    st.integers().map(str),
    st.integers(2**63 - 3, 2**63 + 3).map(str),
    st.builds("{}{}.{}".format, st.sampled_from(["", "-"]), st.integers(0, 10**40), digits),
    st.builds("{}e{}".format, st.decimals(-10, 10, places=3), st.integers(-40, 400)),
    st.sampled_from(
        ["0", "-0", "-0.0", "1.0", "1E+3", "0.0000000005", "1e9999", "42.000000000000"]
    ),
)
dates = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.builds("{}{}".format, st.datetimes(), st.sampled_from(["Z", "+14:00", "-14:00", "+00:00"])),
    st.dates().map(str),
    st.builds(
        "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}".format,
        *(st.sampled_from([0, 1, 1900, 2024, 9999]), st.integers(0, 13), st.integers(0, 32)),
        *(st.sampled_from(" T_"), st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)),
    ),
    st.sampled_from(
        [
            *(
                "",
                "0000-00-00",
                "0000-00-00 00:00:00",
                "0001-01-01 00:00:00",
                "9999-12-31 23:59:59",
            ),
            *("0000-01-01 00:00:00", "0001-01-01T00:00:00+14:00", "2024-02-30 00:00:00"),
            *(
                "2024-04-19 00:49:3٢",
                " 2024-04-19 00:49:3",
                "2024-04-19 00:49:3 ",
                "2024-04-19 24:00:00",
            ),
            *(
                "2024-04-19T00:49:32",
                "2024-04-19 00:49:60",
                "+024-04-19 00:49:32",
                "2024-04-19 00:49Z00",
            ),
        ]
    ),
)
texts = st.one_of(
    st.text(max_size=8).map(json_text),
    dates.map(json_text),
    numbers.map(json_text),
    st.sampled_from(["true", "False", "", "NaN", "1_000", "a;b; ;c", ";"]).map(json_text),
    st.sampled_from(
        [r'"\ud800"', r'"\udc00x"', r'"\ud83d\ude00"', r'"\u0000"', '"\x01"', r'"\"\\"']
    ),
)
simple = st.one_of(st.sampled_from(["null", "true", "false", "NaN"]), numbers, texts)


def in_array(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3).map(lambda items: f"[{','.join(items)}]")


def in_object(
    names: Sequence[str], values: st.SearchStrategy[str], most: int
) -> st.SearchStrategy[str]:
    """An object, in which names may come twice."""
    pairs = st.tuples(st.sampled_from(names), values)
    return st.lists(pairs, max_size=most).map(written)


def written(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json_text(name)}:{value}" for name, value in pairs) + "}"


links = in_object(["LINK_ID", "ROLE", "ON", "NEW"], simple, 5)
anything = st.one_of(simple, in_array(simple), links, in_array(st.one_of(links, simple)))
usual = {
    "ID": st.integers(1, 2**63).map(str),
    "NAME": st.text(max_size=8).map(json_text),
    "WHEN": st.datetimes().map(lambda moment: json_text(moment.isoformat(" ", "seconds"))),
    "MONEY": st.decimals(-(10**20), 10**20, places=2).map(str),
    "COUNT": st.integers(-(2**63), 2**63 - 1).map(str),
    "IS_OPEN": st.sampled_from(["true", "false"]),
    "TAGS": in_array(texts),
    "LINKS": in_array(links),
    "PLACE": links,
    "Hobby__c": texts,
    "Since__c": dates.map(json_text),
    "Limit__c": numbers,
    "Score__c": simple,
    "Sports__c": in_array(texts),
    "Other__c": numbers,
}


def value_of(name: str) -> st.SearchStrategy[str]:
    """Nine times of ten what is usual in a field."""
    own = usual.get(name, simple)
    return st.integers(0, 9).flatmap(lambda number: own if number else anything)


def field_of(name: str) -> st.SearchStrategy[str]:
    """An entry of ``CUSTOMFIELDS``."""
    entry = [("FIELD_NAME", st.just(json_text(name))), ("FIELD_VALUE", value_of(name))]
    return st.tuples(*(st.tuples(st.just(key), value) for key, value in entry)).map(written)


custom_names = [*(one for one in usual if one.endswith("__c")), "Unknown__c"]
entries = st.one_of(
    *map(field_of, custom_names),
    in_object(["FIELD_NAME", "FIELD_VALUE", "CUSTOM_FIELD_ID"], anything, 4),
    simple,
)
some_fields = st.one_of(
    st.tuples(*map(field_of, custom_names)).map(lambda items: f"[{','.join(items)}]"),
    st.lists(entries, max_size=4).map(lambda items: f"[{','.join(items)}]"),
    anything,
)
NAMES = [*STANDARD, "UNKNOWN_1", "UNKNOWN_2"]


def pair_of(name: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.just(name), some_fields if name == "CUSTOMFIELDS" else value_of(name))


whole = st.tuples(*map(pair_of, [*STANDARD, "CUSTOMFIELDS"])).map(written)
parts = st.lists(st.one_of(*map(pair_of, [*NAMES, "CUSTOMFIELDS"])), max_size=8).map(written)
errors = st.just('{"Message":"An error has occurred."}')
pages = st.lists(st.one_of(whole, whole, parts, errors), max_size=6).map(
    lambda items: f"[{','.join(items)}]".encode()
)


def in_arrow(prop: Mapping[str, Any], value: Any) -> Any:
    """What a table has for the value of a row, found out as slowly as can be."""
    kinds = {prop.get("type")} if isinstance(prop.get("type"), str) else {*prop.get("type", ())}
    kind = (kinds - {"null"}).pop() if len(kinds - {"null"}) == 1 else None
    if value is None or kind == "boolean":
        return value
    if kind == "string":
        return parse_moment(value) if "format" in prop else value
    if kind == "integer":
        return value if -(2**63) <= value < 2**63 else None
    if kind == "number":
        return rounded(Decimal(value))
    return value if isinstance(value, str) else json_text(value)


def rounded(number: Decimal) -> Decimal | None:
    """A number with nine decimals, if there is a place for it."""
    if number and number.adjusted() > 50:
        return None
    exact = number.quantize(Decimal("1e-9"), ROUND_HALF_EVEN, Context(prec=10_000))
    return exact if abs(exact) < 10**29 else None


class Both:
    """The two ways from a page to its values, for a stream with some of the properties."""

    def __init__(self, how: str = "columns", deselected: frozenset[str] = frozenset()) -> None:
        array = {} if how == "columns" else {"CUSTOMFIELDS": FIELDS}
        self.properties = {**STANDARD, **({} if how == "array" else CUSTOM), **array}
        self.deselected = deselected

    def conformer(self) -> Conformer:
        return Conformer(
            {"properties": self.properties},
            key_properties=["ID"],
            custom=columns_of(self.properties, [*STANDARD, "CUSTOMFIELDS"]),
            is_wanted=lambda name: name not in self.deselected,
        )

    def compare(self, bodies: Sequence[bytes]) -> None:
        rows, columns = self.conformer(), self.conformer()
        wanted = {k: v for k, v in self.properties.items() if k not in self.deselected}
        make_table = TableMaker(columns, {"properties": wanted})
        for body in bodies:
            expected, kept = [], []
            for record in Response(body).records:
                row = rows(record)
                if row is not None:
                    expected.append({n: in_arrow(wanted[n], value) for n, value in row.items()})
                    kept.append(record["ID"])
            table, records = make_table(Response(body).records_by(columns.decode_page))
            assert table.to_pylist() == expected
            assert [record["ID"] for record in records] == kept
            assert table.schema.equals(arrow_schema({"properties": wanted}))
        assert sorted(columns.warnings()) == sorted(rows.warnings())


def checked(body: bytes) -> bytes:
    """What is left of a body once it was checked and repaired."""
    return checked_body(Request("GET", "/Contacts", {"top": "500"}), body, "json", str)[0]


@settings(max_examples=250)
@given(
    bodies=st.lists(pages, min_size=1, max_size=2),
    how=st.sampled_from(["columns", "array", "both"]),
    deselected=st.frozensets(st.sampled_from([*NAMES[1:], *CUSTOM]), max_size=3),
)
@example([b'[{"ID":1,"ID":null}]'], "columns", frozenset())
@example([b'[{"ID":18446744073709551616,"MONEY":-0.0}]'], "columns", frozenset())
def test_tables_have_what_rows_have(
    bodies: list[bytes], how: str, deselected: frozenset[str]
) -> None:
    Both(how, deselected).compare([checked(body) for body in bodies])


def column(name: str, *values: str) -> bytes:
    return (
        b"[%s]"
        % ",".join(
            written([("ID", f"{number}"), (name, value)]) for number, value in enumerate(values, 1)
        ).encode()
    )


@settings(max_examples=200)
@given(st.data(), st.sampled_from([name for name in STANDARD if name != "ID"]))
def test_a_column_of_usual_values_and_one_that_is_not(data: st.DataObject, name: str) -> None:
    """As whole columns are converted at once only if all are usual, one at a time has to be odd."""
    kind = dates.map(json_text) if name in {"WHEN", "_sdc_deleted_at"} else usual.get(name, simple)
    values = data.draw(st.lists(kind, min_size=1, max_size=6))
    values.insert(data.draw(st.integers(0, len(values))), data.draw(anything))
    Both().compare([checked(column(name, *values))])


def fields(*pairs: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in pairs]


@pytest.mark.parametrize(
    "entries",
    [
        fields(("Hobby__c", "Golf"), ("Hobby__c", "Chess")),
        fields(("Hobby__c", "Golf"), ("Hobby__c", None)),
        fields(("Hobby__c", ["no text"]), ("Hobby__c", "Chess")),
        fields(("Hobby__c", "Golf"), ("Hobby__c", ["no text"])),
        fields(("Since__c", "soon"), ("Since__c", "later")),
        fields(("Unknown__c", 1), ("Unknown__c", 2), ("Other__c", "7")),
    ],
)
def test_a_custom_field_that_comes_twice_counts_as_it_does_in_rows(
    entries: list[dict[str, Any]],
) -> None:
    records = [
        {"ID": 1, "CUSTOMFIELDS": fields(("Since__c", 1))},
        {"ID": 2, "CUSTOMFIELDS": entries},
    ]
    Both().compare([json.dumps(records).encode()])


def test_records_without_a_key_are_left_out_of_the_table() -> None:
    make_table = TableMaker(Both().conformer(), {"properties": Both().properties})
    records = [{"ID": 1}, {"Message": "An error has occurred."}, {"ID": "x"}, {"ID": 2}]
    table, kept = make_table(records)
    assert table["ID"].to_pylist() == [1, 2]
    assert kept == [records[0], records[3]]


def test_a_page_of_usual_values_takes_no_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is fast: nothing but JSON is converted one by one."""
    conformer = Both().conformer()
    converted: list[str] = []
    one_by_one = conformer.converted

    def noted(name: str, *args: Any) -> list[Any]:
        converted.append(name)
        return one_by_one(name, *args)

    monkeypatch.setattr(conformer, "converted", noted)
    record = {
        "NAME": "Zoë",
        "WHEN": "2025-04-19 00:49:32",
        "MONEY": Decimal("1.50"),
        "COUNT": 7,
        "IS_OPEN": True,
        "TAGS": ["a"],
        "CUSTOMFIELDS": fields(("Since__c", ""), ("Limit__c", 3), ("Score__c", "B")),
    }
    empty = {"ID": 3, "WHEN": "0000-00-00 00:00:00"}
    table, _ = TableMaker(conformer, {"properties": Both().properties})(
        [{"ID": 1, **record}, {"ID": 2, **record}, empty]
    )
    assert table["WHEN"].to_pylist() == [
        *[datetime(2025, 4, 19, 0, 49, 32, tzinfo=timezone.utc)] * 2,
        None,
    ]
    assert converted == ["ID", "TAGS"]


def test_the_types_are_those_of_the_catalog() -> None:
    names = [*STANDARD, *CUSTOM]
    types = dict.fromkeys(names, pa.string()) | {
        **dict.fromkeys(("WHEN", "Since__c", "_sdc_deleted_at"), pa.timestamp("us", tz="UTC")),
        **dict.fromkeys(("MONEY", "Limit__c"), pa.decimal128(38, 9)),
        **dict.fromkeys(("ID", "COUNT", "other_2"), pa.int64()),
        "IS_OPEN": pa.bool_(),
    }
    schema = arrow_schema({"properties": Both().properties})
    assert dict(zip(schema.names, schema.types, strict=True)) == types
    assert schema.names == names
