"""The catalog: names, keys and kinds that other programs rely on, and a snapshot of the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import objects_by_path
from tap_insightly.streams import STREAMS, ArrayStream, RelatedStream, SearchStream
from tests.conftest import entry, only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from tap_insightly.sandbox import Sandbox
    from tap_insightly.streams import InsightlyStream
    from tests.conftest import Tap

KEYS = {
    "contacts": "CONTACT_ID",
    "organisations": "ORGANISATION_ID",
    "leads": "LEAD_ID",
    "lead_sources": "LEAD_SOURCE_ID",
    "lead_statuses": "LEAD_STATUS_ID",
    "relationships": "RELATIONSHIP_ID",
    "tags": "RECORD_TYPE TAG_NAME",
    "follows": "RECORD_TYPE RECORD_ID",
    "countries": "COUNTRY_NAME",
    "opportunities": "OPPORTUNITY_ID",
    "opportunity_categories": "CATEGORY_ID",
    "opportunity_state_reasons": "STATE_REASON_ID",
    "opportunity_products": "OPPORTUNITY_ITEM_ID",
    "pipelines": "PIPELINE_ID",
    "pipeline_stages": "STAGE_ID",
    "activity_sets": "ACTIVITYSET_ID",
    "products": "PRODUCT_ID",
    "pricebooks": "PRICEBOOK_ID",
    "pricebook_entries": "PRICEBOOK_ENTRY_ID",
    "quotes": "QUOTE_ID",
    "quote_products": "QUOTATION_ITEM_ID",
    "currencies": "CURRENCY_CODE",
    "projects": "PROJECT_ID",
    "project_categories": "CATEGORY_ID",
    "milestones": "MILESTONE_ID",
    "tasks": "TASK_ID",
    "task_categories": "CATEGORY_ID",
    "events": "EVENT_ID",
    "notes": "NOTE_ID",
    "emails": "EMAIL_ID",
    "file_categories": "CATEGORY_ID",
    "prospects": "PROSPECT_ID",
    "marketing_visits": "VISIT_ID",
    "tickets": "TICKET_ID",
    "knowledge_articles": "ARTICLE_ID",
    "knowledge_article_categories": "CATEGORY_ID",
    "knowledge_article_folders": "FOLDER_ID",
    "community_forums": "FORUM_ID",
    "community_posts": "POST_ID",
    "community_comments": "COMMENT_ID",
    "forum_categories": "FORUM_CATEGORY_ID",
    "users": "USER_ID",
    "teams": "TEAM_ID",
    "team_members": "PERMISSION_ID",
    "document_templates": "TEMPLATE_ID",
    "instance": "INSTANCE_NAME",
    "permissions": "OBJECT_TYPE",
    "custom_objects": "OBJECT_NAME",
    "custom_fields": "FIELD_FOR FIELD_NAME",
}
CHILDREN = {
    "opportunity_state_history": "STATE_HISTORY_ID",
    "quote_documents": "QUOTE_DOCUMENT_ID",
    "prospect_list_memberships": "PROSPECT_ID LIST_ID",
    "ticket_comments": "TICKET_COMMENT_ID",
    "note_comments": "COMMENT_ID",
    "task_comments": "COMMENT_ID",
    "email_comments": "COMMENT_ID",
    "file_attachments": "PARENT_TYPE PARENT_ID FILE_ID",
}
ARRAYS = {
    "links": "PARENT_TYPE PARENT_ID LINK_ID",
    "record_tags": "PARENT_TYPE PARENT_ID TAG_NAME",
    "contact_dates": "CONTACT_ID DATE_ID",
    "organisation_dates": "ORGANISATION_ID DATE_ID",
    "organisation_email_domains": "ORGANISATION_ID EMAIL_DOMAIN_ID",
    "team_memberships": "TEAM_ID MEMBER_USER_ID",
    "activity_set_activities": "ACTIVITYSET_ID ACTIVITY_ID",
}
INCREMENTAL = set(
    "contacts organisations leads opportunities opportunity_products products pricebooks "
    "pricebook_entries quotes quote_products projects milestones tasks events notes emails "
    "prospects tickets knowledge_articles knowledge_article_categories "
    "knowledge_article_folders community_forums community_posts community_comments "
    "forum_categories users document_templates".split()
)


@pytest.fixture(scope="module")
def catalog(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The catalog of an account with everything."""
    from tests.conftest import Tap  # noqa: PLC0415 - a class here, a fixture's type above

    return Tap(tmp_path_factory.mktemp("catalog")).discover(shared_sandbox)


