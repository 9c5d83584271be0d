"""What was written is put back, as far as it can be and nobody has changed it since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tap_insightly.undo_file.lines import CreatedLine, CreatingLine, DeletedLine, MovedLine
from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.undo.running import ADA, LISTS, WRITES, found, undo, with_links
from tests.undo.writing import Writes, new_ids, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


def test_all_kinds_of_writes_are_undone(sandbox: Sandbox, writes: Writes, path: Path) -> None:
    before = plain(sandbox, *LISTS)
    contact, deal = first(sandbox), first(sandbox, "/Opportunities")
    gone = with_links(sandbox)
    made = writes.create("contact", **ADA, TAGS="vip", hobby="chess")
    writes.update("contact", made, TITLE="Countess")
    writes.update("contact", contact, TITLE="Dr", PHONE=None, TAGS="x;y", hobby="go")
    stage = sandbox.records("/PipelineStages")[-1]
    writes.move("opportunity", deal, stage["PIPELINE_ID"], stage["STAGE_ID"])
    writes.update("contact", gone, TITLE="Dr")
    writes.delete("contact", gone)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    new = new_ids(path)[gone]
    assert done.lines == [
        f"Contact {gone} is back as Contact {new}.",
        f"Contact {gone} (now {new}): TITLE put back.",
        f"Opportunity {deal}: is back at its stage.",
        f"Contact {contact}: TITLE, PHONE, TAGS, Hobby__c put back.",
        f"Contact {made}: TITLE put back.",
        f"Contact {made} is deleted.",
    ]
    assert "have new ids" in done.stderr
    assert done.stderr.endswith("6 undone.\n")
    assert plain(sandbox, *LISTS, ids={gone: new}) == before


@pytest.mark.parametrize("name", ["created", "updated", "moved", "deleted"])
def test_what_was_taken_down_but_never_sent_is_no_matter(
    sandbox: Sandbox, writes: Writes, path: Path, name: str
) -> None:
    before = plain(sandbox, *LISTS)
    writes.is_sent = False
    deal, stage = first(sandbox, "/Opportunities"), sandbox.records("/PipelineStages")[-1]
    do: dict[str, Callable[[], object]] = {
        "created": lambda: writes.create("contact", **ADA),
        "updated": lambda: writes.update("contact", first(sandbox), TITLE="Dr"),
        "moved": lambda: writes.move("opportunity", deal, stage["PIPELINE_ID"], stage["STAGE_ID"]),
        "deleted": lambda: writes.delete("contact", first(sandbox)),
    }
    do[name]()
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert done.stderr.endswith("1 as before already.\n")
    assert not asked(sandbox, *WRITES)
    assert plain(sandbox, *LISTS) == before


def test_a_creation_that_was_cut_off_is_found_and_undone(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    before = plain(sandbox, "/Contacts")
    made = [writes.create("contact", **ADA, is_answered=one) for one in (False, True, False)]
    writes.create("contact", FIRST_NAME="Charles", is_answered=False)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert len(made) == 3
    assert done.stderr.endswith("4 undone.\n")
    assert plain(sandbox, "/Contacts") == before


def test_of_creations_that_were_cut_off_none_is_taken_for_a_smaller_one(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    before = plain(sandbox, "/Contacts")
    for title in ("Countess", None, "Lady"):
        more = {} if title is None else {"TITLE": title}
        writes.create("contact", **ADA, **more, is_answered=False)
    assert undo(sandbox, path).stderr.endswith("3 undone.\n")
    assert plain(sandbox, "/Contacts") == before


def test_a_creation_that_the_account_has_changed_is_left_and_the_others_go_on(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    writes.update("contact", key, TITLE="Countess")
    sandbox.faults.automations = {"/Contacts": {"FIRST_NAME": "Dr Ada"}}
    made = writes.create("contact", **ADA, is_answered=False)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert "Contact: one may have been created, or not: POST /Contacts" in done.stdout
    assert str(made) in done.stdout
    assert f"Contact {key}: TITLE put back" in done.stdout
    assert found(sandbox, made)


def test_a_record_that_somebody_creates_much_later_is_not_taken_for_one_of_a_run(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    writes.is_sent = False
    writes.create("contact", **ADA)
    made = sandbox.create("/Contacts", **ADA)
    sandbox.put("/Contacts", made["CONTACT_ID"], DATE_CREATED_UTC="2999-01-01 00:00:00")
    assert undo(sandbox, path).code == 0
    assert found(sandbox, made["CONTACT_ID"])


def test_a_created_record_that_was_changed_since_is_left(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    made = writes.create("contact", **ADA, hobby="chess")
    sandbox.update("/Contacts", made, FIRST_NAME="Augusta")
    done = undo(sandbox, path)
    assert done.code == 0
    assert done.lines == [f"Contact {made} was changed since (FIRST_NAME), and is left."]
    assert done.stderr.endswith("1 left.\n")
    assert undo(sandbox, path).lines == done.lines, "it is looked at again"
    assert undo(sandbox, path, "--force").lines == [f"Contact {made} is deleted."]
    assert found(sandbox, made) is None


def test_what_the_run_did_not_write_may_be_another(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    made = writes.create("contact", **ADA)
    sandbox.update("/Contacts", made, BACKGROUND="She writes.")
    assert undo(sandbox, path).lines == [f"Contact {made} is deleted."]


def test_a_created_record_that_is_gone_is_no_matter(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    made = writes.create("contact", **ADA)
    sandbox.delete("/Contacts", made)
    assert undo(sandbox, path).lines == [f"Contact {made} is gone already."]


def test_fields_that_were_changed_since_are_left_and_the_others_put_back(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    before = found(sandbox, key) or {}
    writes.update("contact", key, TITLE="Dr", PHONE="1", hobby="go")
    sandbox.update("/Contacts", key, PHONE="2")
    done = undo(sandbox, path)
    assert done.lines == [
        f"Contact {key}: TITLE, Hobby__c put back; PHONE changed since, and left."
    ]
    now = found(sandbox, key) or {}
    assert (now["TITLE"], now["PHONE"]) == (before["TITLE"], "2")
    assert asked(sandbox, "PUT")[1:] == ["PUT /Contacts"]
    assert undo(sandbox, path, "--force").lines == [f"Contact {key}: PHONE put back."]
    assert (found(sandbox, key) or {})["PHONE"] == before["PHONE"]


def test_a_field_that_is_left_is_left_by_all_lines_before(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    sandbox.update("/Contacts", key, TITLE="a", PHONE="1")
    for title, phone in (("b", "2"), ("a", "1"), ("c", "3")):
        writes.update("contact", key, TITLE=title, PHONE=phone)
    sandbox.update("/Contacts", key, TITLE="b")
    for _ in range(2):
        assert undo(sandbox, path).code == 0
        now = found(sandbox, key) or {}
        assert (now["TITLE"], now["PHONE"]) == ("b", "1"), "what somebody wrote stays"
    sandbox.update("/Contacts", key, TITLE="c")
    assert undo(sandbox, path).stderr.endswith("3 undone.\n")
    now = found(sandbox, key) or {}
    assert (now["TITLE"], now["PHONE"]) == ("a", "1"), "each field is put back once"


def test_a_record_that_was_moved_since_is_left(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key, stages = first(sandbox, "/Opportunities"), sandbox.records("/PipelineStages")[:3]
    sandbox.update("/Opportunities", key, PIPELINE_ID=None, STAGE_ID=None)
    places = [(one["PIPELINE_ID"], one["STAGE_ID"]) for one in stages]
    writes.move("opportunity", key, *places[0])
    writes.move("opportunity", key, *places[1])
    sandbox.update("/Opportunities", key, PIPELINE_ID=places[2][0], STAGE_ID=places[2][1])
    said = f"Opportunity {key}: was moved since, and is left there."
    assert undo(sandbox, path).lines == [said] * 2
    sandbox.update("/Opportunities", key, PIPELINE_ID=places[1][0], STAGE_ID=places[1][1])
    assert undo(sandbox, path).lines == [f"Opportunity {key}: is back at its stage."] * 2
    now = found(sandbox, key, "/Opportunities") or {}
    assert (now["PIPELINE_ID"], now["STAGE_ID"]) == (None, None)


def test_a_record_that_is_refused_is_told_and_the_others_go_on(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    before = plain(sandbox, *LISTS)
    contact, task = first(sandbox), first(sandbox, "/Tasks")
    writes.update("task", task, TITLE="Other")
    writes.update("contact", contact, TITLE="Dr")
    writes.delete("contact", contact)
    sandbox.faults = Faults(read_only={"/Contacts"})
    done = undo(sandbox, path)
    assert done.code == 1
    assert done.lines == [f"Task {task}: TITLE put back."]
    assert f"Error: line 4: Contact {contact}: POST /Contacts cannot be done (403)" in done.stderr
    assert f"line 3: Contact {contact} waits" in done.stderr
    sandbox.faults = Faults()
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert plain(sandbox, *LISTS, ids=new_ids(path)) == before


def test_an_update_of_a_record_that_is_gone_is_told(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    writes.update("contact", key, TITLE="Dr")
    sandbox.delete("/Contacts", key)
    assert "is not there any more, so that" in undo(sandbox, path).stdout
    sandbox.restore("/Contacts", key)
    assert undo(sandbox, path).lines == [f"Contact {key}: TITLE put back."]


def test_somebody_who_writes_at_the_same_time_is_not_overwritten(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    writes.update("contact", key, TITLE="Dr", PHONE="1")
    before = found(sandbox, key) or {}

    def write(log: Any) -> None:
        if log.method == "PUT":
            sandbox.on_request = None
            sandbox.update("/Contacts", key, PHONE="2")

    sandbox.on_request = write
    done = undo(sandbox, path)
    assert "PHONE changed since" in done.stdout
    assert (found(sandbox, key) or {})["PHONE"] == "2"
    assert (found(sandbox, key) or {})["TITLE"] != before["TITLE"]


@pytest.mark.parametrize("fault", ["lost", "500", "reset"])
def test_an_answer_that_is_lost_makes_no_difference(
    sandbox: Sandbox, writes: Writes, path: Path, fault: str
) -> None:
    before = plain(sandbox, "/Contacts")
    key, other = first(sandbox), sandbox.records("/Contacts")[1]["CONTACT_ID"]
    writes.update("contact", key, TITLE="Dr")
    writes.delete("contact", other)

    def fail(log: Any) -> None:
        if log.method in WRITES and not sandbox.faults.script:
            sandbox.on_request = None

    sandbox.faults = Faults(script=["ok", "ok", "ok", fault, "ok", "ok", fault, fault])
    sandbox.on_request = fail
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert plain(sandbox, "/Contacts", ids=new_ids(path)) == before


def test_leads_do_not_tell_where_they_are(sandbox: Sandbox, writes: Writes, path: Path) -> None:
    key, stages = first(sandbox, "/Leads"), sandbox.records("/PipelineStages")[:2]
    places = [{"PIPELINE_ID": s["PIPELINE_ID"], "STAGE_ID": s["STAGE_ID"]} for s in stages]
    writes.add(MovedLine(object_name="Lead", record_id=key, before=places[0], after=places[1]))
    assert "does not tell at which stage it is" in undo(sandbox, path).stdout
    assert undo(sandbox, path, "--force").lines == [f"Lead {key}: is back at its stage."]


def test_what_cannot_be_searched_is_left_to_people(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    values = {"LEAD_SOURCE": "Fair"}
    line = {"path": "/LeadSources", "values": values, "since": "2026-01-01T00:00:00Z"}
    writes.add(CreatingLine(object_name="LeadSource", **line))
    assert "cannot be found out" in undo(sandbox, path).stdout


def test_every_digit_and_every_spelling_is_the_same(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    made = writes.create("opportunity", OPPORTUNITY_NAME="Engine", BID_AMOUNT="1234567890123456.70")
    assert b"1234567890123456.70" in path.read_bytes()
    assert undo(sandbox, path).lines == [f"Opportunity {made} is deleted."]
    writes.add(CreatedLine(object_name="Contact", record_id=first(sandbox), values={}))
    writes.add(DeletedLine(object_name="Contact", record_id=2, before=dict(ADA)))
