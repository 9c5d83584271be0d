"""``insightly objects`` and ``insightly fields``: what there is to read and to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api.records.objects import standard_objects
from tap_insightly.sandbox import Faults
from tests.cli.running import run, run_as_process, start

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

STANDARD = [obj.name for obj in standard_objects()]


def by(found: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {one[key]: one for one in found}


def test_all_objects_are_listed_with_what_can_be_done(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "objects", "--json")
    assert (done.code, done.stderr) == (0, "")
    assert [one["object"] for one in done.json] == [*STANDARD, "Fruit__c", "Site_Visit__c"]
    found = by(done.json, "object")
    assert found["Email"]["can"] == ["list", "search", "get", "delete"]
    assert found["Contact"]["required"] == ["FIRST_NAME"]
    assert (found["Quotation"]["path"], found["Quotation"]["id"]) == ("/Quotation", "QUOTE_ID")
    assert (found["Country"]["id"], found["Country"]["has_custom_fields"]) == (None, False)
    assert found["Fruit__c"]["has_custom_fields"]
    assert "Fruit" in found["Fruit__c"]["labels"]


def test_people_get_a_table_of_objects(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "objects")
    assert done.code == 0
    cells = {line.split()[0]: line.split()[1:] for line in done.lines}
    assert cells["object"] == [
        *("path", "id", "list", "search", "get", "create", "update", "delete", "custom", "fields")
    ]
    assert cells["Contact"] == ["/Contacts", "CONTACT_ID", *["yes"] * 7]
    assert cells["Country"] == ["/Countries", "yes"]
    assert len(cells) == len(STANDARD) + 4


def test_each_field_says_whether_and_how_it_is_written(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "fields", "opportunities", "--json")
    assert (done.code, done.stderr) == (0, "")
    found = by(done.json, "name")
    assert found["OPPORTUNITY_NAME"]["is_required"]
    assert found["OPPORTUNITY_NAME"]["max_length"] == 255
    assert (found["OPPORTUNITY_ID"]["is_read_only"], found["OPPORTUNITY_ID"]["is_writable"]) == (
        True,
        False,
    )
    assert found["STAGE_ID"]["elsewhere"] == "PipelineStage"
    assert not found["STAGE_ID"]["is_writable"]
    assert found["BID_AMOUNT"]["is_writable"]


def test_people_get_a_table_of_fields(shared_sandbox: Sandbox) -> None:
    rows = {line.split()[0]: line for line in run(shared_sandbox, "fields", "opportunity").lines}
    assert rows["field"].split() == ["field", "type", "written", "options", "description"]
    for name, words in {
        "OPPORTUNITY_NAME": "string (255)  required",
        "OPPORTUNITY_ID": "integer no",
        "STAGE_ID": "integer /Opportunities/{id}/PipelineStage",
        "BID_AMOUNT": "number yes",
    }.items():
        assert rows[name].split()[1:][: len(words.split())] == words.split()


def test_custom_fields_come_with_their_label_and_options(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "fields", "Contact", "--json")
    definitions = by(shared_sandbox.custom_fields["/Contacts"].definitions, "FIELD_NAME")
    custom = by([one for one in done.json if one["is_custom"]], "name")
    assert set(custom) == set(definitions)
    assert done.json[-1]["is_custom"], "they come last"
    for name, one in custom.items():
        assert one["label"] == definitions[name]["FIELD_LABEL"]
        assert one["label"] in one["description"]
        is_calculated = definitions[name]["FIELD_TYPE"] == "CALCULATED"
        assert one["is_writable"] == (definitions[name]["EDITABLE"] and not is_calculated)
        options = [option["OPTION_VALUE"] for option in definitions[name]["CUSTOM_FIELD_OPTIONS"]]
        assert one["options"] == options
    assert any(one["options"] for one in custom.values())


@pytest.mark.parametrize("name", ["fruit", "Fruit__c", "FRUITS", "site visit"])
def test_a_custom_object_is_found_in_any_spelling(shared_sandbox: Sandbox, name: str) -> None:
    done = run(shared_sandbox, "fields", name, "--json")
    assert "RECORD_NAME" in by(done.json, "name")
    assert any(one["is_custom"] for one in done.json)


def test_only_what_can_be_written_is_listed_if_that_is_asked_for(shared_sandbox: Sandbox) -> None:
    for name in ("Contact", "Opportunity", "Note", "Milestone", "TeamMember"):
        done = run(shared_sandbox, "fields", name, "--json")
        writable = run(shared_sandbox, "fields", name, "--json", "--writable").json
        assert writable == [one for one in done.json if one["is_writable"] or one["is_set_once"]]
        assert 0 < len(writable) < len(done.json)


def test_without_a_key_the_standard_ones_are_known_and_nothing_is_sent() -> None:
    done = run(None, "objects", "--json", api_key=None, pod="na9")
    assert done.code == 0
    assert [one["object"] for one in done.json] == STANDARD
    assert "custom objects are left out" in done.stderr
    done = run(None, "fields", "contact", "--json", api_key="", pod="na9")
    assert done.code == 0
    assert "FIRST_NAME" in by(done.json, "name")
    assert "custom fields are left out" in done.stderr
    done = run(None, "fields", "country", "--json", api_key=None)
    assert (done.code, done.stderr) == (0, "")


def test_a_wrong_key_is_not_taken_for_none(shared_sandbox: Sandbox) -> None:
    for args in (["objects"], ["fields", "contact"]):
        done = run(shared_sandbox, *args, api_key="wrong")
        assert (done.code, done.stdout) == (77, "")
        assert "did not accept the API key" in done.stderr


def test_an_object_that_is_none_is_told_with_what_may_be_meant(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "fields", "oportunity")
    assert (done.code, done.stdout) == (2, "")
    assert "no object 'oportunity'" in done.stderr
    assert "'Opportunity'" in done.stderr


def test_a_user_who_may_not_see_custom_objects_gets_the_others(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(forbidden={"/CustomObjects"})
    done = run(sandbox, "objects", "--json")
    assert [one["object"] for one in done.json] == STANDARD


def test_they_run_as_processes(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    for args in (["objects", "--json"], ["fields", "contact", "--json"]):
        done = run_as_process(shared_sandbox, *args, folder=tmp_path)
        assert (done.code, done.stderr) == (0, "")
        assert done.json


def test_a_reader_who_has_enough_is_no_traceback(shared_sandbox: Sandbox, tmp_path: Path) -> None:
    process = start(shared_sandbox, "fields", "contact", folder=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    _, stderr = process.communicate(timeout=60)
    assert stderr == ""
