"""Stages, states and tags are set by names or ids, and wrong ones are told before anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tap_insightly.api import (
    InsightlyClient,
    InvalidFieldsError,
    NotAvailableError,
    UnsupportedOperationError,
)
from tests.api.conftest import asked
from tests.api.deals import deal, pipeline, stage

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE")


def stored(sandbox: Sandbox, key: int) -> dict[str, Any]:
    """An opportunity as the sandbox has it."""
    record = sandbox.tables["/Opportunities"].find(key)
    assert record
    return dict(record)


@pytest.mark.parametrize("given", ["Negotiation", " negotiation ", "id"])
def test_a_stage_is_set_in_the_pipeline_of_the_record(
    client: InsightlyClient, sandbox: Sandbox, given: str
) -> None:
    key = deal(sandbox, "Partner sales", "Offer sent")
    wanted = stage(sandbox, "Partner sales", "Negotiation")
    answer = client.set_stage("opportunity", key, wanted if given == "id" else given)
    assert answer["STAGE_ID"] == stored(sandbox, key)["STAGE_ID"] == wanted
    assert asked(sandbox, *WRITES) == [f"PUT /Opportunities/{key}/PipelineStage"]


@pytest.mark.parametrize("given", ["partner sales", "id"])
def test_a_stage_of_another_pipeline_is_set_with_it(
    client: InsightlyClient, sandbox: Sandbox, given: str
) -> None:
    key, into = deal(sandbox, "Sales"), pipeline(sandbox, "Partner sales")
    answer = client.set_stage("opportunity", key, "Negotiation", into if given == "id" else given)
    record = stored(sandbox, key)
    assert answer["PIPELINE_ID"] == record["PIPELINE_ID"] == into
    assert record["STAGE_ID"] == stage(sandbox, "Partner sales", "Negotiation")


def test_a_record_in_no_pipeline_goes_into_that_of_the_stage(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    key = deal(sandbox, None)
    client.set_stage("opportunity", key, "Qualified")
    record = stored(sandbox, key)
    assert record["PIPELINE_ID"] == pipeline(sandbox, "Sales")
    assert record["STAGE_ID"] == stage(sandbox, "Sales", "Qualified")


@pytest.mark.parametrize(
    ("name", "into", "said"),
    [
        ("Negotiat", None, r"^Opportunity: There is no stage 'Negotiat'\. Did you mean 'Nego"),
        ("Qualified", None, r"another pipeline than the record\. pipeline='Sales' moves it there"),
        ("Negotiation", "Salez", r"There is no pipeline 'Salez'\. Did you mean 'Sales'"),
        ("Negotiation", "Delivery", "There is no pipeline 'Delivery'"),  # of projects
    ],
)
def test_a_wrong_stage_or_pipeline_is_told_and_nothing_is_written(
    client: InsightlyClient, sandbox: Sandbox, name: str, into: str | None, said: str
) -> None:
    key = deal(sandbox, "Partner sales", "Offer sent")
    with pytest.raises(InvalidFieldsError, match=said):
        client.set_stage("opportunity", key, name, into)
    assert not asked(sandbox, *WRITES)


def test_of_several_stages_of_one_name_the_ids_are_told(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    ids = [stage(sandbox, one, "Negotiation") for one in ("Sales", "Partner sales")]
    with pytest.raises(InvalidFieldsError, match=f"give the id, {ids[0]} or {ids[1]}"):
        client.set_stage("opportunity", deal(sandbox, None), "Negotiation")
    assert not asked(sandbox, *WRITES)


@pytest.mark.parametrize("reason", [None, "quality", "id"])
def test_a_state_is_set_with_a_reason_of_the_account(
    client: InsightlyClient, sandbox: Sandbox, reason: str | None
) -> None:
    key = deal(sandbox, "Sales")
    rows = sandbox.records("/OpportunityStateReasons")
    (own,) = [one["STATE_REASON_ID"] for one in rows if one["STATE_REASON"] == "Quality"]
    answer = client.set_state("opportunity", key, "won", own if reason == "id" else reason)
    assert answer["STATE_REASON_ID"] == (own if reason else None)
    assert stored(sandbox, key)["OPPORTUNITY_STATE"] == "WON"


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("wonn", None, "There is no state 'WONN'. The states are OPEN, WON"),
        ("lost", "to late", "There is no reason for LOST 'to late'. Did you mean 'Too late'"),
        ("won", "Too late", "There is no reason for WON 'Too late'"),
    ],
)
def test_a_wrong_state_or_reason_is_told_and_nothing_is_written(
    client: InsightlyClient, sandbox: Sandbox, state: str, reason: str | None, said: str
) -> None:
    key = deal(sandbox, "Sales")
    with pytest.raises(InvalidFieldsError) as caught:
        client.set_state("opportunity", key, state, reason)
    assert said in str(caught.value)
    assert not asked(sandbox, *WRITES)


def test_a_tag_is_added_once_and_removed(client: InsightlyClient, sandbox: Sandbox) -> None:
    key = deal(sandbox, "Sales")
    assert client.add_tag("opportunity", key, "vip") == {"TAG_NAME": "vip"}
    assert client.add_tag("opportunity", key, "vip") is None
    assert stored(sandbox, key)["TAGS"] == [{"TAG_NAME": "vip"}]
    client.remove_tag("opportunity", key, "vip")
    assert stored(sandbox, key)["TAGS"] == []
    with pytest.raises(NotAvailableError):
        client.remove_tag("opportunity", key, "vip")
    path = f"/Opportunities/{key}/Tags"
    assert asked(sandbox, *WRITES) == [f"POST {path}", f"DELETE {path}", f"DELETE {path}"]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("stage", ("contact", 1, "x")),
        ("state", ("project", 1, "won")),
        ("add_tag", ("task", 1, "x")),
        ("remove_tag", ("event", 1, "x")),
        ("unlink", ("lead", 1, 1)),
    ],
)
def test_what_such_records_do_not_have_is_told_with_those_that_have_it(
    client: InsightlyClient, sandbox: Sandbox, name: str, args: tuple[Any, ...]
) -> None:
    setter = {"stage": "set_stage", "state": "set_state"}.get(name, name)
    for method in (setter, f"build_{name}_request"):
        with pytest.raises(UnsupportedOperationError, match=r"It has them of \w+"):
            getattr(client, method)(*args)
    assert not asked(sandbox)


def test_a_request_is_what_would_be_sent(client: InsightlyClient, sandbox: Sandbox) -> None:
    key = deal(sandbox, "Sales")
    client.add_tag("opportunity", key, "old")
    sandbox.requests.clear()
    pairs: list[tuple[str, str, tuple[Any, ...]]] = [
        ("build_stage_request", "set_stage", ("Negotiation",)),
        ("build_stage_request", "set_stage", ("Offer sent", "Partner sales")),
        ("build_state_request", "set_state", ("lost", "Too late")),
        ("build_add_tag_request", "add_tag", ("new",)),
        ("build_remove_tag_request", "remove_tag", ("old",)),
    ]
    for build, act, args in pairs:
        before = len(asked(sandbox, *WRITES))
        request = getattr(client, build)("opportunity", key, *args)
        assert len(asked(sandbox, *WRITES)) == before, "nothing is sent"
        getattr(client, act)("opportunity", key, *args)
        sent = sandbox.requests[-1]
        assert (sent.method, sent.path.removeprefix("/v3.1")) == (request.method, request.path)
        assert msgspec.json.decode(sent.body) == msgspec.json.decode(request.body)
