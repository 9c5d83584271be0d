"""The made-up account is one that a person would believe, and holds the API's oddities."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tap_insightly.openapi import READ
from tap_insightly.openapi.objects import objects_by_path
from tap_insightly.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCES = {
    "CONTACT_ID": "/Contacts",
    "ORGANISATION_ID": "/Organisations",
    "OPPORTUNITY_ID": "/Opportunities",
    "PROJECT_ID": "/Projects",
    "PRODUCT_ID": "/Product",
    "PRICEBOOK_ID": "/Pricebook",
    "PRICEBOOK_ENTRY_ID": "/PricebookEntry",
    "QUOTE_ID": "/Quotation",
    "PIPELINE_ID": "/Pipelines",
    "STAGE_ID": "/PipelineStages",
    "ACTIVITYSET_ID": "/ActivitySets",
    "LEAD_SOURCE_ID": "/LeadSources",
    "LEAD_STATUS_ID": "/LeadStatuses",
    "MILESTONE_ID": "/Milestones",
    "FORUM_ID": "/CommunityForums",
    "POST_ID": "/CommunityPosts",
    "TEAM_ID": "/Teams",
    "USER_ID": "/Users",
    "OWNER_USER_ID": "/Users",
    "CREATED_USER_ID": "/Users",
    "RESPONSIBLE_USER_ID": "/Users",
    "ASSIGNED_BY_USER_ID": "/Users",
    "MEMBER_USER_ID": "/Users",
}
NAMED = {
    "Contact": "/Contacts",
    "Lead": "/Leads",
    "Opportunity": "/Opportunities",
    "Organisation": "/Organisations",
    "Project": "/Projects",
}


@pytest.fixture(scope="module")
def account() -> Sandbox:
    return Sandbox(400)


def rows(sandbox: Sandbox) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sandbox.paths:
        for row in sandbox.records(path):
            yield path, row


def fingerprint(sandbox: Sandbox) -> bytes:
    everything = {path: sandbox.records(path) for path in sandbox.paths}
    return msgspec.json.encode([everything, list(sandbox.custom_fields.values())])


def assert_same_in_any_process(code: str) -> None:
    """Run a program that prints what was made up, in two processes that order sets differently."""
    prints = {
        subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    assert_same_in_any_process(
        "import hashlib; from tests.sandbox.test_data import *;"
        "print(hashlib.sha256(fingerprint(Sandbox(50, seed=3))).hexdigest())"
    )
    assert fingerprint(Sandbox(50, seed=3)) != fingerprint(Sandbox(50, seed=4))


def test_every_list_has_records_even_in_a_tiny_account() -> None:
    tiny = Sandbox(1)
    assert [path for path in tiny.paths if tiny.count(path) == 0] == []


def test_records_are_as_the_openapi_document_says(account: Sandbox) -> None:
    components = READ["components"]
    for path in account.paths:
        name = objects_by_path()[path].component if path in READ["paths"] else "CustomObjectRecord"
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        validator = Draft202012Validator(schema)
        known = set(components["schemas"][name]["properties"])
        for row in msgspec.json.decode(
            msgspec.json.Encoder(decimal_format="number").encode(account.records(path))
        ):
            errors = [error.message for error in validator.iter_errors(row)]
            assert errors == [], path
            assert set(row) - known <= {"RECORD_TYPE"}, path  # how tags are filed


def test_ids_ascend(account: Sandbox) -> None:
    for path in account.paths:
        table = account.tables[path]
        if table.has_id:
            ids = [row[table.keys[0]] for row in table.rows]
            assert ids == sorted(set(ids)), path


def test_whatever_is_referred_to_exists(account: Sandbox) -> None:
    keys = {
        path: {row[account.tables[path].keys[0]] for row in account.records(path)}
        for path in {*REFERENCES.values(), *NAMED.values()}
    }
    checked = set()
    for path, row in rows(account):
        for field, target in REFERENCES.items():
            if row.get(field):
                assert row[field] in keys[target], f"{path}.{field}"
                checked.add(field)
        for link in row.get("LINKS") or ():
            assert link["LINK_OBJECT_ID"] in keys[NAMED[link["LINK_OBJECT_NAME"]]], path
            assert link["OBJECT_ID"] == row[account.tables[path].keys[0]]
            checked.add("LINKS")
    assert checked >= {*REFERENCES, "LINKS"} - {"ACTIVITYSET_ID"}


def test_stages_belong_to_the_pipeline_of_the_deal(account: Sandbox) -> None:
    stages = account.records("/PipelineStages")
    pipeline_of = {stage["STAGE_ID"]: stage["PIPELINE_ID"] for stage in stages}
    deals = account.records("/Opportunities")
    assert all(pipeline_of[deal["STAGE_ID"]] == deal["PIPELINE_ID"] for deal in deals)
    assert len({deal["STAGE_ID"] for deal in deals}) > 3
    assert {deal["OPPORTUNITY_STATE"] for deal in deals} >= {"OPEN", "WON", "LOST"}


HAPPENED = set(
    "ACTUAL_CLOSE_DATE COMPLETED_DATE COMPLETED_DATE_UTC CONVERTED_DATE_UTC DATE_SOLVED_UTC "
    "DATE_CLOSED_UTC DATE_EDITED_UTC FIRST_PUBLISHED_DATE_UTC DATE_UPDATED_UTC".split()
)


def test_what_happens_to_a_record_comes_after_its_making_and_is_an_update(
    account: Sandbox,
) -> None:
    checked = set()
    for path, row in rows(account):
        for field in HAPPENED & set(row):
            if (row[field] or "0000") > "0001":
                made, updated = row["DATE_CREATED_UTC"], row["DATE_UPDATED_UTC"]
                assert made[:10] <= row[field][:10] <= updated[:10], f"{path}.{field}"
                checked.add(field)
    assert checked == HAPPENED


def test_what_a_record_refers_to_was_there_when_it_was_made(account: Sandbox) -> None:
    made = {
        field: {row[field]: row["DATE_CREATED_UTC"] for row in account.records(path)}
        for field, path in (
            ("ORGANISATION_ID", "/Organisations"),
            ("CONTACT_ID", "/Contacts"),
            ("OPPORTUNITY_ID", "/Opportunities"),
            ("PROJECT_ID", "/Projects"),
            ("QUOTE_ID", "/Quotation"),
        )
    }
    for path, row in rows(account):
        for field in set(made) & set(row):
            if row[field] is not None and "DATE_CREATED_UTC" in row:
                assert made[field][row[field]] <= row["DATE_CREATED_UTC"], f"{path}.{field}"


def test_records_are_made_in_the_order_of_their_ids(account: Sandbox) -> None:
    for path in ("/Contacts", "/Organisations", "/Leads", "/Opportunities", "/Tasks", "/Notes"):
        made = [row["DATE_CREATED_UTC"] for row in account.records(path)]
        assert made == sorted(made), path


def test_companies_have_names_of_their_own(account: Sandbox) -> None:
    names = [row["ORGANISATION_NAME"] for row in account.records("/Organisations")]
    assert len(set(names)) == len(names)


def test_a_lead_becomes_a_contact_of_the_same_name(account: Sandbox) -> None:
    contacts = {row["CONTACT_ID"]: row for row in account.records("/Contacts")}
    converted = [row for row in account.records("/Leads") if row["CONVERTED"]]
    assert len(converted) > 5
    for lead in converted:
        contact = contacts[lead["CONVERTED_CONTACT_ID"]]
        for field in ("FIRST_NAME", "LAST_NAME"):
            assert lead[field] == contact[field]
    assert any(lead["CONVERTED_OPPORTUNITY_ID"] for lead in converted)


def test_who_decides_on_a_deal_works_at_its_company(account: Sandbox) -> None:
    works_at = {row["CONTACT_ID"]: row["ORGANISATION_ID"] for row in account.records("/Contacts")}
    deciders = [
        (link["LINK_OBJECT_ID"], deal["ORGANISATION_ID"])
        for deal in account.records("/Opportunities")
        for link in deal["LINKS"]
        if link["LINK_OBJECT_NAME"] == "Contact"
    ]
    assert len(deciders) > 50
    assert all(works_at[contact] == company for contact, company in deciders)


def test_dates_are_empty_in_all_three_ways(account: Sandbox) -> None:
    for table in ("/Contacts", "/Projects", "/Opportunities"):
        texts = [value for row in account.records(table) for value in row.values()]
        assert "0000-00-00 00:00:00" in texts, table
    births = {row["DATE_OF_BIRTH"] for row in account.records("/Contacts")}
    assert {None, "", "0000-00-00 00:00:00"} < births
    assert any(re.fullmatch(r"\d{4}-\d\d-\d\d 00:00:00", birth or "") for birth in births)


def test_it_speaks_several_languages(account: Sandbox) -> None:
    names = "".join(str(row["LAST_NAME"]) for row in account.records("/Contacts"))
    for script in ("[a-z]", "[äöüß]", "[ąęłńś]", "[一-鿿]"):
        assert re.search(script, names), script


def test_records_are_wide(account: Sandbox) -> None:
    definitions = account.custom_fields["/Contacts"].definitions
    assert len(account.records("/Contacts")[0]) + len(definitions) > 60
    longest = max(len(row["BODY"] or "") for row in account.records("/Notes"))
    assert longest > 2000
    assert any("</p>" in (row["BODY"] or "") for row in account.records("/Notes"))


def test_one_choice_rules_another(account: Sandbox) -> None:
    pairs = set()
    for row in account.records("/Contacts"):
        values = {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in row["CUSTOMFIELDS"]}
        pairs.add((values.get("Größe__c"), values.get("Rating__c")))
    assert ("groß", "A") in pairs
    assert not pairs & {("klein", "A"), ("mittel", "A"), ("groß", "C")}


@pytest.mark.parametrize(
    ("path", "old"), [("/Projects", "PROJECT_FIELD_3"), ("/Organisations", "ORGANISATION_FIELD_1")]
)
def test_custom_fields_of_old_and_new_names_are_in_one_record(
    account: Sandbox, path: str, old: str
) -> None:
    records = [{one["FIELD_NAME"] for one in row["CUSTOMFIELDS"]} for row in account.records(path)]
    assert any(old in names and any(n.endswith("__c") for n in names) for names in records)
    assert old in {one["FIELD_NAME"] for one in account.custom_fields[path].definitions}
    assert not all(names & {old} for names in records), "absent from some"


def test_a_custom_field_is_null_where_it_is_empty_and_absent_off_the_layout(
    account: Sandbox,
) -> None:
    for path, own in account.custom_fields.items():
        records = [
            {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in row["CUSTOMFIELDS"]}
            for row in account.records(path)
        ]
        if len(records) < 100:
            continue
        for name in (one["FIELD_NAME"] for one in own.definitions):
            states = {"absent" if name not in one else one[name] is None for one in records}
            assert states == {"absent", True, False}, f"{path}.{name}"
