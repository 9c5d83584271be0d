"""There are accounts to copy into: the same settings, other ids, and no records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tap_insightly.openapi import WRITE
from tests.conftest import new_sandbox
from tests.sandbox.test_cli import started
from tests.sandbox.written import minimal, path_of, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

# What an account has before anybody works with it, by the field that it is known by.
NAMES = {
    "/ActivitySets": "NAME",
    "/Countries": "COUNTRY_NAME",
    "/Currencies": "CURRENCY_CODE",
    "/CustomObjects": "OBJECT_NAME",
    "/FileCategories": "CATEGORY_NAME",
    "/ForumCategories": "CATEGORY_NAME",
    "/Instance": "INSTANCE_NAME",
    "/LeadSources": "LEAD_SOURCE",
    "/LeadStatuses": "LEAD_STATUS",
    "/OpportunityCategories": "CATEGORY_NAME",
    "/OpportunityStateReasons": "STATE_REASON",
    "/Permissions": "PERMISSIONS_STATE",
    "/PipelineStages": "STAGE_NAME",
    "/Pipelines": "PIPELINE_NAME",
    "/ProjectCategories": "CATEGORY_NAME",
    "/Relationships": "FORWARD",
    "/TaskCategories": "CATEGORY_NAME",
    "/TeamMembers": "MEMBER_USER_ID",
    "/Teams": "TEAM_NAME",
    "/Users": "EMAIL_ADDRESS",
}
IDS = {"/TeamMembers"}  # known by ids only
# In an order in which each has what it refers to.
CREATED = [
    "/Organisations",
    "/Contacts",
    "/Leads",
    "/Opportunities",
    "/Product",
    "/Pricebook",
    "/Quotation",
    "/Projects",
    "/Prospect",
    "/Ticket",
    "/KnowledgeArticleCategory",
    "/KnowledgeArticleFolder",
    "/KnowledgeArticle",
    "/CommunityForums",
    "/CommunityPosts",
    "/CommunityComments",
    "/Tasks",
    "/Events",
    "/{OBJECT_NAME}",
]


@pytest.fixture(scope="module")
def empty() -> Iterator[Sandbox]:
    with new_sandbox(is_empty=True).serve() as sandbox:
        yield sandbox


def test_an_empty_account_has_the_settings_by_name(shared_sandbox: Sandbox, empty: Sandbox) -> None:
    assert empty.paths == shared_sandbox.paths
    for path in empty.paths:
        if path not in NAMES:
            assert empty.count(path) == 0, path
            continue
        assert empty.count(path) == shared_sandbox.count(path) > 0
        if path not in IDS:
            one, other = (
                [row[NAMES[path]] for row in sandbox.records(path)]
                for sandbox in (shared_sandbox, empty)
            )
            assert one == other
    for path in shared_sandbox.custom_fields:
        own = empty.custom_fields[path].definitions
        assert own == shared_sandbox.custom_fields[path].definitions


def test_the_settings_of_an_empty_account_belong_together(
    shared_sandbox: Sandbox, empty: Sandbox
) -> None:
    def named(sandbox: Sandbox) -> list[tuple[str, str, str | None]]:
        pipelines = {row["PIPELINE_ID"]: row for row in sandbox.records("/Pipelines")}
        users = {row["USER_ID"]: row for row in sandbox.records("/Users")}
        sets = {row["ACTIVITYSET_ID"]: row["NAME"] for row in sandbox.records("/ActivitySets")}
        return [
            (
                pipelines[stage["PIPELINE_ID"]]["PIPELINE_NAME"],
                users[stage["OWNER_USER_ID"]]["EMAIL_ADDRESS"],
                sets.get(stage["ACTIVITYSET_ID"]),
            )
            for stage in sandbox.records("/PipelineStages")
        ]

    assert named(empty) == named(shared_sandbox)


def test_no_id_of_one_leads_anywhere_in_the_other(shared_sandbox: Sandbox, empty: Sandbox) -> None:
    for path, table in empty.tables.items():
        if table.has_id:
            key = table.keys[0]
            ids = {row[key] for row in empty.records(path)}
            assert not ids & {row[key] for row in shared_sandbox.records(path)}


def test_new_records_of_both_accounts_have_other_ids(sandbox: Sandbox, empty: Sandbox) -> None:
    for path in CREATED:
        table = empty.tables[path_of(path)]
        assert table.next_id() > max(row[table.keys[0]] for row in sandbox.records(path_of(path)))
    dates = {"FIRST_NAME": "A", "DATES": [{"OCCASION_NAME": "A"}]}
    one, other = (
        send(account, "POST", "/Contacts", dates).json()["DATES"][0]["DATE_ID"]
        for account in (sandbox, empty)
    )
    assert one != other


def test_the_ids_can_begin_elsewhere() -> None:
    one = new_sandbox(is_empty=True, first_id=5_000_000)
    assert one.create("/Contacts")["CONTACT_ID"] == 5_000_000
    assert new_sandbox(first_id=5_000_000).records("/Contacts")[0]["CONTACT_ID"] == 5_000_000


def test_all_that_can_be_made_can_be_made_in_an_empty_account() -> None:
    with new_sandbox(is_empty=True).serve() as account:
        for template in CREATED:
            body = minimal(account, template)
            answer = send(account, "POST", path_of(template), body)
            assert answer.status_code == 201, answer.text
        made = {path_of(template) for template in CREATED}
        possible = {p for p, methods in WRITE["paths"].items() if "post" in methods}
        possible = {path_of(path) for path in possible if "/{id}" not in path}
        assert possible - made <= set(NAMES)
        assert all(account.count(path) == 1 for path in made)


def test_the_same_arguments_give_the_same_empty_account() -> None:
    one, other = (new_sandbox(is_empty=True) for _ in range(2))
    assert {path: one.records(path) for path in one.paths} == {
        path: other.records(path) for path in other.paths
    }


def test_an_empty_account_is_an_option_of_the_command() -> None:
    with started("--empty") as (_, said):
        url = said[0].split()[3].rstrip(":")
        auth = ("sandbox-api-key", "")
        assert requests.get(f"{url}/Contacts", auth=auth, timeout=60).json() == []
        assert len(requests.get(f"{url}/Users", auth=auth, timeout=60).json()) > 1
