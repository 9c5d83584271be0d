"""What is written: only what was previewed and confirmed, once, within limits, to be undone."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.mcp.limits import Limits
from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.cli.running import run
from tests.mcp.calling import Assistant

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE", "PATCH")


def contact(sandbox: Sandbox, key: int) -> dict[str, Any]:
    return next(row for row in sandbox.records("/Contacts") if row["CONTACT_ID"] == key)


def title(key: int, text: str | None = "Dr") -> dict[str, Any]:
    return {"action": "update", "object": "contact", "id": key, "values": {"title": text}}


CREATE = {"action": "create", "object": "contact", "values": {"FIRST_NAME": "Ada"}}


def test_nothing_can_be_written_unless_that_was_allowed(sandbox: Sandbox) -> None:
    assistant = Assistant(sandbox)
    assert not any(tool.writes for tool in assistant.toolbox.tools.values())
    assert "--allow-writes" in assistant.refused("confirm_changes", token="x", changes=[CREATE])  # noqa: S106 - none
    assert not asked(sandbox, *WRITES)


def test_a_preview_shows_what_would_change_and_writes_nothing(
    writer: Assistant, sandbox: Sandbox
) -> None:
    key = first(sandbox)
    before = contact(sandbox, key)
    answer = writer.call("preview_changes", changes=[title(key), CREATE])
    update, create = answer["preview"]
    assert update["before"] == {"TITLE": before["TITLE"]}
    assert update["after"] == {"TITLE": "Dr"}
    assert create["values"] == {"FIRST_NAME": "Ada"}
    assert "only if the user agrees" in answer["note"]
    assert not asked(sandbox, *WRITES)


def test_what_is_confirmed_is_written_and_can_be_undone(
    writer: Assistant, sandbox: Sandbox, tmp_path: Path
) -> None:
    key, organisation = first(sandbox), first(sandbox, "/Organisations")
    before = contact(sandbox, key)
    deal = first(sandbox, "/Opportunities")
    was = next(r for r in sandbox.records("/Opportunities") if r["OPPORTUNITY_ID"] == deal)
    stage = next(
        one
        for one in sandbox.records("/PipelineStages")
        if one["PIPELINE_ID"] == was["PIPELINE_ID"] and one["STAGE_ID"] != was["STAGE_ID"]
    )
    to = {"to_object": "organisation", "to_id": organisation}
    move = {"values": {"STAGE_ID": stage["STAGE_NAME"]}}
    note = {"TITLE": "Called", "PARENT_TYPE": "contact", "PARENT_ID": key}
    done = writer.confirm(
        title(key),
        {"action": "link", "object": "contact", "id": key, **to},
        {"action": "update", "object": "opportunity", "id": deal, **move},
        {"action": "create", "object": "note", "values": note},
    )
    now = contact(sandbox, key)
    assert now["TITLE"] == "Dr"
    assert organisation in [link["LINK_OBJECT_ID"] for link in now["LINKS"]]
    moved = next(r for r in sandbox.records("/Opportunities") if r["OPPORTUNITY_ID"] == deal)
    assert moved["STAGE_ID"] == stage["STAGE_ID"]
    made = next(one["id"] for one in done["results"] if one["object"] == "Note")
    assert made in [row["NOTE_ID"] for row in sandbox.records("/Notes")]
    assert len(writer.lines) == 4
    file = tmp_path / "undo" / f"{done['written']}.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    undone = writer.confirm({"action": "undo", "written": done["written"]})
    assert len(undone["results"]) == 4
    same = ("TITLE", "LINKS")
    again = contact(sandbox, key)
    assert [again[name] for name in same] == [before[name] for name in same]
    assert made not in [row["NOTE_ID"] for row in sandbox.records("/Notes")]
    back = next(r for r in sandbox.records("/Opportunities") if r["OPPORTUNITY_ID"] == deal)
    assert back["STAGE_ID"] == was["STAGE_ID"]


def test_the_command_line_undoes_it_too(
    writer: Assistant, sandbox: Sandbox, tmp_path: Path
) -> None:
    done = writer.confirm(CREATE)
    made = done["results"][0]["id"]
    result = run(sandbox, "undo", tmp_path / "undo" / f"{done['written']}.jsonl", "--yes")
    assert result.code == 0, result.stderr
    assert made not in [row["CONTACT_ID"] for row in sandbox.records("/Contacts")]


def test_a_token_is_good_for_its_own_preview_once_and_not_for_long(
    writer: Assistant, sandbox: Sandbox
) -> None:
    key = first(sandbox)
    one = writer.call("preview_changes", changes=[title(key)])["token"]
    other = writer.call("preview_changes", changes=[CREATE])["token"]
    assert one != other
    for token, changes in (
        (one, [CREATE]),
        (other, [title(key)]),
        (one, [title(key, "Prof")]),
        (one, [title(key), CREATE]),
        (one[:-1], [title(key)]),
        ("", [title(key)]),
    ):
        text = writer.refused("confirm_changes", token=token, changes=changes)
        assert "Nothing was written" in text
    assert not asked(sandbox, *WRITES)
    writer.call("confirm_changes", token=one, changes=[title(key)])
    assert "confirmed already" in writer.refused("confirm_changes", token=one, changes=[title(key)])
    writer.now += 601
    assert "older than 10 minutes" in writer.refused(
        "confirm_changes", token=other, changes=[CREATE]
    )
    assert len(asked(sandbox, *WRITES)) == 1


def test_two_who_confirm_at_once_write_once(writer: Assistant, sandbox: Sandbox) -> None:
    token = writer.call("preview_changes", changes=[CREATE])["token"]
    failed: list[BaseException] = []

    def confirm() -> None:
        try:
            writer.call("confirm_changes", token=token, changes=[CREATE])
        except AssertionError as error:
            failed.append(error)

    threads = [threading.Thread(target=confirm) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(failed) == 3
    assert len(asked(sandbox, "POST")) == 1


def test_what_was_changed_since_the_preview_is_not_written(
    writer: Assistant, sandbox: Sandbox
) -> None:
    key = first(sandbox)
    changes = [CREATE, title(key)]
    token = writer.call("preview_changes", changes=changes)["token"]
    sandbox.update("/Contacts", key, FIRST_NAME="Another")
    text = writer.refused("confirm_changes", token=token, changes=changes)
    assert f"Contact {key} was changed by somebody else since the preview" in text
    assert not asked(sandbox, *WRITES)


def test_a_change_in_the_last_moment_is_noticed_by_insightly(
    writer: Assistant, sandbox: Sandbox
) -> None:
    key = first(sandbox)
    token = writer.call("preview_changes", changes=[title(key)])["token"]

    def meddle(request: Any) -> None:
        if request.method == "PUT":
            sandbox.on_request = None
            sandbox.update("/Contacts", key, TITLE="of somebody else")

    sandbox.on_request = meddle
    text = writer.refused("confirm_changes", token=token, changes=[title(key)])
    assert "changed by someone else" in text
    assert contact(sandbox, key)["TITLE"] == "of somebody else"


def test_what_went_well_before_a_failure_is_told_and_can_be_undone(
    writer: Assistant, sandbox: Sandbox
) -> None:
    lead = first(sandbox, "/Leads")
    update = {"action": "update", "object": "lead", "id": lead, "values": {"TITLE": "Dr"}}
    changes = [title(first(sandbox)), update, CREATE]
    token = writer.call("preview_changes", changes=changes)["token"]
    sandbox.faults.read_only = {"/Leads"}
    text = writer.refused("confirm_changes", token=token, changes=changes)
    assert f'"id":{first(sandbox)}' in text
    assert "1 more were not tried" in text
    assert len(writer.lines) == 1
    assert contact(sandbox, first(sandbox))["TITLE"] == "Dr"


def test_a_record_is_created_once_though_the_answer_is_lost(
    writer: Assistant, sandbox: Sandbox
) -> None:
    writer.client.session.sleep = lambda _: None
    changes = [{**CREATE, "values": {"FIRST_NAME": "Ada", "LAST_NAME": "once"}}]
    token = writer.call("preview_changes", changes=changes)["token"]

    def lose(request: Any) -> None:
        if request.method == "POST":
            sandbox.on_request = None
            sandbox.faults.script.append("lost")

    sandbox.on_request = lose
    done = writer.call("confirm_changes", token=token, changes=changes)
    found = [r["CONTACT_ID"] for r in sandbox.records("/Contacts") if r["LAST_NAME"] == "once"]
    assert found == [done["results"][0]["id"]]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"action": "delete", "object": "contact", "id": 1}, "Invalid enum value 'delete'"),
        ({"action": "create", "object": "contact", "values": {"FIRSTNAME": "x"}}, "FIRST_NAME"),
        ({"action": "create", "object": "contact", "values": {"CONTACT_ID": 1}}, "read-only"),
        ({"action": "create", "object": "contact"}, "create needs values"),
        ({"action": "create", "object": "user", "values": {"FIRST_NAME": "x"}}, "cannot create"),
        ({"action": "update", "object": "contact", "values": {"TITLE": "x"}}, "update needs id"),
        ({"action": "update", "object": "contact", "id": 1, "values": {"TITLE": "x"}}, "404"),
        ({"action": "link", "object": "contact", "id": 1}, "link needs to_object and to_id"),
        ({"action": "undo", "written": "../../etc/passwd"}, "nothing written that is called"),
        ({"action": "undo", "written": "20260101-000000-abcdef"}, "nothing written"),
        ({**CREATE, "id": 3}, "create takes no id"),
        ({**CREATE, "force": True}, "unknown field `force`"),
    ],
)
def test_what_cannot_be_written_is_said_in_the_preview(
    writer: Assistant, sandbox: Sandbox, change: dict[str, Any], hint: str
) -> None:
    assert hint in writer.refused("preview_changes", changes=[change])
    assert not asked(sandbox, *WRITES)


def test_all_that_is_wrong_is_said_at_once(writer: Assistant, sandbox: Sandbox) -> None:
    key = first(sandbox)
    wrong = {**CREATE, "values": {"SHOE": 1}}
    text = writer.refused("preview_changes", changes=[wrong, title(key), title(key), wrong])
    assert "Change 1:" in text
    assert "Change 3: this record is updated twice" in text
    assert "Change 4:" in text
    alone = writer.refused("preview_changes", changes=[{"action": "undo", "written": "x"}, CREATE])
    assert "the only change" in alone


def test_what_is_so_already_is_not_written(writer: Assistant, sandbox: Sandbox) -> None:
    key = first(sandbox)
    answer = writer.call("preview_changes", changes=[title(key, contact(sandbox, key)["TITLE"])])
    assert "token" not in answer
    assert "is so already" in str(answer)


def test_no_more_is_written_than_limits_allow(sandbox: Sandbox, tmp_path: Path) -> None:
    limits = Limits(changes=2, all_changes=3)
    assistant = Assistant(sandbox, undo_folder=tmp_path, limits=limits)
    assert "--max-changes" in assistant.refused("preview_changes", changes=[CREATE] * 3)
    waiting = [assistant.call("preview_changes", changes=[CREATE] * 2)["token"] for _ in range(2)]
    assistant.call("confirm_changes", token=waiting[0], changes=[CREATE] * 2)
    text = assistant.refused("confirm_changes", token=waiting[1], changes=[CREATE] * 2)
    assert "--session-changes" in text
    assistant.confirm(CREATE)
    assert "0 of them are left" in assistant.refused("preview_changes", changes=[CREATE])
    assert len(asked(sandbox, "POST")) == 3


def test_undoing_leaves_what_somebody_has_changed_since(
    writer: Assistant, sandbox: Sandbox
) -> None:
    key = first(sandbox)
    written = writer.confirm(title(key))["written"]
    undo = [{"action": "undo", "written": written}]
    token = writer.call("preview_changes", changes=undo)["token"]
    sandbox.update("/Contacts", key, TITLE="of somebody else")
    assert "something else by now" in writer.refused("confirm_changes", token=token, changes=undo)
    preview = writer.call("preview_changes", changes=undo)["preview"]
    assert "changed since, and left" in str(preview)
    assert contact(sandbox, key)["TITLE"] == "of somebody else"


def test_nothing_is_written_where_it_could_not_be_undone(
    writer: Assistant, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "undo").write_text("a file in its place")
    token = writer.call("preview_changes", changes=[CREATE])["token"]
    text = writer.refused("confirm_changes", token=token, changes=[CREATE])
    assert "Nothing was written" in text
    assert not asked(sandbox, *WRITES)
