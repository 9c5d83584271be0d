"""Fields: whatever is wrong with what is to be written is told before anything is sent."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import InvalidError, InvalidFieldsError
from tap_insightly.api.records.objects import standard_objects
from tap_insightly.openapi import COMPONENTS
from tests.api.conftest import asked, custom, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.api import InsightlyClient
    from tap_insightly.sandbox import Sandbox

NULL = "This is how pandas writes nothing: write null."


class NaT(datetime):
    """What pandas has for no date: a datetime that is not even itself."""

    def __ne__(self, other: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "NaT"

    __hash__ = None  # type: ignore[assignment]


class NAType:
    """What pandas has for nothing of any kind."""

    def __repr__(self) -> str:
        return "<NA>"


CONTACT = fields_of(
    "contact",
    custom("Hobby__c", "TEXT", FIELD_LABEL="Hobby", FIELD_HELP_TEXT="What else they do."),
    custom("Interests__c", "MULTISELECT", "Art", "Food", "Fine Music"),
    custom("Rating__c", "DROPDOWN", "A", "B"),
    custom("Open__c", "DROPDOWN"),
    custom("Number__c", "AUTONUMBER"),
    custom("Locked__c", "TEXT", EDITABLE=False),
    custom("Grade__c", "DROPDOWN", "Aa", "aA", "b"),
    custom("Since__c", "DATE"),
    custom("Seen__c", "DATETIME"),
    custom("Size__c", "NUMERIC"),
    custom("Größe__c", "TEXT"),
    custom("Title__c", "TEXT"),
)


def problems(values: dict[str, Any], *, obj: str = "contact", is_new: bool = False) -> list[str]:
    """What is wrong with some values, all of it."""
    fields = CONTACT if obj == "contact" else fields_of(obj)
    with pytest.raises(InvalidFieldsError) as raised:
        fields.body(values, is_new=is_new)
    found = list(raised.value.problems)
    assert str(raised.value).removeprefix(f"{fields.obj.name}: ") == " ".join(found)
    assert str(raised.value).startswith(fields.obj.name)
    return found


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"FRIST_NAME": "A"}, "Contact has no field 'FRIST_NAME' (did you mean 'FIRST_NAME'"),
        ({"Hoby__c": "A"}, "Contact has no field 'Hoby__c' (did you mean 'Hobby__c'?)."),
        ({"hoby": "A"}, "Contact has no field 'hoby' (did you mean 'Hobby__c'?)."),
        ({"xyzzy": "A"}, "Contact has no field 'xyzzy'."),
        ({"CONTACT_ID": 1}, "CONTACT_ID is read-only: Insightly sets it itself."),
        ({"DATE_UPDATED_UTC": None}, "DATE_UPDATED_UTC is read-only"),
        ({"Number__c": "7"}, "Number__c is read-only"),
        ({"locked": "x"}, "Locked__c is read-only"),
        ({"FIRST_NAME": "x" * 256}, "FIRST_NAME: 256 characters are too long; at most 255 fit."),
        ({"FIRST_NAME": ["x"]}, "FIRST_NAME: got ['x']; accepted is text."),
        ({"OWNER_USER_ID": "you"}, "OWNER_USER_ID: got 'you'; accepted is a whole number."),
        ({"OWNER_USER_ID": 1.5}, "OWNER_USER_ID: got 1.5; accepted is a whole number."),
        ({"OWNER_USER_ID": True}, "OWNER_USER_ID: got True; accepted is a whole number."),
        (
            {"EMAIL_OPTED_OUT": "maybe"},
            "EMAIL_OPTED_OUT: got 'maybe'; accepted is true or false, also",
        ),
        ({"EMAIL_OPTED_OUT": 2}, "EMAIL_OPTED_OUT: got 2; accepted is true or false, also as yes"),
        (
            {"DATE_OF_BIRTH": "soon"},
            "DATE_OF_BIRTH: got 'soon'; accepted is a date, such as 2026-01-31.",
        ),
        ({"DATE_OF_BIRTH": "2026-02-30"}, "DATE_OF_BIRTH: got '2026-02-30'; accepted is a date"),
        ({"DATE_OF_BIRTH": 20260131}, "DATE_OF_BIRTH: got 20260131; accepted is a date"),
        ({"Since__c": "31.1.2026"}, "Since__c: got '31.1.2026'; accepted is a date"),
        ({"Size__c": "large"}, "Size__c: got 'large'; accepted is a number."),
        ({"Seen__c": "soon"}, "Seen__c: got 'soon'; accepted is a date or a date and time"),
        ({"Size__c": float("nan")}, f"Size__c: got nan; accepted is a number. {NULL}"),
        ({"Size__c": "NaN"}, f"Size__c: got 'NaN'; accepted is a number. {NULL}"),
        ({"Size__c": float("inf")}, "Size__c: got inf; accepted is a number."),
        ({"Size__c": "Infinity"}, "Size__c: got 'Infinity'; accepted is a number."),
        ({"LAST_NAME": float("nan")}, f"LAST_NAME: got nan; accepted is text. {NULL}"),
        ({"OWNER_USER_ID": "nan"}, f"OWNER_USER_ID: got 'nan'; accepted is a whole number. {NULL}"),
        ({"EMAIL_OPTED_OUT": float("nan")}, "EMAIL_OPTED_OUT: got nan; accepted is true or false"),
        ({"TAGS": float("nan")}, f"TAGS: got nan; accepted is a list. {NULL}"),
        ({"TAGS": [{"TAG_NAME": float("nan")}]}, "TAGS: got [{'TAG_NAME': nan}]; accepted is a"),
        ({"DATES": [{"OCCASION_DATE": float("nan")}]}, "DATES: got [{'OCCASION_DATE': nan}]; acc"),
        ({"Interests__c": float("nan")}, "Interests__c: got nan; accepted is options"),
        ({"Since__c": "NaT"}, "Since__c: got 'NaT'; accepted is a date, such as 2026-01-31. This"),
        ({"Since__c": NaT(2026, 1, 31)}, "Since__c: got NaT; accepted is a date, such as"),
        ({"Seen__c": NaT(2026, 1, 31)}, "Seen__c: got NaT; accepted is a date or a date and"),
        ({"Size__c": NAType()}, f"Size__c: got <NA>; accepted is a number. {NULL}"),
        ({"Rating__c": "C"}, "Rating__c: 'C' is no option. The options are 'A', 'B'."),
        ({"Rating__c": "AB"}, "Rating__c: 'AB' is no option"),
        ({"Interests__c": "Foot"}, "Interests__c: 'Foot' is no option (did you mean 'Food'?). The"),
        ({"Grade__c": "aa "}, "Grade__c: 'aa' is no option (did you mean 'Aa' or 'aA'?). The opti"),
        ({"Interests__c": "Art;Wine"}, "Interests__c: 'Wine' is no option"),
        (
            {"Interests__c": ["Fine Musik"]},
            "Interests__c: 'Fine Musik' is no option (did you mean 'Fine Music'?). The options are",
        ),
        ({"Interests__c": 5}, "Interests__c: got 5; accepted is options, separated by semicolons."),
        ({"TAGS": 5}, "TAGS: got 5; accepted is a list."),
        ({"TAGS": [["a"]]}, "TAGS: got [['a']]; accepted is a list."),
        ({"TAGS": "[{]"}, "TAGS: got '[{]'; accepted is a list."),
        ({"FIRST_NAME": None}, "FIRST_NAME cannot be cleared: every Contact needs it."),
        ({"first_name": ""}, "FIRST_NAME cannot be cleared: every Contact needs it."),
        ({"LINKS": []}, "LINKS is not written with the record, but by /Contacts/{id}/Links."),
        ({"CUSTOMFIELDS": {"Hobby__c": "x"}}, "CUSTOMFIELDS has to be a list of FIELD_NAME and"),
        ({"CUSTOMFIELDS": [{"NAME": "Hobby__c"}]}, "CUSTOMFIELDS has to be a list of FIELD_NAME"),
        (
            {"CUSTOMFIELDS": [{"FIELD_NAME": "Rating__c", "FIELD_VALUE": "Z"}]},
            "Rating__c: 'Z' is no option",
        ),
    ],
    ids=str,
)
def test_a_wrong_value_is_told_in_a_sentence(values: dict[str, Any], told: str) -> None:
    (problem,) = problems(values)
    assert problem.startswith(told)
    assert problem.endswith(".")


@pytest.mark.parametrize(
    ("obj", "field", "way"),
    [
        ("opportunity", "STAGE_ID", "/Opportunities/{id}/PipelineStage"),
        ("opportunity", "PIPELINE_ID", "/Opportunities/{id}/Pipeline"),
        ("project", "STAGE_ID", "/Projects/{id}/PipelineStage"),
        ("note", "LINKS", "/Notes/{id}/Links"),
        ("task", "STAGE_ID", "another way"),
        ("lead", "LINKS", "another way"),
    ],
)
def test_what_is_written_elsewhere_is_told_with_where(obj: str, field: str, way: str) -> None:
    assert problems({field: 1}, obj=obj) == [
        f"{field} is not written with the record, but by {way}."
    ]


def test_a_new_record_needs_a_name_and_the_api_says_what_else() -> None:
    told = problems({"COMPLETED": None}, obj="task", is_new=True)
    assert told == ["TITLE is missing; a new Task needs it."]
    assert fields_of("task").body({"TITLE": "Call"}, is_new=True) == {"TITLE": "Call"}


# All that the document calls required and that is refused here; no API has a default for these.
NAMES = {
    "Contact": "FIRST_NAME",
    "Organisation": "ORGANISATION_NAME",
    "Lead": "LAST_NAME",
    "LeadSource": "LEAD_SOURCE",
    "LeadStatus": "LEAD_STATUS",
    "Opportunity": "OPPORTUNITY_NAME",
    "OpportunityCategory": "CATEGORY_NAME",
    "Product": "PRODUCT_NAME",
    "Pricebook": "NAME",
    "Quotation": "QUOTATION_NAME",
    "Project": "PROJECT_NAME",
    "ProjectCategory": "CATEGORY_NAME",
    "Task": "TITLE",
    "TaskCategory": "CATEGORY_NAME",
    "Note": "TITLE",
    "FileCategory": "CATEGORY_NAME",
    "Prospect": "EMAIL_ADDRESS",
    "Ticket": "SUBJECT",
    "KnowledgeArticle": "Title",
    "KnowledgeArticleCategory": "CATEGORY_NAME",
    "KnowledgeArticleFolder": "FOLDER_NAME",
    "SupportForum": "FORUM_NAME",
}


@pytest.mark.parametrize("one", standard_objects(), ids=lambda one: one.name)
def test_no_record_is_made_without_a_name(one: Any) -> None:
    name = NAMES.get(one.name)
    if name is None:
        assert fields_of(one.name).body({}, is_new=True) == {}
        return
    for nothing in ({}, {name: None}, {name: ""}):
        told = problems(nothing, obj=one.name, is_new=True)
        assert told == [f"{name} is missing; a new {one.name} needs it."]


def test_every_name_is_one_of_an_object() -> None:
    assert NAMES.keys() <= {one.name for one in standard_objects()}


@pytest.mark.parametrize("one", standard_objects(), ids=lambda one: one.name)
def test_only_a_name_cannot_be_cleared(one: Any) -> None:
    fields = fields_of(one.name)
    for field in fields:
        if field.name == NAMES.get(one.name):
            told = problems({field.name: None}, obj=one.name)
            assert told == [f"{field.name} cannot be cleared: every {one.name} needs it."]
        elif field.is_writable and field.name != "CUSTOMFIELDS":
            assert fields.body({field.name: None}, is_new=False) == {field.name: None}


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("lead", {"LAST_NAME": "Byron"}, "LEAD_SOURCE_ID is missing."),
        ("task", {"TITLE": "Call", "OWNER_USER_ID": 1}, "COMPLETED is missing."),
        ("project", {"PROJECT_NAME": "Engine"}, "STATUS is missing."),
        ("task category", {"CATEGORY_NAME": "Call"}, "BACKGROUND_COLOR is missing."),
        ("event", {"TITLE": "Talk"}, "END_DATE_UTC is missing."),
    ],
)
def test_what_the_api_has_no_default_for_is_told_in_its_words(
    client: InsightlyClient, sandbox: Sandbox, name: str, values: dict[str, Any], said: str
) -> None:
    sandbox.faults.requires_all = True
    with pytest.raises(InvalidError) as raised:
        client.create(name, values)
    assert said in str(raised.value)


def test_false_and_nought_are_not_missing() -> None:
    values = {"PRODUCT_NAME": "Nut", "DEFAULT_PRICE": 0, "ACTIVE": False}
    assert fields_of("product").body(values, is_new=True) == values


def test_a_change_needs_no_required_field() -> None:
    assert CONTACT.body({"LAST_NAME": "Lovelace"}, is_new=False) == {"LAST_NAME": "Lovelace"}


def test_a_wrong_value_of_a_required_field_is_not_missing_as_well() -> None:
    assert problems({"FIRST_NAME": ["x"]}, is_new=True) == [
        "FIRST_NAME: got ['x']; accepted is text."
    ]
    assert len(problems({"FIRST_NAME": None}, is_new=True)) == 1


def test_all_problems_are_told_at_once() -> None:
    values = {
        "first": "A",
        "CONTACT_ID": 5,
        "LINKS": [],
        "rating": "Z",
        "DATE_OF_BIRTH": "soon",
        "LAST_NAME": "x" * 300,
        "PHONE": "+49 5551",
    }
    told = problems(values, is_new=True)
    assert [problem.split()[0].rstrip(":") for problem in told] == [
        "Contact",
        "CONTACT_ID",
        "LINKS",
        "Rating__c",
        "DATE_OF_BIRTH",
        "LAST_NAME",
        "FIRST_NAME",
    ]


def test_one_field_in_two_spellings_is_refused_rather_than_guessed() -> None:
    (told,) = problems({"FIRST_NAME": "Ada", "first_name": "Augusta"})
    assert told.startswith("FIRST_NAME")
    (told,) = problems({"hobby": "chess", "Hobby__c": "tennis"})
    assert told.startswith("Hobby__c")


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("first_name", "FIRST_NAME"),
        ("First_Name", "FIRST_NAME"),
        ("Hobby__c", "Hobby__c"),
        ("HOBBY__C", "Hobby__c"),
        ("hobby", "Hobby__c"),
        ("größe", "Größe__c"),
        ("GRÖSSE", "Größe__c"),
        ("title", "TITLE"),
        ("title__c", "Title__c"),
    ],
)
def test_a_field_is_found_in_any_case_and_without_the_end_of_a_custom_one(
    spelling: str, name: str
) -> None:
    found = CONTACT.find(spelling)
    assert found is not None
    assert found.name == name


def test_custom_fields_go_into_their_array_however_they_are_given() -> None:
    expected = {
        "LAST_NAME": "A",
        "CUSTOMFIELDS": [
            {"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "chess"},
            {"FIELD_NAME": "Rating__c", "FIELD_VALUE": None},
        ],
    }
    assert CONTACT.body({"hobby": "chess", "last_name": "A", "RATING": None}, is_new=False) == (
        expected
    )
    raw = [
        {"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "chess", "CUSTOM_FIELD_ID": "Hobby__c"},
        {"FIELD_NAME": "Rating__c"},
    ]
    assert CONTACT.body({"LAST_NAME": "A", "customfields": raw}, is_new=False) == expected


def test_a_dropdown_whose_options_are_not_known_takes_any() -> None:
    body = CONTACT.body({"Open__c": "anything"}, is_new=False)
    assert body["CUSTOMFIELDS"] == [{"FIELD_NAME": "Open__c", "FIELD_VALUE": "anything"}]


def test_a_field_says_what_it_is() -> None:
    by_name = {field.name: field for field in CONTACT}
    assert by_name["FIRST_NAME"].is_required
    assert by_name["FIRST_NAME"].max_length == 255
    assert not by_name["CONTACT_ID"].is_writable
    assert not by_name["LINKS"].is_writable
    assert by_name["Hobby__c"].is_writable
    assert by_name["Hobby__c"].description == "Hobby What else they do."
    assert by_name["Rating__c"].options == ("A", "B")


def test_the_fields_of_an_object_are_all_that_the_document_has() -> None:
    for one in standard_objects():
        properties = COMPONENTS[one.component]["properties"]
        names = [name for name, p in properties.items() if not p.get("x-added-by-tap")]
        assert [field.name for field in fields_of(one.name)] == names


def test_nothing_is_sent_if_anything_is_wrong(client: InsightlyClient, sandbox: Sandbox) -> None:
    attempts: list[Callable[[], Any]] = [
        lambda: client.create("contact", FIRST_NAME="A", hoby="chess"),
        lambda: client.update("contact", 300000000, LAST_NAME="x" * 300),
        lambda: client.upsert("contact", "EMAIL", {"EMAIL": "a@b.example"}),
        lambda: client.upsert("contact", "EMAIL_ADDRESS", {"EMAIL_ADDRESS": None}),
        lambda: client.find("contact", "FRIST_NAME", "A"),
        lambda: client.find("contact", "OWNER_USER_ID", "you"),
        lambda: client.add_note("contact", 300000000, "x" * 1000),
        lambda: client.create("milestone", PROJECT_ID="one", COMPLETED=False, DUE_DATE="2026-1-1"),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidFieldsError):
            attempt()
    assert asked(sandbox) == []


def test_the_fields_of_an_account_are_asked_for_once(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    found = client.fields("Contacts").find("rating")
    assert found is not None
    assert found.options == ("A", "B", "C")
    assert client.fields("contact") is client.fields("CONTACTS")
    client.fields("note")  # cannot have any
    assert asked(sandbox) == []
    client.fields("lead")
    client.fields("leads")
    assert asked(sandbox) == ["GET /CustomFields/Lead"]


def test_the_fields_of_other_objects_are_not_taken_for_its_own(client: InsightlyClient) -> None:
    """The API answers every field of the account for an object that has none (seen live)."""
    assert not any(field.is_custom for field in client.fields("event"))
    assert {field.name for field in client.fields("fruit") if field.is_custom} == {
        "Weight__c",
        "Color__c",
    }


def test_a_birthday_as_a_date_is_no_wrong_value() -> None:
    assert CONTACT.body({"date_of_birth": date(1815, 12, 10)}, is_new=False) == {
        "DATE_OF_BIRTH": "1815-12-10 00:00:00"
    }
