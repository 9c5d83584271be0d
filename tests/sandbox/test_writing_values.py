"""Values are kept to the digit, and the arrays of a record are put together as assumed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.conftest import new_sandbox
from tests.sandbox.written import (
    DAY,
    content,
    custom,
    encoded,
    first,
    message,
    minimal,
    send,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from tap_insightly.sandbox import Sandbox

# As JSON writes numbers, at most as many characters as the API has for money.
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,7})?", fullmatch=True)
# JSON cannot carry halves of pairs.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=255)


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A sandbox into which many tests write, each something of its own."""
    with new_sandbox().serve() as sandbox:
        yield sandbox


def post(sandbox: Sandbox, path: str, **fields: Any) -> Any:
    answer = send(sandbox, "POST", path, {**minimal(sandbox, path), **fields})
    assert answer.status_code == 201, answer.text
    return content(answer)


def put(sandbox: Sandbox, contact: int, **fields: Any) -> requests.Response:
    return send(sandbox, "PUT", "/Contacts", {"CONTACT_ID": contact, **fields})


# Digits and texts


@given(NUMBERS)
def test_a_number_is_sent_back_digit_by_digit(account: Sandbox, number: str) -> None:
    assume(len(str(Decimal(number))) <= 19)
    body = f'{{"OPPORTUNITY_NAME": "A", "BID_AMOUNT": {number}}}'.encode()
    answer = send(account, "POST", "/Opportunities", body)
    assert answer.status_code == 201
    shown = f'"BID_AMOUNT":{number if number != "-0" else "0"},'
    assert shown in answer.text
    key = content(answer)["OPPORTUNITY_ID"]
    assert shown in send(account, "GET", f"/Opportunities/{key}").text


@given(TEXTS)
def test_a_text_is_sent_back_letter_by_letter(account: Sandbox, text: str) -> None:
    made = post(account, "/Contacts", LAST_NAME=text, CUSTOMFIELDS=custom(Hobby=text))
    assert (made["LAST_NAME"], values_of(made)["Hobby"]) == (text, text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(
    ["OPPORTUNITY_NAME", "BID_AMOUNT", "CATEGORY_ID", "ACTUAL_CLOSE_DATE", "TAGS", "CUSTOMFIELDS"]
)


@given(st.dictionaries(_NAMES, _JSON) | _JSON)
def test_whatever_is_sent_is_written_or_refused(account: Sandbox, body: Any) -> None:
    if isinstance(body, dict):
        body = {"OPPORTUNITY_NAME": "A", **body}
    before = account.count("/Opportunities")
    answer = send(account, "POST", "/Opportunities", encoded(body))
    assert answer.status_code in {201, 400}
    assert account.count("/Opportunities") == before + (answer.status_code == 201)
    assert send(account, "GET", "/Opportunities", params={"top": "500"}).status_code == 200


# Custom fields


def test_only_the_custom_fields_that_are_named_change(account: Sandbox) -> None:
    made = post(account, "/Contacts", CUSTOMFIELDS=custom(Hobby="Go", Orders_Last_Year=3))
    changed = content(
        put(
            account,
            made["CONTACT_ID"],
            CUSTOMFIELDS=custom(Hobby="Chess", Discount=Decimal("2.50")),
        )
    )
    assert values_of(changed) == {"Hobby": "Chess", "Orders_Last_Year": 3, "Discount": 2.5}
    assert str(values_of(changed)["Discount"]) == "2.50"
    for nothing in ([], None):
        same = content(put(account, made["CONTACT_ID"], CUSTOMFIELDS=nothing))
        assert same["CUSTOMFIELDS"] == changed["CUSTOMFIELDS"]


def test_null_clears_a_custom_field_whose_entry_stays(account: Sandbox) -> None:
    made = post(account, "/Contacts", CUSTOMFIELDS=custom(Hobby="Go", Newsletter_Subscription=True))
    cleared = put(account, made["CONTACT_ID"], CUSTOMFIELDS=custom(Hobby=None))
    assert values_of(content(cleared)) == {"Hobby": None, "Newsletter_Subscription": True}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("Elephant", "A"),
        ("Tier", "Gold"),  # a field of another object
        ("hobby", "A"),
        ("Newsletter_Subscription", "true"),
        ("Newsletter_Subscription", 1),
        ("Orders_Last_Year", "3"),
        ("Orders_Last_Year", True),
        ("Discount", "5 %"),
        ("Credit_Limit", "12.50"),
        ("Customer_Since", "2026-02-28"),
        ("Customer_Since", 20260228),
        ("Last_Visit", "2026-02-28T13:45:59Z"),
        ("Last_Visit", ""),
        ("Preferred_Contact_Method", "Fax"),
        ("Preferred_Contact_Method", "email"),
        ("Preferred_Contact_Method", ""),
        ("Interests", "Art;Chess"),
        ("Interests", "Art; Food"),
        ("Interests", "Art;"),
        ("Interests", ["Art"]),
        ("Hobby", 5),
        ("Remarks", {"a": 1}),
        ("Account_Manager", 4711),
        ("Account_Manager", "Ana"),
        ("Score", [1]),
    ],
)
def test_a_value_that_a_custom_field_cannot_have_is_refused(
    account: Sandbox, name: str, wrong: Any
) -> None:
    count, record_id = account.count("/Contacts"), first(account, "/Contacts")
    body = {"FIRST_NAME": "A", "CUSTOMFIELDS": custom(**{name: wrong})}
    for answer in (
        send(account, "POST", "/Contacts", body),
        put(account, record_id, CUSTOMFIELDS=body["CUSTOMFIELDS"]),
    ):
        assert answer.status_code == 400
        assert f"{name}__c" in message(answer)
    assert account.count("/Contacts") == count


