"""Objects: found by any name that people give them, and described as the documents do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import UnknownObjectError
from tap_insightly.api.records.objects import custom_object, find_object, standard_objects
from tap_insightly.openapi import COMPONENTS, READ, WRITE
from tap_insightly.streams import STREAMS
from tests.api.conftest import asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient, InsightlyObject
    from tap_insightly.sandbox import Sandbox

OBJECTS = standard_objects()
NAMES = [one.name for one in OBJECTS]
# The instance and the permissions of a user are one object each, and no list.
LISTS = [
    stream
    for stream in STREAMS
    if re.fullmatch(r"/\w+", getattr(stream, "path", ""))
    and stream.name not in {"instance", "permissions"}
]

SPELLINGS = {
    "Contact": "contact contacts Contact Contacts CONTACT CONTACTS /Contacts",
    "Organisation": "organisation organisations organization Organizations ORGANIZATION",
    "Lead": "lead leads",
    "LeadSource": "lead_sources LeadSource lead-source LEAD_SOURCES LeadSources",
    "LeadStatus": "lead_status lead_statuses LeadStatus LeadStatuses LEADSTATUS",
    "Opportunity": "opportunity opportunities Opportunity OPPORTUNITIES",
    "OpportunityCategory": "opportunity_category opportunity_categories OpportunityCategories",
    "OpportunityLineItem": "opportunity_line_item OpportunityLineItem opportunity_products",
    "Product": "product products",
    "Pricebook": "pricebook pricebooks price_book",
    "PricebookEntry": "pricebook_entry pricebook_entries PricebookEntries price-book-entry",
    "Quotation": "quote quotes quotation quotations Quotation QUOTES",
    "QuotationLineItem": "quotation_line_item quote_line_items quote_products QuoteProduct",
    "Task": "task tasks",
    "TaskCategory": "task_category TaskCategories",
    "Note": "note NOTES",
    "Prospect": "prospect prospects",
    "Ticket": "ticket tickets Ticket",
    "KnowledgeArticle": "knowledge_article knowledge_articles KnowledgeArticles",
    "SupportForum": "community_forum community_forums CommunityForums support_forum",
    "SupportForumPost": "community_post community_posts CommunityPosts SupportForumPosts",
    "SupportForumComment": "community_comment CommunityComments",
    "SupportForumCategory": "forum_category forum_categories ForumCategories",
    "User": "user users",
    "TeamMember": "team_member team_members TeamMembers",
    "Currency": "currency currencies",
    "Country": "country COUNTRIES",
    "Fruit__c": "fruit fruits Fruit Fruit__c FRUIT__C fruit__c Fruits",
    "Site_Visit__c": "site_visit site-visits SiteVisit Site_Visit__c",
}


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        *((spelling, name) for name, text in SPELLINGS.items() for spelling in text.split()),
        ("opportunity line items", "OpportunityLineItem"),
        ("Site visits", "Site_Visit__c"),
    ],
)
def test_every_spelling_finds_its_object(
    reading_client: InsightlyClient, spelling: str, name: str
) -> None:
    assert reading_client.object(spelling).name == name


def test_every_name_of_the_api_finds_its_object() -> None:
    for one in OBJECTS:
        for spelling in (one.name, one.path[1:], one.name.upper(), one.path.lower()):
            assert find_object(spelling, OBJECTS) is one, spelling


@pytest.mark.parametrize("stream", LISTS, ids=lambda stream: stream.name)
def test_every_list_of_the_tap_is_an_object_by_the_name_of_its_stream(stream: Any) -> None:
    assert find_object(stream.name, OBJECTS).path == stream.path


def test_there_are_as_many_objects_as_lists() -> None:
    assert len(LISTS) == len(OBJECTS) > 40
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("contcat", "Contact"),
        ("Organisaton", "Organisation"),
        ("oportunity", "Opportunity"),
        ("quotations line item", "QuotationLineItem"),
        ("fruut", "Fruit__c"),
        ("site-visitor", "Site_Visit__c"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(
    reading_client: InsightlyClient, name: str, nearest: str
) -> None:
    told = rf"^Insightly has no object '{name}'\. Did you mean .*'{nearest}'"
    with pytest.raises(UnknownObjectError, match=told):
        reading_client.object(name)


def test_a_name_that_is_like_no_other_is_told_alone(reading_client: InsightlyClient) -> None:
    with pytest.raises(UnknownObjectError, match=r"^Insightly has no object 'xyzzy'\.$"):
        reading_client.object("xyzzy")


def methods_of(path: str) -> dict[str, set[str]]:
    """The methods of the write document that make, change and delete records of a list."""
    found: dict[str, set[str]] = {}
    for at, item in WRITE["paths"].items():
        start = "/".join(at.split("/")[:4])
        is_below = WRITE["paths"].get(start, {}).get("x-list") == path
        if is_below or at in {path, f"{path}/{{id}}"}:
            found[at] = {"get", "post", "put", "delete"} & set(item)
    return found


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.name)
def test_what_can_be_done_is_what_the_documents_say(one: InsightlyObject) -> None:
    methods = set().union(*methods_of(one.path).values())
    written = {"post": "create", "put": "update", "delete": "delete"}
    read = {"search": f"{one.path}/Search", "get": f"{one.path}/{{id}}"}
    expected = {verb for method, verb in written.items() if method in methods}
    expected |= {verb for verb, path in read.items() if path in READ["paths"]}
    assert one.can == expected | {"list"}


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.name)
def test_the_required_fields_are_those_of_the_document_and_can_be_written(
    one: InsightlyObject,
) -> None:
    for path, methods in methods_of(one.path).items():
        if "post" in methods:
            content = WRITE["paths"][path]["post"]["requestBody"]["content"]
            schema: Mapping[str, Any] = content["application/json"]["schema"]
            assert one.required == tuple(schema.get("required", ()))
            assert schema["$ref"].endswith(f"/{one.component}")
    for name in one.required:
        assert not COMPONENTS[one.component]["properties"][name].get("readOnly"), name


def test_an_object_is_called_in_links_what_its_name_is(shared_sandbox: Sandbox) -> None:
    links = [
        link
        for path in ("/Contacts", "/Notes", "/Tasks", "/Opportunities")
        for record in shared_sandbox.records(path)
        for link in record["LINKS"]
    ]
    names = {link[side] for link in links for side in ("OBJECT_NAME", "LINK_OBJECT_NAME")}
    assert len(names) > 4
    assert names <= {*NAMES, "Fruit__c", "Site_Visit__c"}


def test_custom_objects_come_last_and_are_asked_for_once(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    assert [one.name for one in client.objects()][-2:] == ["Fruit__c", "Site_Visit__c"]
    assert client.object("fruit").can >= {"create", "update", "delete", "get", "search", "list"}
    assert client.object("fruit").key == "RECORD_ID"
    assert asked(sandbox) == ["GET /CustomObjects"]


def test_a_standard_object_is_found_without_a_request(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    client.object("quote products")
    assert asked(sandbox) == []


def test_a_user_who_may_not_see_custom_objects_has_the_others(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    sandbox.faults.forbidden = {"/CustomObjects"}
    with pytest.raises(UnknownObjectError):
        client.object("fruit")
    assert client.objects() == OBJECTS


def test_a_custom_object_is_found_by_its_labels_and_hides_no_other() -> None:
    labels = {"SINGULAR_LABEL": "Contact", "PLURAL_LABEL": "Obst und Gemüse"}
    odd = custom_object({"OBJECT_NAME": "Lead__c", **labels})
    both = (*OBJECTS, odd)
    assert find_object("obst und gemüse", both) is odd
    assert find_object("Lead__c", both) is odd
    assert find_object("contact", both).path == "/Contacts"
    assert find_object("lead", both).path == "/Leads"


@pytest.mark.parametrize("labels", [{}, {"SINGULAR_LABEL": None, "PLURAL_LABEL": 5}])
def test_a_custom_object_without_labels_is_found_by_its_name(labels: dict[str, Any]) -> None:
    (found,) = [custom_object({"OBJECT_NAME": "Fruit__c", **labels})]
    assert find_object("fruit", [found]) is found
    assert found.labels == ()
