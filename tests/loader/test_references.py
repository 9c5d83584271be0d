"""What is known of fields that lead to other records is what the description of the API says."""

from __future__ import annotations

import pytest

from tap_insightly.api.records.objects import standard_objects
from tap_insightly.loader.copying.references import NAMES, foreign_fields, in_order
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import references_of

OBJECTS = {one.path: one for one in standard_objects()}


@pytest.mark.parametrize("path", NAMES)
def test_the_fields_that_name_a_record_of_settings_exist(path: str) -> None:
    assert set(NAMES[path]) <= set(COMPONENTS[OBJECTS[path].component]["properties"])


def test_every_field_that_can_be_written_and_ends_like_an_id_is_known() -> None:
    for obj in OBJECTS.values():
        if "create" not in obj.can:
            continue
        known = {obj.key, *references_of(obj.component), *foreign_fields(obj.component)}
        names = {name for name in COMPONENTS[obj.component]["properties"] if name.endswith("_ID")}
        assert names <= known, obj.path


def test_every_reference_leads_to_a_list_that_has_ids() -> None:
    for obj in OBJECTS.values():
        for name, path in references_of(obj.component).items():
            assert OBJECTS[path].key, f"{obj.name}.{name}"


def test_what_no_list_tells_of_is_known_to_be_foreign() -> None:
    assert foreign_fields("Ticket") == {"BRAND_ID"}
    assert foreign_fields("Prospect") == {"GRADE_PROFILE_ID"}
    assert not foreign_fields("Contact")


def test_objects_come_after_what_a_new_one_of_them_needs() -> None:
    at = {obj.path: place for place, obj in enumerate(in_order(OBJECTS.values()))}
    assert len(at) == len(OBJECTS)
    for obj in OBJECTS.values():
        references = references_of(obj.component)
        needed = {*obj.required, *obj.set_once, *(below.parent_field for below in obj.below)}
        for name in needed & set(references):
            assert at[references[str(name)]] < at[obj.path], f"{obj.name}.{name}"
    # Each name is found before what is named with its help.
    for path, names in NAMES.items():
        references = references_of(OBJECTS[path].component)
        assert all(at[references[name]] < at[path] for name in names if name in references)
