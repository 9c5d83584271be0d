"""The children that the sandbox makes up: odd where the API's are, and of one piece."""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tap_insightly.openapi import READ
from tap_insightly.sandbox import Sandbox
from tests.sandbox.test_children import COMPONENTS, CREATED, KEYS, KINDS, UPDATED, rows
from tests.sandbox.test_data import assert_same_in_any_process


@pytest.fixture(scope="module")
def account() -> Sandbox:
    return Sandbox(400)


def test_children_are_as_the_openapi_document_says(account: Sandbox) -> None:
    components = msgspec.json.decode(msgspec.json.encode(READ["components"]))
    # The longest text that a write may send is no promise about what is stored.
    components["schemas"]["Comment"]["properties"]["BODY"].pop("maxLength")
    for path, name, _, row in rows(account):
        schema = {"$ref": f"#/components/schemas/{COMPONENTS[path, name]}"}
        validator = Draft202012Validator({**schema, "components": components})
        assert [error.message for error in validator.iter_errors(row)] == [], path
        known = components["schemas"][COMPONENTS[path, name]]["properties"]
        assert set(row) == set(known), path


def test_even_a_tiny_account_has_some_of_everything() -> None:
    tiny = Sandbox(1)
    assert all(tiny.children(path, name) for path, name in KINDS)


def test_the_same_seed_gives_the_same_children_in_any_process() -> None:
    assert_same_in_any_process(
        "import hashlib; from tests.sandbox.test_children_data import *;"
        "print(hashlib.sha256(repr(list(rows(Sandbox(50, seed=3)))).encode()).hexdigest())"
    )
    assert list(rows(Sandbox(50, seed=3))) != list(rows(Sandbox(50, seed=4)))


def test_whatever_a_child_refers_to_exists(account: Sandbox) -> None:
    targets = {
        "OWNER_USER_ID": "/Users",
        "CREATED_USER_ID": "/Users",
        "AUTHOR_CONTACT_ID": "/Contacts",
        "FILE_CATEGORY_ID": "/FileCategories",
        "STATE_REASON_ID": "/OpportunityStateReasons",
    }
    ids = {
        path: {row[account.tables[path].keys[0]] for row in account.records(path)}
        for path in {*targets.values(), *(path for path, _ in KINDS)}
    }
    checked = set()
    for path, _, parent_id, row in rows(account):
        assert parent_id in ids[path]
        for field, target in targets.items():
            if row.get(field) is not None:
                assert row[field] in ids[target], f"{path}.{field}"
                checked.add(field)
        if (parent_key := account.tables[path].keys[0]) in row:
            assert int(row[parent_key]) == parent_id
    assert checked == set(targets)


def test_a_childs_id_is_its_own_whatever_it_is_below(account: Sandbox) -> None:
    for component, key in KEYS.items():
        made = sorted(
            (row[key], row[CREATED])
            for path, name, _, row in rows(account)
            if COMPONENTS[path, name] == component
        )
        assert len({one for one, _ in made}) == len(made) > 20
        dates = [date for _, date in made]
        assert dates == sorted(dates), "ids ascend with the dates"


def test_children_are_made_after_their_parents(account: Sandbox) -> None:
    for path, _, parent_id, row in rows(account):
        parent = account.tables[path].find(parent_id)
        assert parent is not None
        for field in set(row) & {CREATED, UPDATED, "DATE_CHANGED_UTC"}:
            assert parent[CREATED] <= row[field] <= "2026-06-30 18:00:00", path


def test_a_history_leads_from_open_to_the_state_of_the_deal(account: Sandbox) -> None:
    reasons = {
        row["STATE_REASON_ID"]: (row["FOR_OPPORTUNITY_STATE"], row["STATE_REASON"])
        for row in account.records("/OpportunityStateReasons")
    }
    histories = account.children("/Opportunities", "StateHistory")
    deals = account.records("/Opportunities")
    assert list(histories) == [deal["OPPORTUNITY_ID"] for deal in deals]
    for deal in deals:
        history = histories[deal["OPPORTUNITY_ID"]]
        dates = [entry["DATE_CHANGED_UTC"] for entry in history]
        assert history[0]["FOR_OPPORTUNITY_STATE"] == "OPEN"
        assert history[-1]["FOR_OPPORTUNITY_STATE"] == deal["OPPORTUNITY_STATE"]
        assert [deal[CREATED], *dates, deal[UPDATED]] == sorted(
            [deal[CREATED], *dates, deal[UPDATED]]
        )
        if closed := deal["ACTUAL_CLOSE_DATE"]:
            assert dates[-1][:10] == closed[:10]
        for entry in history:
            state, reason = entry["FOR_OPPORTUNITY_STATE"], entry["STATE_REASON"]
            if state == "OPEN":
                assert entry["STATE_REASON_ID"] is reason is None
            else:
                assert reasons[entry["STATE_REASON_ID"]] == (state, reason)


