"""Streams find their objects, properties their fields, or nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import InsightlyClient
from tap_insightly.loader.errors import MappingError
from tap_insightly.loader.mappings import StreamMappings
from tap_insightly.openapi import WRITE
from tap_insightly.streams import STREAMS, ListStream, SearchStream
from tests.conftest import KEY, new_sandbox
from tests.loader.feeding import Feed, record, schema, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.loader.stream_mapping import StreamMapping
    from tap_insightly.sandbox import Sandbox


@pytest.fixture(scope="module")
def account() -> Iterator[InsightlyClient]:
    with (
        new_sandbox(records=10).serve() as sandbox,
        InsightlyClient(KEY, api_url=sandbox.api_url, requests_per_second=100) as client,
    ):
        yield client


def mapping_of(account: InsightlyClient, stream: str, *names: str, **config: Any) -> StreamMapping:
    return StreamMappings(account, config).mapping(stream, schema(stream, *names)["schema"])


def refusal(account: InsightlyClient, stream: str, *names: str, **config: Any) -> str:
    with pytest.raises(MappingError) as caught:
        mapping_of(account, stream, *names, **config)
    assert f"'{stream}'" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "stream",
    [
        stream
        for stream in STREAMS
        if stream.__bases__[0] in {ListStream, SearchStream}
        and {"post", "put"} & set(WRITE["paths"].get(stream.path, ()))
    ],
    ids=lambda stream: stream.name,
)
def test_the_streams_of_the_tap_go_to_the_lists_that_they_come_from(
    account: InsightlyClient, stream: Any
) -> None:
    assert StreamMappings(account, {}).object(stream.name).path == stream.path


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("contact", "/Contacts"),
        ("CONTACTS", "/Contacts"),
        ("organization", "/Organisations"),
        ("fruit", "/Fruit__c"),
        ("fruit__c", "/Fruit__c"),
        ("site_visits", "/Site_Visit__c"),
    ],
)
def test_a_stream_may_be_called_as_one_likes(
    account: InsightlyClient, stream: str, path: str
) -> None:
    assert StreamMappings(account, {}).object(stream).path == path


def test_a_stream_of_any_name_goes_where_the_settings_say(account: InsightlyClient) -> None:
    config = {"stream_to_object": {"contacts": "lead"}}
    assert StreamMappings(account, config).object("contacts").path == "/Leads"


@pytest.mark.parametrize(
    ("stream", "config", "said"),
    [
        ("contcts", {}, "did you mean 'Contact' or"),
        ("scores", {}, "stream_to_object"),
        ("scores", {"stream_to_object": {"scores": "Leed"}}, "did you mean 'Lead'?"),
    ],
)
def test_an_unknown_object_is_told_with_what_to_do(
    account: InsightlyClient, stream: str, config: dict[str, Any], said: str
) -> None:
    assert said.casefold() in refusal(account, stream, "FIRST_NAME", **config).casefold()


@pytest.mark.parametrize("stream", ["emails", "users", "pipelines", "tags", "countries"])
def test_an_object_that_cannot_be_written_is_refused(account: InsightlyClient, stream: str) -> None:
    assert "can neither create nor update" in refusal(account, stream)


def test_properties_may_be_in_any_case(account: InsightlyClient) -> None:
    found = mapping_of(
        account, "contacts", "contact_id", "First_Name", "hobby__c", "größe__c", "rating"
    )
    assert {name: field.name for name, field in found.properties.items()} == {
        "contact_id": "CONTACT_ID",
        "First_Name": "FIRST_NAME",
        "hobby__c": "Hobby__c",
        "größe__c": "Größe__c",
        "rating": "Rating__c",
    }


def test_a_column_of_a_custom_field_goes_where_its_title_says(account: InsightlyClient) -> None:
    one = {"properties": {"hobby__c_2": {"type": "string", "title": "Hobby__c"}}}
    found = StreamMappings(account, {}).mapping("contacts", one)
    assert found.properties["hobby__c_2"].name == "Hobby__c"


def test_properties_go_where_the_settings_say_and_null_leaves_them_out(
    account: InsightlyClient,
) -> None:
    names = {"score": "Shoe_Size__c", "loaded_at": None, "batch": ""}
    found = mapping_of(account, "contacts", *names, "TITLE", field_map={"contacts": names})
    assert {name: one.name for name, one in found.properties.items()} == {
        "score": "Shoe_Size__c",
        "TITLE": "TITLE",
    }


def test_what_targets_add_and_what_is_read_only_is_left_out(account: InsightlyClient) -> None:
    names = ("_sdc_batched_at", "DATE_CREATED_UTC", "LINKS", "Customer_Number__c", "FIRST_NAME")
    found = mapping_of(account, "contacts", "CONTACT_ID", *names)
    assert found.left_out == ("DATE_CREATED_UTC", "LINKS", "Customer_Number__c")
    row = found.map({"CONTACT_ID": "7", **dict.fromkeys(names, "x")})
    assert row.record_id == 7
    assert row.values == {"FIRST_NAME": "x"}


def test_the_raw_array_of_custom_fields_is_written_without_what_is_read_only(
    account: InsightlyClient,
) -> None:
    found = mapping_of(account, "contacts", "CUSTOMFIELDS")
    given = {"Hobby__c": "chess", "Customer_Number__c": "C-1"}
    items = [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in given.items()]
    assert found.map({"CUSTOMFIELDS": items}).values == {"Hobby__c": "chess"}


def test_columns_come_before_the_raw_array(account: InsightlyClient) -> None:
    found = mapping_of(account, "contacts", "CUSTOMFIELDS", "Hobby__c")
    assert list(found.properties) == ["Hobby__c"]


@pytest.mark.parametrize(
    ("names", "config", "said"),
    [
        (["FIRST_NAM"], {}, "'FIRST_NAME'"),
        (["hoby__c"], {}, "'Hobby__c'"),
        (["x"], {"field_map": {"contacts": {"x": "Scor__c"}}}, "'Score__c'"),
        (["TITLE"], {"field_map": {"contacts": {"x": "TITLE"}}}, "field_map names 'x'"),
        (["TITLE", "title"], {}, "Both 'TITLE' and 'title' would be written to TITLE."),
        (["TITLE"], {"match_on": {"Contact": "EMAIL"}}, "match_on: Contact has no field 'EMAIL'"),
        (["TITLE"], {"match_on": {"Contact": "EMAIL_ADDRESS"}}, "no property of it is written to"),
        (["CREATED_USER_ID"], {"match_on": {"contacts": "CREATED_USER_ID"}}, "can be found by"),
        (["TAGS"], {"match_on": {"contacts": "TAGS"}}, "no record can be found by TAGS"),
    ],
)
def test_what_does_not_fit_is_told(
    account: InsightlyClient, names: list[str], config: dict[str, Any], said: str
) -> None:
    assert said in refusal(account, "contacts", *names, **config)


def test_an_object_that_cannot_be_searched_is_not_matched(account: InsightlyClient) -> None:
    config = {"match_on": {"LeadSource": "LEAD_SOURCE"}}
    assert "no search" in refusal(account, "lead_sources", "LEAD_SOURCE", **config)


@pytest.mark.parametrize("key", ["Contact", "contacts", "CONTACTS", "people"])
def test_what_to_match_on_is_set_by_object_or_stream(account: InsightlyClient, key: str) -> None:
    config = {"match_on": {key: "email_address"}, "stream_to_object": {"people": "Contact"}}
    found = mapping_of(account, "people", "EMAIL_ADDRESS", **config)
    assert found.match_on
    assert found.match_on.name == "EMAIL_ADDRESS"


@pytest.mark.parametrize("key", ["Contact", "contacts", "people"])
def test_where_properties_go_is_set_by_object_or_stream(account: InsightlyClient, key: str) -> None:
    config = {
        "field_map": {key: {"score": "Shoe_Size__c"}},
        "stream_to_object": {"people": "Contact"},
    }
    found = mapping_of(account, "people", "score", **config)
    assert found.properties["score"].name == "Shoe_Size__c"


def test_what_is_said_of_a_stream_counts_before_what_is_said_of_its_object(
    account: InsightlyClient,
) -> None:
    config = {
        "match_on": {"Contact": "EMAIL_ADDRESS", "people": "PHONE"},
        "stream_to_object": {"people": "Contact"},
    }
    found = mapping_of(account, "people", "PHONE", "EMAIL_ADDRESS", **config)
    assert found.match_on
    assert found.match_on.name == "PHONE"


def test_a_name_in_match_on_that_is_nothing_s_is_told(feed: Feed) -> None:
    # Otherwise a slip of the pen would create every record anew.
    fed = feed([schema("leads", "LAST_NAME")], match_on={"Leds": "EMAIL"})
    assert fed.code == 2
    assert any("'match_on'" in one and "Leds" in one for one in fed.problems)


def test_a_stream_that_does_not_fit_ends_the_run_before_it_is_written(
    feed: Feed, sandbox: Sandbox
) -> None:
    messages = [
        schema("contacts", "FIRST_NAME", "shoe_siz__c"),
        record("contacts", FIRST_NAME="Ann"),
        state(1),
    ]
    fed = feed(messages)
    assert fed.code == 2
    (problem,) = [one for one in fed.problems if "cannot be written" in one]
    assert "did you mean 'Shoe_Size__c'" in problem
    assert "Traceback" not in fed.stderr
    assert not fed.states
    assert {one.method for one in sandbox.requests} == {"GET"}


def test_what_is_left_out_is_said_once(feed: Feed) -> None:
    messages = [schema("contacts", "FIRST_NAME", "DATE_CREATED_UTC", "LINKS")]
    messages += [record("contacts", FIRST_NAME=name, LINKS=[]) for name in "abc"]
    fed = feed.well(messages)
    assert fed.stderr.count("DATE_CREATED_UTC, LINKS") == 1


@pytest.mark.parametrize(
    "line",
    ['{"type": "RECORD", "stream": "contacts", "record": {}}', "no JSON", '{"type": "RECORD"}'],
)
def test_what_is_no_message_ends_the_run_with_a_sentence(feed: Feed, line: str) -> None:
    path = feed.folder / "raw.jsonl"
    path.write_text(line + "\n")
    fed = feed([], "--input", str(path))
    assert fed.code == 1
    assert "The input is no Singer message" in fed.problems[-1]
