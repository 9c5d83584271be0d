"""Links, notes, tags, stages and states are written by names, and looked up first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.api.conftest import asked
from tests.api.deals import deal, pipeline, stage
from tests.cli.conftest import first
from tests.cli.running import run, run_as_process

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE")


def place(sandbox: Sandbox, key: int) -> tuple[Any, Any]:
    """Where an opportunity is: pipeline and stage."""
    record = sandbox.tables["/Opportunities"].find(key)
    assert record
    return record["PIPELINE_ID"], record["STAGE_ID"]


def links(sandbox: Sandbox, key: int) -> list[dict[str, Any]]:
    """The links of a contact."""
    record = sandbox.tables["/Contacts"].find(key)
    assert record
    return list(record["LINKS"])


def test_a_link_is_made_once_and_removed(sandbox: Sandbox) -> None:
    key, project = first(sandbox), first(sandbox, "/Projects")
    before = links(sandbox, key)
    about = ["--role", "Advisor", "--details", "since 2026"]
    about += ["--relationship", str(first(sandbox, "/Relationships"))]
    made = [run(sandbox, "link", "contact", key, "project", project, *about) for _ in range(2)]
    assert [done.code for done in made] == [0, 0]
    (added,) = [one for one in links(sandbox, key) if one not in before]
    assert made[0].json["LINK_ID"] == made[1].json["LINK_ID"] == added["LINK_ID"]
    assert (added["LINK_OBJECT_NAME"], added["LINK_OBJECT_ID"]) == ("Project", project)
    assert (added["ROLE"], added["DETAILS"]) == ("Advisor", "since 2026")
    assert added["RELATIONSHIP_ID"] == first(sandbox, "/Relationships")
    done = run(sandbox, "unlink", "contact", key, added["LINK_ID"])
    assert (done.code, done.stdout) == (0, "")
    assert links(sandbox, key) == before
    assert run(sandbox, "unlink", "contact", key, added["LINK_ID"]).code == 1


def test_a_note_is_added_to_a_record(sandbox: Sandbox) -> None:
    key = first(sandbox)
    done = run(sandbox, "note", "add", "contact", key, "--title", "Met", "--body", "In London")
    assert done.code == 0
    note = sandbox.tables["/Notes"].find(done.json["NOTE_ID"])
    assert note
    assert (note["TITLE"], note["BODY"]) == ("Met", "In London")
    assert [one["LINK_OBJECT_ID"] for one in note["LINKS"]] == [key]


def test_a_long_note_comes_from_standard_input(sandbox: Sandbox) -> None:
    args = ["note", "add", "lead", first(sandbox, "/Leads"), "--title", "Met", "-q"]
    done = run(sandbox, *args, "--body", "-", input="First.\nSecond: Größe.\n")
    note = sandbox.records("/Notes")[-1]
    assert done.stdout == f"{note['NOTE_ID']}\n"
    assert note["BODY"] == "First.\nSecond: Größe.\n"


def test_a_note_is_added_once_even_if_the_answer_is_lost(sandbox: Sandbox) -> None:
    before = sandbox.count("/Notes")
    sandbox.faults = Faults(script=["ok", "lost"])
    done = run(sandbox, "note", "add", "contact", first(sandbox), "--title", "Met")
    assert done.code == 0
    assert sandbox.count("/Notes") == before + 1
    assert not sandbox.faults.script, "the answer was lost"


def test_a_tag_is_added_once_and_removed(sandbox: Sandbox) -> None:
    key = first(sandbox)
    assert run(sandbox, "tag", "add", "contact", key, "vip").code == 0
    again = run(sandbox, "tag", "add", "contact", key, "vip")
    assert (again.code, again.stdout) == (0, "")
    assert "has the tag 'vip' already" in again.stderr
    tags = sandbox.tables["/Contacts"].find(key) or {}
    assert [one["TAG_NAME"] for one in tags["TAGS"]].count("vip") == 1
    assert run(sandbox, "tag", "remove", "contact", key, "vip").code == 0
    tags = sandbox.tables["/Contacts"].find(key) or {}
    assert "vip" not in [one["TAG_NAME"] for one in tags["TAGS"]]
    assert run(sandbox, "tag", "remove", "contact", key, "vip").code == 1


@pytest.mark.parametrize("name", ["Negotiation", " negotiation", "{id}"])
def test_a_stage_is_found_in_the_pipeline_of_the_record(sandbox: Sandbox, name: str) -> None:
    for obj in ("Sales", "Partner sales"):
        key, wanted = deal(sandbox, obj, "Offer sent"), stage(sandbox, obj, "Negotiation")
        done = run(sandbox, "stage", "set", "opportunity", key, name.format(id=wanted))
        assert done.code == 0, done.stderr
        assert place(sandbox, key) == (pipeline(sandbox, obj), wanted)
        assert asked(sandbox, "PUT")[-1] == f"PUT /Opportunities/{key}/PipelineStage"


@pytest.mark.parametrize("obj", ["Partner sales", "partner sales", "{id}"])
def test_a_record_can_go_into_another_pipeline(sandbox: Sandbox, obj: str) -> None:
    key, into = deal(sandbox, "Sales", "Qualified"), pipeline(sandbox, "Partner sales")
    args = ["stage", "set", "opportunity", key, "Negotiation", "--pipeline", obj.format(id=into)]
    assert run(sandbox, *args).code == 0
    assert place(sandbox, key) == (into, stage(sandbox, "Partner sales", "Negotiation"))


def test_a_record_that_is_in_no_pipeline_goes_into_that_of_the_stage(sandbox: Sandbox) -> None:
    key = deal(sandbox, None)
    assert run(sandbox, "stage", "set", "opportunity", key, "Qualified").code == 0
    assert place(sandbox, key) == (pipeline(sandbox, "Sales"), stage(sandbox, "Sales", "Qualified"))


def test_a_name_of_several_stages_is_told_with_their_ids(sandbox: Sandbox) -> None:
    ids = [stage(sandbox, obj, "Negotiation") for obj in ("Sales", "Partner sales")]
    for name, key in (("opportunity", deal(sandbox, None)), ("lead", first(sandbox, "/Leads"))):
        done = run(sandbox, "stage", "set", name, key, "Negotiation")
        assert done.code == 2
        assert f"give the id, {ids[0]} or {ids[1]}" in done.stderr
    assert not asked(sandbox, *WRITES)
    done = run(sandbox, "stage", "set", "lead", key, ids[1])
    assert done.code == 0, done.stderr
    assert asked(sandbox, "PUT") == [f"PUT /Leads/{key}/PipelineStage"]


def test_a_project_has_stages_too(sandbox: Sandbox) -> None:
    key, into = first(sandbox, "/Projects"), pipeline(sandbox, "Delivery")
    args = ["stage", "set", "project", key, "Doing", "--pipeline", "Delivery"]
    assert run(sandbox, *args).code == 0
    record = sandbox.tables["/Projects"].find(key)
    assert record
    assert record["PIPELINE_ID"] == into
    assert record["STAGE_ID"] == stage(sandbox, "Delivery", "Doing")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["Negotiat"], "There is no stage 'Negotiat'. Did you mean 'Negotiation'?"),
        (["Planning"], "There is no stage 'Planning'"),  # of projects only
        (["Qualified"], "is in another pipeline than the record. --pipeline 'Sales' moves it"),
        (["Negotiation", "--pipeline", "Salez"], "no pipeline 'Salez'. Did you mean 'Sales'"),
        (["Negotiation", "--pipeline", "Delivery"], "no pipeline 'Delivery'"),
        (["Qualified", "--pipeline", "Partner sales"], "There is no stage 'Qualified'"),
    ],
)
def test_a_wrong_stage_is_told_with_the_nearest(
    sandbox: Sandbox, given: list[str], said: str
) -> None:
    key = deal(sandbox, "Partner sales", "Offer sent")
    done = run(sandbox, "stage", "set", "opportunity", key, *given)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not asked(sandbox, *WRITES)


def test_a_deal_is_won_with_a_reason(sandbox: Sandbox) -> None:
    key = deal(sandbox, "Sales", "Negotiation")
    done = run(sandbox, "state", "set", "opportunity", key, "won", "--reason", "quality")
    assert done.code == 0, done.stderr
    assert (done.json["FOR_OPPORTUNITY_STATE"], done.json["STATE_REASON"]) == ("WON", "Quality")
    record = sandbox.tables["/Opportunities"].find(key)
    assert record
    assert record["OPPORTUNITY_STATE"] == "WON"
    assert run(sandbox, "state", "set", "opportunity", key, "OPEN").code == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["wonn"], "'wonn' is not one of"),
        (["won", "--reason", "Too late"], "no reason for WON 'Too late'. Did you mean"),
        (["lost", "--reason", "to late"], "Did you mean 'Too late'?"),
    ],
)
def test_a_wrong_state_or_reason_is_told(sandbox: Sandbox, given: list[str], said: str) -> None:
    done = run(sandbox, "state", "set", "opportunity", first(sandbox, "/Opportunities"), *given)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not asked(sandbox, *WRITES)


@pytest.mark.parametrize(
    "args",
    [
        ["link", "lead", "1", "contact", "1"],
        ["unlink", "lead", "1", "1"],
        ["note", "add", "task", "1", "--title", "x"],
        ["tag", "add", "task", "1", "x"],
        ["tag", "remove", "event", "1", "x"],
        ["stage", "set", "contact", "1", "x"],
        ["state", "set", "project", "1", "won"],
        ["stage", "set", "contakt", "1", "x"],
        ["link", "contact", "1", "organisatoin", "1"],
    ],
)
@pytest.mark.parametrize("is_dry", [True, False])
def test_what_records_do_not_have_is_wrong_usage(
    sandbox: Sandbox, args: list[str], *, is_dry: bool
) -> None:
    done = run(sandbox, *args, *(["--dry-run"] if is_dry else []))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert asked(sandbox) in ([], ["GET /CustomObjects"])


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (["link", "contact", "{contact}", "project", "{project}", "--role", "x"], "POST {}/Links"),
        (["note", "add", "contact", "{contact}", "--title", "x", "--body", "y"], "POST {}/Notes"),
        (["tag", "add", "contact", "{contact}", "x"], "POST {}/Tags"),
        (["stage", "set", "opportunity", "{deal}", "Negotiation"], "PUT {}/PipelineStage"),
        (["state", "set", "opportunity", "{deal}", "won"], "PUT {}/StateChange"),
    ],
)
def test_a_dry_run_shows_just_what_would_be_sent(
    sandbox: Sandbox, args: list[str], shown: str
) -> None:
    ids = {
        "contact": first(sandbox),
        "project": first(sandbox, "/Projects"),
        "deal": deal(sandbox, "Sales", "Qualified"),
    }
    path = "/Contacts/{contact}" if "{contact}" in args else "/Opportunities/{deal}"
    args = [arg.format_map(ids) for arg in args]
    done = run(sandbox, *args, "--dry-run")
    assert (done.code, done.stderr) == (0, "")
    line, _, body = done.stdout.partition("\n")
    assert line == shown.format(sandbox.api_url + path.format_map(ids))
    assert not asked(sandbox, *WRITES)
    assert run(sandbox, *args).code == 0
    sent = sandbox.requests[-1]
    assert line == f"{sent.method} {sandbox.api_url.removesuffix('/v3.1')}{sent.path}"
    assert json.loads(sent.body) == json.loads(body)


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (["unlink", "contact", "301", "12"], "DELETE {}/Contacts/301/Links/12\n"),
        (["tag", "remove", "contact", "301", "x"], "DELETE {}/Contacts/301/Tags\n"),
    ],
)
def test_a_dry_run_removes_nothing(sandbox: Sandbox, args: list[str], shown: str) -> None:
    done = run(sandbox, *args, "--dry-run")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith(shown.format(sandbox.api_url))
    assert not sandbox.requests


def test_they_are_commands(sandbox: Sandbox, tmp_path: Path) -> None:
    key = first(sandbox)
    done = run_as_process(sandbox, "tag", "add", "contact", key, "vip", folder=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert done.json == {"TAG_NAME": "vip"}
    done = run_as_process(sandbox, "stage", "set", "contact", key, "x", folder=tmp_path)
    assert (done.code, done.stdout) == (2, "")