@pytest.mark.parametrize("value", ["Art", "Art;Food", "Travel;Art"])
def test_several_choices_are_joined_by_semicolons(account: Sandbox, value: str) -> None:
    assert values_of(post(account, "/Contacts", CUSTOMFIELDS=custom(Interests=value))) == {
        "Interests": value
    }


def test_a_number_that_counts_by_itself_cannot_be_changed(sandbox: Sandbox) -> None:
    record = sandbox.create("/Contacts", CUSTOMFIELDS=custom(Customer_Number="C-00001"))
    key = record["CONTACT_ID"]
    assert put(sandbox, key, CUSTOMFIELDS=custom(Customer_Number="C-00001")).status_code == 201
    for other in ("C-00002", None):
        answer = put(sandbox, key, CUSTOMFIELDS=custom(Customer_Number=other))
        assert answer.status_code == 400
        assert "Customer_Number__c" in message(answer)


@pytest.mark.parametrize(
    "entry", [{"FIELD_NAME": "Hobby__c"}, {"FIELD_VALUE": 1}, {}, "Hobby__c", None]
)
def test_an_entry_that_is_none_is_refused(account: Sandbox, entry: Any) -> None:
    body = {"FIRST_NAME": "A", "CUSTOMFIELDS": [entry]}
    assert send(account, "POST", "/Contacts", body).status_code == 400


def test_an_object_without_custom_fields_takes_none(account: Sandbox) -> None:
    values = {"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "A"}
    body = {**minimal(account, "/Events"), "CUSTOMFIELDS": [values]}
    assert send(account, "POST", "/Events", body).status_code == 400


# Tags, dates, email domains, members


def test_tags_that_are_sent_replace_those_that_are_there(account: Sandbox) -> None:
    made = post(account, "/Contacts", TAGS=[{"TAG_NAME": name} for name in ("a", "b", "a")])
    assert made["TAGS"] == [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}]
    changed = content(put(account, made["CONTACT_ID"], TAGS=[{"TAG_NAME": "c"}]))
    assert changed["TAGS"] == [{"TAG_NAME": "c"}]
    assert content(put(account, made["CONTACT_ID"], LAST_NAME="B"))["TAGS"] == changed["TAGS"]
    assert content(put(account, made["CONTACT_ID"], TAGS=None))["TAGS"] == []
    for wrong in ({}, {"TAG_NAME": None}, {"TAG_NAME": ""}, {"TAG_NAME": "x" * 256}, "a"):
        assert put(account, made["CONTACT_ID"], TAGS=[wrong]).status_code == 400


def test_a_new_tag_is_listed_for_its_kind_of_record(account: Sandbox) -> None:
    def listed(kind: str) -> int:
        params = {"record_type": kind, "top": "500"}
        tags = send(account, "GET", "/Tags", params=params).json()
        return sum(tag == {"TAG_NAME": "Ünique"} for tag in tags)

    assert listed("leads") == 0
    for _ in range(2):
        post(account, "/Leads", TAGS=[{"TAG_NAME": "Ünique"}])
    assert (listed("leads"), listed("contacts")) == (1, 0)


@pytest.mark.parametrize(
    ("array", "key", "entry", "other"),
    [
        ("DATES", "DATE_ID", {"OCCASION_NAME": "A", "OCCASION_DATE": DAY}, {"OCCASION_NAME": "B"}),
        ("EMAILDOMAINS", "EMAIL_DOMAIN_ID", {"EMAIL_DOMAIN": "a.example"}, {"EMAIL_DOMAIN": "b.c"}),
    ],
)
def test_entries_that_are_sent_replace_those_that_are_there_and_get_ids(
    account: Sandbox, array: str, key: str, entry: dict[str, Any], other: dict[str, Any]
) -> None:
    made = post(account, "/Organisations", **{array: [entry, other]})
    one, two = made[array]
    assert one.items() >= entry.items()
    assert two.items() >= other.items()
    assert one[key] != two[key]
    record_id = made["ORGANISATION_ID"]
    # One that is sent with its id keeps it; another's id is not for a client to choose.
    body = {"ORGANISATION_ID": record_id, array: [two, {**entry, key: 1}, two]}
    changed = content(send(account, "PUT", "/Organisations", body))[array]
    assert changed[0] == two
    assert len({row[key] for row in changed} | {one[key], 1}) == 5
    # A known one of another record is no known one here.
    stranger = post(account, "/Organisations", **{array: [two]})[array]
    assert stranger[0][key] != two[key]