def test_streams_have_the_names_and_keys_that_others_rely_on() -> None:
    """There may be more by now: what there is besides shows in the snapshot."""
    names = {stream.name: " ".join(stream.primary_keys) for stream in STREAMS}  # type: ignore[arg-type]
    assert names.items() >= (KEYS | CHILDREN | ARRAYS).items()


def test_what_belongs_to_records_is_not_selected_by_default(catalog: dict[str, Any]) -> None:
    left_out = {
        stream["tap_stream_id"]
        for stream in catalog["streams"]
        for one in stream["metadata"]
        if not one["breadcrumb"] and not one["metadata"]["selected-by-default"]
    }
    assert left_out == {one.name for one in STREAMS if issubclass(one, RelatedStream)}
    assert left_out >= set(CHILDREN | ARRAYS)


def test_arrays_are_read_from_every_object_that_has_them() -> None:
    have: dict[str, set[str]] = {}
    for stream in STREAMS:
        if not issubclass(stream, RelatedStream):
            for name in COMPONENTS[_component(stream)]["properties"]:
                have.setdefault(name, set()).add(stream.name)
    for stream in STREAMS:
        if issubclass(stream, ArrayStream) and stream.has_kinds:
            assert {parent.name for parent in stream.parents} == have[stream.array]


def test_streams_are_incremental_where_the_api_can_search_by_date() -> None:
    own = [stream for stream in STREAMS if not issubclass(stream, RelatedStream)]
    found = {stream.name for stream in own if issubclass(stream, SearchStream)}
    objects = objects_by_path()
    can = {one.name for one in own if one.path in objects and objects[one.path].searched_by}
    assert found == can
    assert found >= INCREMENTAL


def test_the_catalog_has_every_stream_and_the_custom_objects(catalog: dict[str, Any]) -> None:
    names = {stream["tap_stream_id"] for stream in catalog["streams"]}
    assert set(KEYS) < names
    assert {"fruit__c"} <= names - set(KEYS)


def test_every_property_is_described(catalog: dict[str, Any]) -> None:
    for stream in catalog["streams"]:
        for name, schema in stream["schema"]["properties"].items():
            assert len(schema.get("description") or "") > 3, f"{stream['stream']}.{name}"


def test_keys_are_never_null_and_the_replication_key_is_a_date_time(
    catalog: dict[str, Any],
) -> None:
    for stream in catalog["streams"]:
        properties = stream["schema"]["properties"]
        for key in stream["key_properties"]:
            assert "null" not in properties[key]["type"]
        if stream.get("replication_key"):
            assert properties[stream["replication_key"]]["format"] == "date-time"


def test_streams_and_the_openapi_document_agree_on_keys() -> None:
    schemas = COMPONENTS
    for stream in STREAMS:
        if not issubclass(stream, RelatedStream):
            own = list(stream.primary_keys)  # type: ignore[call-overload]
            assert schemas[_component(stream)]["x-primary-key"] == own


def _component(stream: type[InsightlyStream]) -> str:
    return str(vars(stream)["schema"].key)


