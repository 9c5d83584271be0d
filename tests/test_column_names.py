"""Names of columns: short enough for every warehouse, and never another than before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.custom_fields import CustomField, add_columns, columns_of
from tests.conftest import entry, only

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Tap

LONG = "How_did_you_hear_about_our_company_and_what_made_you_get_in_touch_with_us__c"
UMLAUTS = "Ü" * 40 + "__c"

characters = st.sampled_from("aAbÜß日😀_c")
# Of few beginnings, so that they collide once they are cut.
beginnings = st.sampled_from(["a" * 61, "A" * 61, "Ü" * 31])
long_names = st.builds("{}{}".format, beginnings, st.text(characters, min_size=3))
names = st.one_of(
    st.text(characters, min_size=1, max_size=6),
    st.builds("{}{}".format, st.sampled_from(["a" * 61, "A" * 61, "Ü" * 31]), st.text(characters)),
    st.sampled_from(["FIRST_NAME", "first_name", "first_name_2"]),
)
limits = st.sampled_from([10, 11, 12, 13, 31, 63, 64, 128])


def columns(fields: Iterable[str], most_bytes: int = 63) -> dict[str, Any]:
    """The properties that fields of these names lead to."""
    properties: dict[str, Any] = {"FIRST_NAME": {"type": ["string", "null"]}}
    made = (CustomField(name, "CONTACT", "TEXT", "Label", "") for name in fields)
    add_columns(properties, made, most_bytes)
    return properties


def by_field(fields: Iterable[str], most_bytes: int = 63) -> dict[str, str]:
    return columns_of(columns(fields, most_bytes), ["FIRST_NAME"])


@given(st.sets(names, max_size=12), limits)
def test_each_field_has_a_column_of_its_own_that_is_short_enough(
    fields: set[str], most_bytes: int
) -> None:
    found = by_field(fields, most_bytes)
    assert found.keys() == fields
    assert all(len(column.encode()) <= most_bytes for column in found.values())
    taken = [column.casefold() for column in found.values()]
    assert len({*taken, "first_name"}) == len(fields) + 1


@given(st.lists(names, unique=True, max_size=12), st.randoms(use_true_random=False), limits)
def test_the_order_of_the_fields_is_no_matter(
    fields: list[str], random: Any, most_bytes: int
) -> None:
    shuffled = list(fields)
    random.shuffle(shuffled)
    assert by_field(fields, most_bytes) == by_field(shuffled, most_bytes)


@given(st.sets(long_names, max_size=8), st.sets(names, max_size=8))
def test_a_field_that_is_made_later_renames_no_column_that_was_shortened(
    before: set[str], later: set[str]
) -> None:
    assert by_field(before).items() <= by_field(before | later).items()


@given(st.sets(names, max_size=12))
def test_without_a_limit_only_names_that_are_taken_are_changed(fields: set[str]) -> None:
    for name, column in by_field(fields, 0).items():
        assert column.startswith(name)


@given(st.sets(names, max_size=12), limits)
def test_the_description_of_a_shortened_column_has_the_whole_name(
    fields: set[str], most_bytes: int
) -> None:
    for column, schema in columns(fields, most_bytes).items():
        is_cut = "title" in schema and not column.startswith(schema["title"])
        assert is_cut is ("In Insightly it is called" in schema.get("description", ""))
        if is_cut:
            assert schema["title"] in schema["description"]


def test_no_character_is_cut_in_half() -> None:
    assert by_field([LONG, UMLAUTS]) == {
        LONG: "How_did_you_hear_about_our_company_and_what_made_you_g_7a6d58bb",
        UMLAUTS: "Ü" * 27 + "_f27e7b3a",
    }


def add(sandbox: Sandbox, name: str, value: str) -> None:
    sandbox.add_custom_field("/Contacts", name, "TEXT", "A question", "", [])
    fields = [{"FIELD_NAME": name, "FIELD_VALUE": value}]
    sandbox.create("/Contacts", FIRST_NAME=value, CUSTOMFIELDS=fields)


def test_discovery_says_what_it_shortened_and_values_arrive_under_the_shorter_name(
    tap: Tap, sandbox: Sandbox
) -> None:
    add(sandbox, LONG, "friends")
    add(sandbox, LONG.replace("us__c", "me__c"), "neighbours")
    run = tap("--discover", sandbox=sandbox)
    assert run.stderr.count("max_column_name_bytes") == 1
    assert f"{LONG} of contacts is How_did" in run.stderr
    catalog = only(tap.discover(sandbox), "contacts")
    properties = entry(catalog, "contacts")["schema"]["properties"]
    (column,) = (name for name, one in properties.items() if one.get("title") == LONG)
    sync = tap(sandbox=sandbox, catalog=catalog)
    assert "Custom fields that the catalog does not know" not in sync.stderr
    rows = {row["FIRST_NAME"]: row for row in sync.records("contacts")}
    assert (rows["friends"][column], rows["neighbours"][column]) == ("friends", None)


def test_a_limit_of_zero_leaves_names_as_they_are(tap: Tap, sandbox: Sandbox) -> None:
    add(sandbox, LONG, "friends")
    run = tap("--discover", sandbox=sandbox, max_column_name_bytes=0)
    assert f'"{LONG}"' in run.stdout
    assert "shortened" not in run.stderr
