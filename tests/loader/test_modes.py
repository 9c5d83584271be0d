"""What may be done with the records of a stream: update, insert, mirror; stages, notes, reports."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.loader.errors import RejectedError
from tap_insightly.sandbox import Faults
from tests.loader.feeding import Feed, feed_here, state, stream_of

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

BY_MAIL = {"match_on": {"Contact": "EMAIL_ADDRESS"}}
OURS = {"LAST_NAME": "ours"}


def add(sandbox: Sandbox, mail: str, **fields: Any) -> int:
    old = {"DATE_CREATED_UTC": "2026-01-01 00:00:00"}
    values = {"FIRST_NAME": "Ann", **OURS, "EMAIL_ADDRESS": mail, **old, **fields}
    return int(sandbox.create("/Contacts", **values)["CONTACT_ID"])


def rows(*names: str) -> list[dict[str, Any]]:
    return [{"FIRST_NAME": "Anna", **OURS, "EMAIL_ADDRESS": name} for name in names]


def writes(sandbox: Sandbox) -> list[str]:
    return [
        f"{one.method} {one.path.removeprefix('/v3.1')}"
        for one in sandbox.requests
        if one.method != "GET"
    ]


@pytest.mark.parametrize(
    ("mode", "said", "names"),
    [
        ("upsert", "1 created, 1 updated, 0 unchanged", {"a": "Anna", "b": "Anna"}),
        (
            "update",
            "0 created, 1 updated, 0 unchanged, 0 deleted, 0 rejected, 1",
            {"a": "Anna"},
        ),
        ("insert", "1 created, 0 updated, 1 unchanged", {"a": "Ann", "b": "Anna"}),
    ],
)
@pytest.mark.parametrize("form", ["word", "stream", "object"])
def test_a_mode_says_what_may_be_done(
    feed: Feed, sandbox: Sandbox, mode: str, said: str, names: dict[str, str], form: str
) -> None:
    add(sandbox, "a")
    value = {"word": mode, "stream": {"contacts": mode}, "object": {"Contact": mode}}[form]
    fed = feed.well([*stream_of("contacts", rows("a", "b")), state(1)], **BY_MAIL, mode=value)
    assert f"contacts: {said}" in fed.stderr
    found = {r["EMAIL_ADDRESS"]: r["FIRST_NAME"] for r in sandbox.records("/Contacts")}
    assert {key: found[key] for key in found if key in {"a", "b"}} == names
    assert fed.states == [1]


def test_update_refuses_what_says_not_which_record_it_is(sandbox: Sandbox) -> None:
    with pytest.raises(RejectedError, match="does not say which record it is"):
        feed_here(sandbox, stream_of("contacts", [{"FIRST_NAME": "Ann"}]), mode="update")
    assert not writes(sandbox)


def test_insert_deletes_nothing(sandbox: Sandbox) -> None:
    number = add(sandbox, "a")
    gone = [{"CONTACT_ID": number, "_sdc_deleted_at": "2026-01-31"}]
    feed_here(sandbox, stream_of("contacts", gone), mode="insert", allow_delete=True)
    assert not writes(sandbox)


@pytest.mark.parametrize("name", ["field_map", "match_on", "mode", "mirror_filter", "mirror_field"])
def test_what_is_said_of_nothing_that_there_is_is_refused(
    feed: Feed, sandbox: Sandbox, name: str
) -> None:
    value: dict[str, Any] = {
        "field_map": {"contcts": {"score": "Score__c"}},
        "match_on": {"contcts": "EMAIL_ADDRESS"},
        "mode": {"contcts": "update"},
        "mirror_filter": {"contcts": {"LAST_NAME": "x"}},
        "mirror_field": {"contcts": {"LAST_NAME": "x"}},
    }
    fed = feed(stream_of("contacts", rows("a")), **{name: value[name]})
    assert fed.code == 2
    assert f"'{name}'" in fed.problems[-1]
    assert "'contcts'" in fed.problems[-1]
    assert "Traceback" not in fed.stderr
    assert not writes(sandbox)


def test_what_is_said_of_a_stream_that_did_not_come_is_warned_of(feed: Feed) -> None:
    fed = feed.well(stream_of("contacts", rows("a")), field_map={"leads": {"score": "Score__c"}})
    assert "Setting 'field_map' is about 'leads', of which no stream came." in fed.stderr


@pytest.fixture
def deal(sandbox: Sandbox) -> dict[str, Any]:
    """An opportunity in a pipeline, with the stages that there are."""
    found = next(row for row in sandbox.records("/Opportunities") if row["STAGE_ID"])
    stages = sandbox.records("/PipelineStages")
    mine = [one["STAGE_ID"] for one in stages if one["PIPELINE_ID"] == found["PIPELINE_ID"]]
    other = next(one for one in stages if one["PIPELINE_ID"] != found["PIPELINE_ID"])
    after = next(one for one in mine if one != found["STAGE_ID"])
    return {"row": found, "after": after, "other": other}


def opportunity(sandbox: Sandbox, number: int) -> dict[str, Any]:
    found = sandbox.tables["/Opportunities"].find(number)
    assert found
    return found


def test_a_stage_in_a_stream_moves_the_record(sandbox: Sandbox, deal: dict[str, Any]) -> None:
    number, after, other = deal["row"]["OPPORTUNITY_ID"], deal["after"], deal["other"]
    for stage, path in ((after, "PipelineStage"), (other["STAGE_ID"], "Pipeline")):
        sandbox.requests.clear()
        one = {"opportunity_id": number, "stage_id": stage}
        feed_here(sandbox, stream_of("opportunities", [one]))
        assert writes(sandbox) == [f"PUT /Opportunities/{number}/{path}"]
        assert opportunity(sandbox, number)["STAGE_ID"] == stage
        feed_here(sandbox, stream_of("opportunities", [one]))
        assert len(writes(sandbox)) == 1
    both = {"PIPELINE_ID": deal["row"]["PIPELINE_ID"], "STAGE_ID": after}
    feed_here(sandbox, stream_of("opportunities", [{"OPPORTUNITY_ID": number, **both}]))
    assert {name: opportunity(sandbox, number)[name] for name in both} == both
    out = {"OPPORTUNITY_ID": number, "PIPELINE_ID": None, "STAGE_ID": None}
    feed_here(sandbox, stream_of("opportunities", [out]))
    assert opportunity(sandbox, number)["PIPELINE_ID"] is None


def test_a_stage_that_is_not_said_is_left(sandbox: Sandbox, deal: dict[str, Any]) -> None:
    one = {"OPPORTUNITY_ID": deal["row"]["OPPORTUNITY_ID"], "STAGE_ID": None}
    feed_here(sandbox, stream_of("opportunities", [one]))
    assert not writes(sandbox)


def test_a_new_record_comes_into_its_stage(sandbox: Sandbox, deal: dict[str, Any]) -> None:
    one = {"OPPORTUNITY_NAME": "new", "STAGE_ID": deal["after"]}
    feed_here(sandbox, stream_of("opportunities", [one]))
    (made,) = (r for r in sandbox.records("/Opportunities") if r["OPPORTUNITY_NAME"] == "new")
    assert made["STAGE_ID"] == deal["after"]
    assert made["PIPELINE_ID"] == deal["row"]["PIPELINE_ID"]


@pytest.mark.parametrize("stage", [5, "won", "7.5"])
def test_a_stage_that_there_is_not_is_refused_and_nothing_is_made(
    sandbox: Sandbox, stage: Any
) -> None:
    one = {"OPPORTUNITY_NAME": "new", "STAGE_ID": stage}
    with pytest.raises(RejectedError, match="STAGE_ID"):
        feed_here(sandbox, stream_of("opportunities", [one]))
    assert not writes(sandbox)


@pytest.mark.parametrize("stream", ["leads", "projects"])
def test_leads_and_projects_are_moved_too(sandbox: Sandbox, stream: str) -> None:
    path = "/Leads" if stream == "leads" else "/Projects"
    key = "LEAD_ID" if stream == "leads" else "PROJECT_ID"
    row = next(r for r in sandbox.records(path) if stream == "leads" or r["PIPELINE_ID"])
    stages = sandbox.records("/PipelineStages")
    there = row.get("PIPELINE_ID")
    after = next(s["STAGE_ID"] for s in stages if there in {None, s["PIPELINE_ID"]})
    one = {key: row[key], "stage_id": after}
    feed_here(sandbox, stream_of(stream, [one]))
    moved = [f"PUT {path}/{row[key]}/PipelineStage"]
    assert writes(sandbox) == (moved if row.get("STAGE_ID") != after else [])


@pytest.mark.parametrize(
    "parent",
    [
        {"parent_type": "contact", "parent_id": "{id}"},
        {"PARENT_TYPE": "Contacts", "PARENT_ID": "{id}"},
        {"LINKS": [{"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": "{id}"}]},
    ],
    ids=["words", "capitals", "links"],
)
def test_notes_are_made_below_what_they_are_about(sandbox: Sandbox, parent: dict[str, Any]) -> None:
    number = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    given = json.loads(json.dumps(parent).replace('"{id}"', str(number)))
    feed_here(sandbox, stream_of("notes", [{"TITLE": "Call", **given}]))
    assert writes(sandbox) == [f"POST /Contacts/{number}/Notes"]
    (note,) = (one for one in sandbox.records("/Notes") if one["TITLE"] == "Call")
    # Once it is made, what it is about is no matter.
    again = {"NOTE_ID": note["NOTE_ID"], "TITLE": "Called", **given}
    feed_here(sandbox, stream_of("notes", [again]))
    assert writes(sandbox)[1:] == ["PUT /Notes"]


@pytest.mark.parametrize(
    ("parent", "said"),
    [
        ({}, "needs PARENT_TYPE"),
        ({"parent_type": "contact"}, "needs PARENT_TYPE"),
        ({"parent_id": 5}, "needs PARENT_TYPE"),
        ({"parent_type": "contcat", "parent_id": 5}, "Did you mean 'Contact'"),
        ({"parent_type": "task", "parent_id": 5}, "accepted is Contact, Organisation"),
        ({"parent_type": "contact", "parent_id": "x"}, "PARENT_ID"),
        ({"parent_type": "contact", "parent_id": 5}, r"\(404\)"),
    ],
)
def test_a_note_about_nothing_is_refused(
    sandbox: Sandbox, parent: dict[str, Any], said: str
) -> None:
    with pytest.raises(RejectedError, match=said):
        feed_here(sandbox, stream_of("notes", [{"TITLE": "Call", **parent}]))
    assert not any(one["TITLE"] == "Call" for one in sandbox.records("/Notes"))


def test_a_report_says_what_was_done_by_stream(feed: Feed, sandbox: Sandbox) -> None:
    add(sandbox, "a")
    add(sandbox, "b", FIRST_NAME="Anna")
    path = feed.folder / "report.json"
    gone = {"EMAIL_ADDRESS": "b", "_sdc_deleted_at": "2026-01-31"}
    given = [*rows("a", "b", "x"), {"EMAIL_ADDRESS": ""}, gone]
    settings = {**BY_MAIL, "on_error": "skip", "max_rejects": 1, "report_file": str(path)}
    feed.well([*stream_of("contacts", given), state(1)], **settings)
    wanted = {"created": 1, "updated": 1, "unchanged": 1, "deleted": 0, "rejected": 1}
    report = json.loads(path.read_text())
    counts = report["streams"]["contacts"]
    assert counts.pop("requests") == 5
    assert counts == {**wanted, "ignored": 1, "absent": 0}
    assert report["is_finished"] is True
    sandbox.faults = Faults(user_denied=True)
    assert feed(stream_of("contacts", given), **settings).code == 77
    assert json.loads(path.read_text())["is_finished"] is False


def test_what_is_replaced_is_written_down_before_it_is(
    sandbox: Sandbox, tmp_path: Any, deal: dict[str, Any]
) -> None:
    path = tmp_path / "undo.jsonl"
    number, gone = add(sandbox, "a", TITLE="Dr"), add(sandbox, "b")
    whole = dict(sandbox.tables["/Contacts"].find(gone) or {})
    messages = [
        *stream_of(
            "contacts",
            [
                {"CONTACT_ID": number, "TITLE": "Prof", "hobby": "chess", "LAST_NAME": "ours"},
                {"CONTACT_ID": gone, "_sdc_deleted_at": True},
                {"CONTACT_ID": None, "FIRST_NAME": "Zoë", "Shoe_Size__c": 43.5},
            ],
        ),
        *stream_of(
            "opportunities",
            [{"OPPORTUNITY_ID": deal["row"]["OPPORTUNITY_ID"], "STAGE_ID": deal["after"]}],
        ),
    ]
    seen: dict[str, str] = {}
    sandbox.on_request = lambda log: seen.update(
        {f"{log.method} {log.path.rpartition('/')[2]}": path.read_text() if path.exists() else ""}
    )
    stage, stays = deal["row"]["STAGE_ID"], {"PIPELINE_ID": deal["row"]["PIPELINE_ID"]}
    feed_here(sandbox, messages, undo_file=str(path), allow_delete=True, max_deletes=1)
    lines = [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    assert lines[0]["action"] == "account"
    assert lines[0]["url"] == sandbox.api_url
    by_action = {line["action"]: line for line in lines}
    assert by_action["updated"]["id"] == number
    custom = {"FIELD_NAME": "Hobby__c"}
    assert by_action["updated"]["before"] == {
        "TITLE": "Dr",
        "CUSTOMFIELDS": [{**custom, "FIELD_VALUE": None}],
    }
    assert by_action["updated"]["after"] == {
        "TITLE": "Prof",
        "CUSTOMFIELDS": [{**custom, "FIELD_VALUE": "chess"}],
    }
    assert by_action["deleted"]["id"] == gone
    assert by_action["deleted"]["before"]["EMAIL_ADDRESS"] == whole["EMAIL_ADDRESS"]
    assert by_action["deleted"]["before"].keys() == whole.keys()
    assert by_action["creating"]["values"] == by_action["created"]["values"]
    assert by_action["creating"]["path"] == "/Contacts"
    assert by_action["moved"]["before"] == {**stays, "STAGE_ID": stage}
    assert by_action["moved"]["after"] == {**stays, "STAGE_ID": deal["after"]}
    for request, action in (
        (f"DELETE {gone}", "deleted"),
        ("POST Contacts", "creating"),
        ("PUT Contacts", "updated"),
        ("PUT PipelineStage", "moved"),
    ):
        assert f'"action":"{action}"' in seen[request], request


@pytest.mark.parametrize("name", ["undo_file", "mirror_filter", "mirror_field"])
def test_what_an_id_map_cannot_do_is_refused(feed: Feed, name: str) -> None:
    value: Any = str(feed.folder / "x") if name == "undo_file" else {"contacts": {"TITLE": "x"}}
    fed = feed([], id_map=str(feed.folder / "ids.db"), **{name: value})
    assert fed.code == 2
    assert f"Setting '{name}' cannot be used with 'id_map'" in fed.problems[0]
