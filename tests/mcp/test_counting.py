"""Numbers: exact, or said to be not."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.mcp.limits import Limits
from tests.mcp.calling import Assistant

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


def groups(answer: dict[str, Any], what: str = "count") -> dict[Any, Any]:
    return {one["value"]: one[what] for one in answer["groups"]}


def test_a_count_takes_one_request_however_many_there_are(wide: Sandbox) -> None:
    answer = Assistant(wide).call("count", object="contacts")
    assert answer == {"object": "Contact", "count": 1300, "is_complete": True, "requests": 1}


def test_deals_are_counted_and_added_up_by_stage(
    reader: Assistant, shared_sandbox: Sandbox
) -> None:
    rows = shared_sandbox.records("/Opportunities")
    answer = reader.call(
        "count", object="opportunity", group_by="stage_id", sum="OPPORTUNITY_VALUE"
    )
    assert answer["count"] == len(rows)
    assert answer["is_complete"]
    assert groups(answer) == Counter(str(row["STAGE_ID"]) for row in rows)
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row["OPPORTUNITY_VALUE"] is not None:
            value = Decimal(str(row["OPPORTUNITY_VALUE"]))
            sums[row["BID_CURRENCY"]] = sums.get(row["BID_CURRENCY"], Decimal(0)) + value
    assert {name: Decimal(str(one)) for name, one in answer["sum"].items()} == sums
    assert "by currency" in answer["note"]
    stages = {
        one["STAGE_ID"]: one["STAGE_NAME"] for one in shared_sandbox.records("/PipelineStages")
    }
    assert {one["value"]: one["name"] for one in answer["groups"]} == {
        str(number): stages[number] for number in {row["STAGE_ID"] for row in rows}
    }


def test_what_is_counted_by_other_ways_is_the_same(wide: Sandbox) -> None:
    assistant = Assistant(wide)
    rows = wide.records("/Contacts")
    by_year = Counter(str(row["DATE_CREATED_UTC"])[:4] for row in rows)
    answer = assistant.call("count", object="contact", group_by="date_created_utc", period="year")
    assert groups(answer) == by_year
    by = {"group_by": "DATE_CREATED_UTC", "period": "quarter"}
    quarters = assistant.call("count", object="contact", **by)
    assert sum(groups(quarters).values()) == 1300
    name = rows[0]["LAST_NAME"]
    expected = sum(row["LAST_NAME"] == name for row in rows)
    assert assistant.call("count", object="contact", where={"LAST_NAME": name})["count"] == expected
    part = assistant.call("count", object="contact", contains={"LAST_NAME": name[:3]})
    assert part["count"] == sum(name[:3].casefold() in r["LAST_NAME"].casefold() for r in rows)
    empty = assistant.call("count", object="contact", group_by="Hobby__c")
    assert sum(groups(empty).values()) + empty.get("other_groups", {}).get("count", 0) == 1300


def test_what_costs_too_much_is_not_counted_in_part(wide: Sandbox) -> None:
    assistant = Assistant(wide, limits=Limits(requests=2))
    text = assistant.refused("count", object="contact", group_by="TITLE")
    assert "takes 3 requests" in text
    assert "Nothing was counted" in text


def test_options_are_counted_by_a_search_each_where_reading_costs_too_much(wide: Sandbox) -> None:
    search = {"object": "contact", "group_by": "rating"}
    options = Assistant(wide).client.fields("contact").find("rating").options  # type: ignore[union-attr]  # it is there
    assert len(options) == 3
    exact = Assistant(wide).call("count", **search)
    few = Assistant(wide, limits=Limits(requests=4))
    wide.faults.totals = {"/Contacts": 13_000}  # which is too much to be read
    try:
        few.client.fields("contact")
        wide.faults.totals["/Contacts/Search"] = lambda right: right
        answer = few.call("count", **search)
    finally:
        wide.faults.totals = {}
    assert "search of its own" in answer["note"]
    assert groups(answer) == {one: n for one, n in groups(exact).items() if one is not None}
    assert answer["none_or_other"] == 13_000 - sum(groups(answer).values())


@pytest.mark.parametrize("requests", [1, 3, 20])
def test_without_a_total_it_is_said_whether_all_was_read(wide: Sandbox, requests: int) -> None:
    assistant = Assistant(wide, limits=Limits(requests=requests))
    wide.faults.totals = {"*": None}
    try:
        if requests == 1:
            assert "--call-requests" in assistant.refused("count", object="contact")
            return
        answer = assistant.call("count", object="contact")
    finally:
        wide.faults.totals = {}
    assert answer["is_complete"] is (requests == 20)
    assert answer["count"] == (1300 if requests == 20 else 1000)
    assert ("There may be more" in answer.get("note", "")) is (requests == 3)


def test_a_list_that_is_cut_off_is_not_said_to_be_complete(sandbox: Sandbox) -> None:
    sandbox.faults.readable_up_to = {"/Contacts": 20}
    answer = Assistant(sandbox).call("count", object="contact", group_by="TITLE")
    assert not answer["is_complete"]
    assert "20 of 60" in answer["note"]


def test_a_search_that_finds_what_was_not_asked_for_is_not_believed(sandbox: Sandbox) -> None:
    sandbox.faults.search_ignores_field = True
    rows = sandbox.records("/Contacts")
    name = rows[-1]["LAST_NAME"]
    assert rows[0]["LAST_NAME"] != name
    answer = Assistant(sandbox).call("count", object="contact", where={"LAST_NAME": name})
    assert answer["count"] == sum(row["LAST_NAME"] == name for row in rows)


def test_empty_values_are_counted(reader: Assistant, shared_sandbox: Sandbox) -> None:
    rows = shared_sandbox.records("/Contacts")
    answer = reader.call("count", object="contact", where={"ORGANISATION_ID": ""})
    assert answer["count"] == sum(row["ORGANISATION_ID"] in (None, 0) for row in rows)
    assert 0 < answer["count"] < 60
    assert "is a list" in reader.refused("count", object="contact", group_by="TAGS")