def test_an_entry_with_a_wrong_date_is_refused(account: Sandbox) -> None:
    answer = put(account, first(account, "/Contacts"), DATES=[{"OCCASION_DATE": "2026-02-28"}])
    assert answer.status_code == 400
    assert "OCCASION_DATE" in message(answer)


def test_links_in_a_record_are_ignored(account: Sandbox) -> None:
    assert post(account, "/Contacts", LINKS=[{"LINK_OBJECT_NAME": "Lead"}])["LINKS"] == []


def test_a_team_shows_those_who_are_in_it(sandbox: Sandbox) -> None:
    ana, bo, cem = (row["USER_ID"] for row in sandbox.records("/Users")[:3])

    def users(team: dict[str, Any]) -> list[int]:
        rows = [row for row in sandbox.records("/TeamMembers") if row["TEAM_ID"] == team["TEAM_ID"]]
        assert team["TEAMMEMBERS"] == rows
        return [row["MEMBER_USER_ID"] for row in rows]

    def read(team: dict[str, Any]) -> dict[str, Any]:
        return next(t for t in sandbox.records("/Teams") if t["TEAM_ID"] == team["TEAM_ID"])

    members = [{"MEMBER_USER_ID": user} for user in (ana, bo)]
    team = send(sandbox, "POST", "/Teams", {"TEAM_NAME": "A", "TEAMMEMBERS": members}).json()
    assert users(team) == [ana, bo]
    kept = team["TEAMMEMBERS"][1]
    body = {"TEAM_ID": team["TEAM_ID"], "TEAMMEMBERS": [{"MEMBER_USER_ID": u} for u in (cem, bo)]}
    team = send(sandbox, "PUT", "/Teams", body).json()
    assert users(team) == [bo, cem]
    assert team["TEAMMEMBERS"][0] == kept
    added = send(
        sandbox, "POST", "/TeamMembers", {"TEAM_ID": team["TEAM_ID"], "MEMBER_USER_ID": ana}
    ).json()
    assert users(read(team)) == [bo, cem, ana]
    send(sandbox, "DELETE", f"/TeamMembers/{added['PERMISSION_ID']}")
    assert users(read(team)) == [bo, cem]
    body = {"TEAM_ID": team["TEAM_ID"], "TEAMMEMBERS": None}
    assert users(send(sandbox, "PUT", "/Teams", body).json()) == []


# What follows from amounts


def test_the_totals_of_a_deal_follow_from_its_items(sandbox: Sandbox) -> None:
    deal = post(sandbox, "/Opportunities", BID_AMOUNT=Decimal("10.10"), BID_DURATION=3)
    assert str(deal["OPPORTUNITY_VALUE"]) == "30.30"
    url = f"/Opportunities/{deal['OPPORTUNITY_ID']}"

    def value() -> str:
        return str(content(send(sandbox, "GET", url))["OPPORTUNITY_VALUE"])

    body = {"UNIT_PRICE": Decimal("19.99"), "QUANTITY": 3, "DISCOUNT": 10}
    items = [content(send(sandbox, "POST", f"{url}/OpportunityLineItem", body))[0] for _ in "ab"]
    totals = [(str(item["SUBTOTAL"]), str(item["TOTAL_PRICE"])) for item in items]
    assert totals == [("59.97", "53.97")] * 2
    assert value() == "107.94"
    change = {"OPPORTUNITY_ITEM_ID": items[0]["OPPORTUNITY_ITEM_ID"], "DISCOUNT": None}
    changed = content(send(sandbox, "PUT", f"{url}/OpportunityLineItem", change))[0]
    assert str(changed["TOTAL_PRICE"]) == "59.97"
    assert value() == "113.94"
    for item in items:
        send(sandbox, "DELETE", f"{url}/OpportunityLineItem/{item['OPPORTUNITY_ITEM_ID']}")
    assert value() == "30.30"


def test_the_totals_of_a_quote_follow_from_its_items(sandbox: Sandbox) -> None:
    quote = post(sandbox, "/Quotation", SHIPPING_HANDLING=5, TAX=Decimal("1.25"))
    url = f"/Quotation/{quote['QUOTE_ID']}"
    body = {"UNIT_PRICE": Decimal("19.99"), "QUANTITY": 3, "DISCOUNT": 10}
    send(sandbox, "POST", f"{url}/QuotationLineItem", body)
    quote = content(send(sandbox, "GET", url))
    names = ("LINE_ITEM_COUNT", "SUBTOTAL", "DISCOUNT", "TOTAL_PRICE", "GRAND_TOTAL")
    assert [str(quote[name]) for name in names] == ["1", "59.97", "6.00", "53.97", "60.22"]


def test_the_largest_amounts_there_are_can_be_multiplied(sandbox: Sandbox) -> None:
    url = f"/Opportunities/{first(sandbox, '/Opportunities')}/OpportunityLineItem"
    largest = 9_223_372_036_854_775_807
    body = {"UNIT_PRICE": largest, "QUANTITY": largest, "DISCOUNT": -(10**17)}
    made = content(send(sandbox, "POST", url, body))[0]
    assert made["SUBTOTAL"] == largest**2
