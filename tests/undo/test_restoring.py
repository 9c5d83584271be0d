"""What was deleted is created anew, once, with all that is written with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.undo.running import ADA, LISTS, WRITES, found, undo, with_links
from tests.undo.writing import Writes, new_ids, plain

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


def test_what_belongs_together_comes_back_together_in_whatever_order(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    before = plain(sandbox, *LISTS)
    one = with_links(sandbox)
    organisation = (found(sandbox, one) or {})["ORGANISATION_ID"]
    milestone = sandbox.records("/Milestones")[0]
    note = next(row for row in sandbox.records("/Notes") if row["LINKS"])
    link = next(link for link in note["LINKS"])
    parent = sandbox.path_of_object(link["LINK_OBJECT_NAME"]) or ""
    gone = [
        ("organisation", organisation),
        ("contact", one),
        ("milestone", milestone["MILESTONE_ID"]),
        ("project", milestone["PROJECT_ID"]),
        (link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]),
        ("note", note["NOTE_ID"]),
    ]
    for name, key in dict.fromkeys(
        (sandbox.path_of_object(name.title()), key) for name, key in gone
    ):
        assert name
        writes.delete(name[1:], key)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    ids = new_ids(path)
    assert {one, organisation, note["NOTE_ID"], link["LINK_OBJECT_ID"]} <= ids.keys()
    assert parent in LISTS
    after = plain(sandbox, *LISTS, ids=ids)
    assert after.keys() == before.keys()
    assert after[f"/Contacts/{one}"] == before[f"/Contacts/{one}"]
    assert after[f"/Notes/{note['NOTE_ID']}"] == before[f"/Notes/{note['NOTE_ID']}"]


def test_records_that_were_linked_to_each_other_are_again(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact, project = first(sandbox), first(sandbox, "/Projects")
    client = writes.client
    client.link("contact", contact, "project", project, role="Advisor")
    client.link("project", project, "contact", contact, role="Advised")
    before = plain(sandbox, "/Contacts", "/Projects")
    writes.delete("contact", contact)
    writes.delete("project", project)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    ids = new_ids(path)
    assert plain(sandbox, "/Contacts", "/Projects", ids=ids) == before


def test_a_reference_that_was_changed_leads_to_the_record_that_is_back(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact, first_one, second = (
        first(sandbox),
        *(row["ORGANISATION_ID"] for row in sandbox.records("/Organisations")[:2]),
    )
    for was, becomes in ((first_one, second), (second, first_one)):
        sandbox.update("/Contacts", contact, ORGANISATION_ID=was)
        writes.update("contact", contact, ORGANISATION_ID=becomes)
    sandbox.update("/Contacts", contact, ORGANISATION_ID=None)  # as Insightly may do of itself
    writes.delete("organisation", first_one)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert done.stderr.endswith("3 undone.\n")
    assert (found(sandbox, contact) or {})["ORGANISATION_ID"] == new_ids(path)[first_one]


def test_a_record_that_an_update_led_away_from_is_back_before_it_leads_there_again(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact = first(sandbox)
    old, new = (row["ORGANISATION_ID"] for row in sandbox.records("/Organisations")[:2])
    sandbox.update("/Contacts", contact, ORGANISATION_ID=old)
    writes.delete("organisation", old)
    writes.update("contact", contact, ORGANISATION_ID=new)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert (found(sandbox, contact) or {})["ORGANISATION_ID"] == new_ids(path)[old]


def test_a_field_that_leads_to_the_old_id_still_leads_to_the_new_one(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact = first(sandbox)
    old, new = (row["ORGANISATION_ID"] for row in sandbox.records("/Organisations")[:2])
    sandbox.update("/Contacts", contact, ORGANISATION_ID=old)
    writes.delete("organisation", old)
    writes.is_sent = False
    writes.update("contact", contact, ORGANISATION_ID=new)
    assert undo(sandbox, path).stderr.endswith("2 undone.\n")
    assert (found(sandbox, contact) or {})["ORGANISATION_ID"] == new_ids(path)[old]


def test_what_was_created_and_deleted_does_not_come_back(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    made = writes.create("contact", **ADA)
    writes.update("contact", made, TITLE="Dr")
    writes.delete("contact", made)
    sandbox.requests.clear()
    done = undo(sandbox, path)
    assert done.stderr.endswith("3 as before already.\n")
    assert not asked(sandbox, *WRITES)


def test_a_record_that_came_out_of_the_recycle_bin_is_not_created_anew(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    before = plain(sandbox, "/Contacts")
    writes.update("contact", key, TITLE="Dr")
    writes.delete("contact", key)
    sandbox.restore("/Contacts", key)
    done = undo(sandbox, path)
    assert done.lines == [
        f"Contact {key} is there, so that it need not come back.",
        f"Contact {key}: TITLE put back.",
    ]
    assert plain(sandbox, "/Contacts") == before


@pytest.mark.parametrize("name", ["leadsource", "leadstatus", "taskcategory"])
def test_lists_without_a_search_come_back_once(
    sandbox: Sandbox, writes: Writes, path: Path, name: str
) -> None:
    table = writes.client.object(name).path
    before = plain(sandbox, table)
    for row in sandbox.records(table):
        writes.delete(name, row[sandbox.tables[table].keys[0]])
    assert undo(sandbox, path).code == 0
    assert plain(sandbox, table, ids=new_ids(path)).keys() == before.keys()


@pytest.mark.parametrize("name", ["contact", "leadsource"])
@pytest.mark.parametrize("is_made", [True, False])
def test_a_creation_of_an_undo_that_was_cut_off_is_found_out(
    sandbox: Sandbox, writes: Writes, path: Path, name: str, *, is_made: bool
) -> None:
    table = writes.client.object(name).path
    key, count = first(sandbox, table), sandbox.count(table)
    writes.delete(name, key)
    assert undo(sandbox, path).code == 0
    undone = path.with_name("undo.jsonl.undone")
    begun, made, _ = undone.read_text().splitlines(keepends=True)
    if not is_made:
        sandbox.delete(table, json.loads(made)["id"])
    undone.write_text(begun + made[: len(made) // 2])  # what a kill leaves behind
    assert undo(sandbox, path).code == 0
    assert sandbox.count(table) == count
    assert (new_ids(path)[key] == json.loads(made)["id"]) == is_made


def test_what_needs_a_record_that_was_refused_waits_for_it(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact = with_links(sandbox)
    before = plain(sandbox, *LISTS)
    writes.delete("organisation", (found(sandbox, contact) or {})["ORGANISATION_ID"])
    writes.delete("contact", contact)
    sandbox.faults = Faults(read_only={"/Organisations"})
    done = undo(sandbox, path)
    assert (done.code, done.stdout) == (1, "")
    assert "ORGANISATION_ID leads to a record that is not back" in done.stderr
    sandbox.faults = Faults()
    assert undo(sandbox, path).code == 0
    after = plain(sandbox, *LISTS, ids=new_ids(path))
    assert after[f"/Contacts/{contact}"] == before[f"/Contacts/{contact}"]


def test_what_of_a_record_cannot_be_put_back_is_told(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = with_links(sandbox)
    sandbox.add_custom_field("/Contacts", "Old__c", "DROPDOWN", "Old", options=["a", "b"])
    sandbox.update("/Contacts", key, CUSTOMFIELDS=[{"FIELD_NAME": "Old__c", "FIELD_VALUE": "a"}])
    project = first(sandbox, "/Projects")
    writes.client.link("contact", key, "project", project)
    writes.delete("contact", key)
    sandbox.delete("/Projects", project)
    definitions = sandbox.custom_fields["/Contacts"].definitions
    definitions[-1]["CUSTOM_FIELD_OPTIONS"] = [{"OPTION_ID": 1, "OPTION_VALUE": "b"}]
    done = undo(sandbox, path)
    assert done.code == 1
    assert f"Contact {key}: not put back: Old__c ('a' is no option. The" in done.stderr
    assert f"Contact {key}: not put back: the link to Project {project} (" in done.stderr
    assert sandbox.count("/Contacts") == 60


def test_records_that_the_api_cannot_create_are_told(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox, "/Emails")
    writes.delete("email", key)
    done = undo(sandbox, path)
    assert (done.code, done.stdout) == (1, "")
    assert f"Email {key}: Email: the API cannot create these." in done.stderr


def test_custom_fields_lead_to_the_record_that_is_back(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact, organisation = first(sandbox), first(sandbox, "/Organisations")
    sandbox.add_custom_field("/Contacts", "Partner__c", "LOOKUP", "Partner")
    sandbox.custom_fields["/Contacts"].definitions[-1]["JOIN_OBJECT"] = "Organisation"
    lookup = {"FIELD_NAME": "Partner__c", "FIELD_VALUE": organisation}
    sandbox.put("/Contacts", contact, LINKS=[], ORGANISATION_ID=None, CUSTOMFIELDS=[lookup])
    writes.delete("organisation", organisation)
    writes.delete("contact", contact)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    ids = new_ids(path)
    (now,) = (found(sandbox, ids[contact]) or {})["CUSTOMFIELDS"]
    assert now["FIELD_VALUE"] == ids[organisation]
