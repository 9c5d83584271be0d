"""The OpenAPI documents: what they say of objects agrees with itself and with the streams."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_insightly.openapi import COMPONENTS, READ, WRITE
from tap_insightly.openapi.field_types import FIELD_TYPES, MANY, ONE, value_schema
from tap_insightly.openapi.objects import (
    RECORD_TYPES,
    all_objects,
    child_lists,
    objects_by_path,
    references_of,
)
from tap_insightly.streams import STREAMS, ChildStream, RelatedStream, SearchStream

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
OBJECTS = objects_by_path()
LISTS = [s for s in STREAMS if getattr(s, "path", None) in OBJECTS]
PATHS = {stream.name: stream.path for stream in LISTS}


def fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """All fields of all components, with their component."""
    for schemas in (COMPONENTS, WRITE["components"]["schemas"]):
        for component, schema in schemas.items():
            for name, one in schema.get("properties", {}).items():
                yield component, name, one


def test_a_field_references_what_its_description_says_that_it_joins_to() -> None:
    number = 0
    for component, name, one in fields():
        match = re.search(r"joins to (\w+)", one.get("description", ""))
        expected = PATHS.get(match[1]) if match else None
        assert one.get("x-references") == expected, f"{component}.{name}"
        if expected is not None:
            assert references_of(component)[name] == expected
            number += 1
    assert number > 100


def test_every_reference_is_to_a_list_whose_records_have_ids() -> None:
    for component, name, one in fields():
        if "x-references" in one:
            assert OBJECTS[one["x-references"]].key, f"{component}.{name}"


def test_a_filter_goes_by_a_field_of_the_records() -> None:
    number = 0
    for path, item in READ["paths"].items():
        operation = item["get"]
        taken = {one["$ref"].rpartition("/")[2] for one in operation.get("parameters", ())}
        filters = operation.get("x-filter", {})
        assert {"updated_after_utc", "record_type"} & taken == set(filters), path
        assert set(operation.get("x-required", ())) <= taken, path
        for field in filters.values():
            success = next(s for s in operation["responses"] if s.startswith("2"))
            answer = operation["responses"][success]["content"]["application/json"]["schema"]
            component = answer["items"]["$ref"].rpartition("/")[2]
            assert field in COMPONENTS[component]["properties"], path
            number += 1
    assert number > 30


def test_what_carries_custom_fields_says_by_what_name_they_are_asked_for() -> None:
    for one in all_objects():
        has_array = "CUSTOMFIELDS" in COMPONENTS[one.component]["properties"]
        assert one.has_custom_fields is has_array, one.path


def test_single_objects_are_the_instance_and_the_permissions() -> None:
    assert {one.path for one in all_objects() if one.is_single} == {"/Instance", "/Permissions"}


def test_short_lists_come_whole() -> None:
    whole = {one.path for one in all_objects() if not one.is_paged and not one.is_single}
    assert whole == {"/Countries", "/Currencies", "/CustomObjects"}


def test_what_some_lists_are_asked_with_is_what_they_take() -> None:
    assert {one.path: dict(one.needs) for one in all_objects() if one.needs} == {
        "/LeadStatuses": {"include_converted": "true"},
        "/Tags": {"record_type": RECORD_TYPES[0]},
    }


@pytest.mark.parametrize("stream", LISTS, ids=lambda stream: stream.name)
def test_a_stream_is_what_the_document_has_at_its_path(stream: Any) -> None:
    obj = OBJECTS[stream.path]
    # Of the permissions the tap makes a record for each object that is in them.
    assert stream.name == "permissions" or vars(stream)["schema"].key == obj.component
    assert stream.is_paged is obj.is_paged
    assert stream.custom_fields_for == obj.custom_fields_for
    assert issubclass(stream, SearchStream) is ("search" in obj.can)
    if issubclass(stream, SearchStream):
        assert stream.replication_key == obj.searched_by


def test_every_object_has_its_stream() -> None:
    assert {stream.path for stream in LISTS} == set(OBJECTS)


def test_streams_of_what_is_below_records_read_the_lists_of_the_document() -> None:
    known = {(one.parent, one.name): one for one in child_lists()}
    read = set()
    for stream in STREAMS:
        if issubclass(stream, RelatedStream) and issubclass(stream, ChildStream):
            for parent in stream.parents:
                read.add(place := (parent.path, stream.children))
                assert stream.has_pages is known[place].is_paged
                assert vars(stream)["schema"].key == known[place].component
    assert {place for place in known if "{" not in place[0]} == read


def test_types_of_custom_fields_are_found_in_any_spelling() -> None:
    assert value_schema("Multi Select") is FIELD_TYPES["MULTISELECT"]
    assert value_schema("multi-line_text") is FIELD_TYPES["MULTILINETEXT"]
    assert value_schema("SOMETHING NEW") == {}
    options = {kind: one["x-options"] for kind, one in FIELD_TYPES.items() if "x-options" in one}
    assert options == {"DROPDOWN": ONE, "MULTISELECT": MANY}


def test_the_models_relate_what_the_document_says() -> None:
    """The tests of relationships in dbt are those of the references between lists."""
    text = (ROOT / "transform/models/staging/_staging.yml").read_text(encoding="utf-8")
    number = 0
    for model in yaml.safe_load(text)["models"]:
        name = model["name"].removeprefix("stg_")
        if name not in PATHS:
            continue  # what belongs to records is told from the records
        references = references_of(OBJECTS[PATHS[name]].component)
        for column in model["columns"]:
            for one in column.get("data_tests", ()):
                if isinstance(one, dict) and "relationships" in one:
                    to = one["relationships"]["arguments"]["to"].removeprefix("ref('stg_")
                    assert references[column["name"].upper()] == PATHS[to.removesuffix("')")]
                    number += 1
    assert number > 20