def test_histories_are_as_odd_as_those_of_an_api_without_ids(account: Sandbox) -> None:
    same, same_second, reopened = 0, 0, 0
    for history in account.children("/Opportunities", "StateHistory").values():
        pairs = list(pairwise(history))
        same += any(one == other for one, other in pairs)
        same_second += any(
            one != other and one["DATE_CHANGED_UTC"] == other["DATE_CHANGED_UTC"]
            for one, other in pairs
        )
        reopened += any(
            one["FOR_OPPORTUNITY_STATE"] != "OPEN" == other["FOR_OPPORTUNITY_STATE"]
            for one, other in pairs
        )
    assert min(same, same_second, reopened) > 0
    assert reopened > 10


def test_about_half_the_tickets_have_comments_some_of_the_customer(account: Sandbox) -> None:
    tickets = {row["TICKET_ID"]: row for row in account.records("/Ticket")}
    comments = account.children("/Ticket", "Comments")
    assert 0.3 < len(comments) / len(tickets) < 0.7
    assert {len(own) for own in comments.values()} == {1, 2, 3, 4}
    by_customer = 0
    for ticket_id, own in comments.items():
        for row in own:
            assert (row["AUTHOR_CONTACT_ID"] is None) != (row["CREATED_USER_ID"] is None)
            assert row["AUTHOR_CONTACT_ID"] in {None, tickets[ticket_id]["CONTACT_ID"]}
            assert row["PUBLIC_COMMENT"] or row["AUTHOR_CONTACT_ID"] is None
            assert row["BODY_HTML"].startswith("<")
            by_customer += row["AUTHOR_CONTACT_ID"] is not None
    assert 0 < by_customer < sum(map(len, comments.values()))


def test_texts_are_long_and_of_many_scripts(account: Sandbox) -> None:
    bodies = [row["BODY"] for *_, row in rows(account) if "BODY" in row]
    assert max(map(len, bodies)) > 10_000
    names = [row["FILE_NAME"] for *_, row in rows(account) if "FILE_NAME" in row]
    for texts in (bodies, names):
        everything = "".join(texts)
        for script in (
            "[äöüß]",
            "[éèà]",
            "[ąęłńśż]",
            "[一-鿿]",
            "[ء-ي]",
            "[\U0001f300-\U0001faff]",
        ):
            assert re.search(script, everything), script


def test_most_quotes_have_documents_whose_files_are_with_the_deal(account: Sandbox) -> None:
    quotes = {row["QUOTE_ID"]: row for row in account.records("/Quotation")}
    documents = account.children("/Quotation", "QuotationDocument")
    files = account.children("/Opportunities", "FileAttachments")
    assert len(documents) > len(quotes) / 2
    for quote_id, own in documents.items():
        quote = quotes[quote_id]
        for row in own:
            assert row["QUOTATION_NAME"] == quote["QUOTATION_NAME"]
            assert row["CURRENCY_CODE"] == quote["QUOTATION_CURRENCY_CODE"]
            (file,) = (
                one
                for one in files[quote["OPPORTUNITY_ID"]]
                if str(one["FILE_ID"]) == row["FILE_ID"]
            )
            assert file["FILE_NAME"] == row["FILE_NAME"]


def test_prospects_are_on_up_to_three_lists(account: Sandbox) -> None:
    memberships = account.children("/Prospect", "StaticListMembership")
    assert {len(own) for own in memberships.values()} == {1, 2, 3}
    assert len(memberships) < account.count("/Prospect")
    for own in memberships.values():
        assert len({row["LIST_ID"] for row in own}) == len(own)