def test_the_catalog_changes_only_on_purpose(
    catalog: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    for stream in catalog["streams"]:
        (own,) = (item["metadata"] for item in stream["metadata"] if not item["breadcrumb"])
        shown = {**stream, "schema": dict(_lines(stream["schema"])), "metadata": own}
        assert json.dumps(shown, indent=1, ensure_ascii=False) == snapshot(
            name=stream["tap_stream_id"]
        )


def _lines(schema: dict[str, Any], inside: str = "") -> Iterator[tuple[str, str]]:
    """One short line a property, and one for each inside it, so that a change is easy to review."""
    for name, prop in schema["properties"].items():
        given = prop["type"]
        kind = "|".join([given] if isinstance(given, str) else given)
        form = f" {prop['format']}" if "format" in prop else ""
        form += f" <={prop['maxLength']}" if "maxLength" in prop else ""
        yield inside + name, f"{kind}{form} - {prop['description']}"
        items = prop.get("items", prop)
        if "properties" in items:
            yield from _lines(items, f"{inside}{name}.")
        elif items is not prop:
            yield f"{inside}{name}.*", str(items)


def test_discovery_costs_few_requests(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    tap.discover(sandbox)
    asked = [request.path.lower().removeprefix("/v3.1") for request in sandbox.requests]
    owners = sum(stream.custom_fields_for is not None for stream in STREAMS)
    custom_objects = sandbox.count("/CustomObjects")
    assert len(asked) == len(set(asked)) == owners + 1 + custom_objects
    assert all(path.startswith(("/customfields/", "/customobjects")) for path in asked)


def test_a_sync_with_a_catalog_asks_for_no_metadata(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts", "fruit__c", "organisations")
    sandbox.requests.clear()
    run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0, run.stderr
    asked = sorted(request.path.lower().rsplit("/", 1)[1] for request in sandbox.requests)
    assert asked == ["contacts", "fruit__c", "organisations"]


def test_a_sync_with_a_catalog_fills_the_custom_fields(tap: Tap, sandbox: Sandbox) -> None:
    sandbox.add_custom_field("/Contacts", "Shoe__c", "NUMERIC", "Shoe", "European size", [])
    sandbox.add_custom_field("/Contacts", "shoe__c", "TEXT", "Shoe too", "", [])
    created = sandbox.create(
        "/Contacts",
        FIRST_NAME="Zoë",
        CUSTOMFIELDS=[
            {"FIELD_NAME": "Shoe__c", "FIELD_VALUE": 42.5},
            {"FIELD_NAME": "shoe__c", "FIELD_VALUE": "boots"},
        ],
    )
    catalog = only(tap.discover(sandbox), "contacts")
    assert entry(catalog, "contacts")["schema"]["properties"]["Shoe__c"]["description"] == (
        "Shoe. European size"
    )
    run = tap(sandbox=sandbox, catalog=catalog)
    record = next(r for r in run.records("contacts") if r["CONTACT_ID"] == created["CONTACT_ID"])
    assert (record["Shoe__c"], record["shoe__c_2"]) == (42.5, "boots")
    assert "CUSTOMFIELDS" not in record


@pytest.mark.parametrize("how", ["columns", "array", "both"])
def test_custom_fields_arrive_as_columns_or_array_or_both(
    tap: Tap, sandbox: Sandbox, how: str
) -> None:
    catalog = only(tap.discover(sandbox, custom_fields=how), "contacts", "fruit__c")
    run = tap(sandbox=sandbox, catalog=catalog, custom_fields=how)
    for stream in ("contacts", "fruit__c"):
        record = run.records(stream)[0]
        assert any(name.endswith("__c") for name in record) is (how != "array")
        assert ("CUSTOMFIELDS" in record) is (how != "columns")


def test_a_custom_field_made_after_discovery_is_warned_about(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    sandbox.add_custom_field("/Contacts", "Late__c", "TEXT", "Late", "", [])
    sandbox.create("/Contacts", CUSTOMFIELDS=[{"FIELD_NAME": "Late__c", "FIELD_VALUE": "x"}])
    run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0
    assert run.stderr.count("Late__c") == 1
    assert "Discover the catalog again" in run.stderr


def test_a_stream_that_this_tap_does_not_have_is_named(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "users")
    catalog["streams"].append({**entry(catalog, "users"), "tap_stream_id": "unicorns"})
    run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0
    assert "does not have: unicorns" in run.stderr
