"""What the target has written is put back, as far as it can be and nobody has changed it since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tap_insightly.undo import restoring
from tap_insightly.undo.lines import Created, Creating, Deleted, Moved, Updated
from tests.api.conftest import asked, new_client
from tests.cli.conftest import first
from tests.cli.running import Result, run
from tests.conftest import new_sandbox
from tests.undo.writing import Writes, new_ids, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE")
LISTS = (
    "/Contacts",
    "/Organisations",
    "/Opportunities",
    "/Projects",
    "/Milestones",
    "/Notes",
    "/Tasks",
)
ADA = {"FIRST_NAME": "Ada", "LAST_NAME": "Lovelace"}


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what a run before has sent for answered: here, none was cut off."""
    monkeypatch.setattr(restoring, "LONGEST_UNDER_WAY", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "undo.jsonl"


@pytest.fixture
def writes(sandbox: Sandbox, path: Path) -> Iterator[Writes]:
    with new_client(sandbox) as client, Writes(client, path) as writes:
        yield writes


def undo(sandbox: Sandbox, path: Path, *args: str) -> Result:
    return run(sandbox, "undo", path, "--yes", *args)


def found(sandbox: Sandbox, key: int, path: str = "/Contacts") -> dict[str, Any] | None:
    row = sandbox.tables[path].find(key)
    return None if row is None else dict(row)


def with_links(sandbox: Sandbox) -> int:
    """A contact that has all that a contact can have."""
    for row in sandbox.records("/Contacts"):
        if row["LINKS"] and row["TAGS"] and row["ORGANISATION_ID"] and row["DATES"]:
            return int(row["CONTACT_ID"])
    raise AssertionError


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


def test_a_second_run_has_nothing_left_to_do(sandbox: Sandbox, writes: Writes, path: Path) -> None:
    writes.create("contact", **ADA)
    assert undo(sandbox, path).code == 0
    sandbox.requests.clear()
    done = undo(sandbox, path)
    assert (done.code, done.stdout) == (0, "")
    assert done.stderr == f"There is nothing left to undo in {path}.\n"
    assert not asked(sandbox, *WRITES)


def test_what_was_written_after_an_undo_is_undone_by_the_next(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    before = plain(sandbox, "/Contacts")
    writes.delete("contact", key)
    assert undo(sandbox, path).code == 0
    new = new_ids(path)[key]
    writes.update("contact", new, TITLE="Dr")
    done = undo(sandbox, path)
    assert done.lines == [f"Contact {new}: TITLE put back."]
    assert plain(sandbox, "/Contacts", ids={key: new}) == before


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


def test_what_belongs_together_comes_back_together_in_whatever_order(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    before = plain(sandbox, *LISTS)
    one = with_links(sandbox)
    organisation = (found(sandbox, one) or {})["ORGANISATION_ID"]
    milestone = sandbox.records("/Milestones")[0]
    note = next(row for row in sandbox.records("/Notes") if row["LINKS"])
    link = next(link for link in note["LINKS"])
    parent = sandbox.path_of_object(link["LINK_OBJECT_NAME"]) or ""
    gone = [
        ("organisation", organisation),
        ("contact", one),
        ("milestone", milestone["MILESTONE_ID"]),
        ("project", milestone["PROJECT_ID"]),
        (link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]),
        ("note", note["NOTE_ID"]),
    ]
    for name, key in dict.fromkeys(
        (sandbox.path_of_object(name.title()), key) for name, key in gone
    ):
        assert name
        writes.delete(name[1:], key)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    ids = new_ids(path)
    assert {one, organisation, note["NOTE_ID"], link["LINK_OBJECT_ID"]} <= ids.keys()
    assert parent in LISTS
    after = plain(sandbox, *LISTS, ids=ids)
    assert after.keys() == before.keys()
    assert after[f"/Contacts/{one}"] == before[f"/Contacts/{one}"]
    assert after[f"/Notes/{note['NOTE_ID']}"] == before[f"/Notes/{note['NOTE_ID']}"]


def test_records_that_were_linked_to_each_other_are_again(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact, project = first(sandbox), first(sandbox, "/Projects")
    client = writes.client
    client.link("contact", contact, "project", project, role="Advisor")
    client.link("project", project, "contact", contact, role="Advised")
    before = plain(sandbox, "/Contacts", "/Projects")
    writes.delete("contact", contact)
    writes.delete("project", project)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    ids = new_ids(path)
    assert plain(sandbox, "/Contacts", "/Projects", ids=ids) == before


def test_a_reference_that_was_changed_leads_to_the_record_that_is_back(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact, first_one, second = (
        first(sandbox),
        *(row["ORGANISATION_ID"] for row in sandbox.records("/Organisations")[:2]),
    )
    for was, becomes in ((first_one, second), (second, first_one)):
        sandbox.update("/Contacts", contact, ORGANISATION_ID=was)
        writes.update("contact", contact, ORGANISATION_ID=becomes)
    sandbox.update("/Contacts", contact, ORGANISATION_ID=None)  # as Insightly may do of itself
    writes.delete("organisation", first_one)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert done.stderr.endswith("3 undone.\n")
    assert (found(sandbox, contact) or {})["ORGANISATION_ID"] == new_ids(path)[first_one]


def test_a_record_that_an_update_led_away_from_is_back_before_it_leads_there_again(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact = first(sandbox)
    old, new = (row["ORGANISATION_ID"] for row in sandbox.records("/Organisations")[:2])
    sandbox.update("/Contacts", contact, ORGANISATION_ID=old)
    writes.delete("organisation", old)
    writes.update("contact", contact, ORGANISATION_ID=new)
    done = undo(sandbox, path)
    assert done.code == 0, done.stderr
    assert (found(sandbox, contact) or {})["ORGANISATION_ID"] == new_ids(path)[old]


def test_what_was_created_and_deleted_does_not_come_back(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    made = writes.create("contact", **ADA)
    writes.update("contact", made, TITLE="Dr")
    writes.delete("contact", made)
    sandbox.requests.clear()
    done = undo(sandbox, path)
    assert done.stderr.endswith("3 as before already.\n")
    assert not asked(sandbox, *WRITES)


def test_a_record_that_came_out_of_the_recycle_bin_is_not_created_anew(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    before = plain(sandbox, "/Contacts")
    writes.update("contact", key, TITLE="Dr")
    writes.delete("contact", key)
    sandbox.restore("/Contacts", key)
    done = undo(sandbox, path)
    assert done.lines == [
        f"Contact {key} is there, so that it need not come back.",
        f"Contact {key}: TITLE put back.",
    ]
    assert plain(sandbox, "/Contacts") == before


@pytest.mark.parametrize("name", ["leadsource", "leadstatus", "taskcategory"])
def test_lists_without_a_search_come_back_once(
    sandbox: Sandbox, writes: Writes, path: Path, name: str
) -> None:
    table = writes.client.object(name).path
    before = plain(sandbox, table)
    for row in sandbox.records(table):
        writes.delete(name, row[sandbox.tables[table].keys[0]])
    assert undo(sandbox, path).code == 0
    assert plain(sandbox, table, ids=new_ids(path)).keys() == before.keys()


@pytest.mark.parametrize("name", ["contact", "leadsource"])
@pytest.mark.parametrize("is_made", [True, False])
def test_a_creation_of_an_undo_that_was_cut_off_is_found_out(
    sandbox: Sandbox, writes: Writes, path: Path, name: str, *, is_made: bool
) -> None:
    table = writes.client.object(name).path
    key, count = first(sandbox, table), sandbox.count(table)
    writes.delete(name, key)
    assert undo(sandbox, path).code == 0
    undone = path.with_name("undo.jsonl.undone")
    begun, made, _ = undone.read_text().splitlines(keepends=True)
    if not is_made:
        sandbox.delete(table, json.loads(made)["id"])
    undone.write_text(begun + made[: len(made) // 2])  # what a kill leaves behind
    assert undo(sandbox, path).code == 0
    assert sandbox.count(table) == count
    assert (new_ids(path)[key] == json.loads(made)["id"]) == is_made


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


def test_what_needs_a_record_that_was_refused_waits_for_it(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact = with_links(sandbox)
    before = plain(sandbox, *LISTS)
    writes.delete("organisation", (found(sandbox, contact) or {})["ORGANISATION_ID"])
    writes.delete("contact", contact)
    sandbox.faults = Faults(read_only={"/Organisations"})
    done = undo(sandbox, path)
    assert (done.code, done.stdout) == (1, "")
    assert "ORGANISATION_ID leads to a record that is not back" in done.stderr
    sandbox.faults = Faults()
    assert undo(sandbox, path).code == 0
    after = plain(sandbox, *LISTS, ids=new_ids(path))
    assert after[f"/Contacts/{contact}"] == before[f"/Contacts/{contact}"]


def test_what_of_a_record_cannot_be_put_back_is_told(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = with_links(sandbox)
    sandbox.add_custom_field("/Contacts", "Old__c", "DROPDOWN", "Old", options=["a", "b"])
    sandbox.update("/Contacts", key, CUSTOMFIELDS=[{"FIELD_NAME": "Old__c", "FIELD_VALUE": "a"}])
    project = first(sandbox, "/Projects")
    writes.client.link("contact", key, "project", project)
    writes.delete("contact", key)
    sandbox.delete("/Projects", project)
    definitions = sandbox.custom_fields["/Contacts"].definitions
    definitions[-1]["CUSTOM_FIELD_OPTIONS"] = [{"OPTION_ID": 1, "OPTION_VALUE": "b"}]
    done = undo(sandbox, path)
    assert done.code == 1
    assert f"Contact {key}: not put back: Old__c ('a' is no option)" in done.stderr
    assert f"Contact {key}: not put back: the link to Project {project} (" in done.stderr
    assert sandbox.count("/Contacts") == 60


def test_an_update_of_a_record_that_is_gone_is_told(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    writes.update("contact", key, TITLE="Dr")
    sandbox.delete("/Contacts", key)
    assert "is not there any more" in undo(sandbox, path).stdout


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


def test_only_some_objects(sandbox: Sandbox, writes: Writes, path: Path) -> None:
    contact, task = first(sandbox), first(sandbox, "/Tasks")
    writes.update("contact", contact, TITLE="Dr")
    writes.update("task", task, TITLE="Other")
    assert undo(sandbox, path, "--object", "contacts").lines == [
        f"Contact {contact}: TITLE put back."
    ]
    assert (found(sandbox, task, "/Tasks") or {})["TITLE"] == "Other"
    assert undo(sandbox, path).lines == [f"Task {task}: TITLE put back."]
    wrong = undo(sandbox, path, "--object", "contakt")
    assert (wrong.code, wrong.stdout) == (2, "")


def test_a_dry_run_shows_all_that_would_be_sent_and_sends_nothing(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    contact, deal = first(sandbox), first(sandbox, "/Opportunities")
    made = writes.create("contact", **ADA)
    writes.update("contact", contact, TITLE="a", hobby="go")
    writes.update("contact", contact, TITLE="b", hobby="chess")
    stage = sandbox.records("/PipelineStages")[-1]
    writes.move("opportunity", deal, stage["PIPELINE_ID"], stage["STAGE_ID"])
    writes.delete("opportunity", deal)
    sandbox.requests.clear()
    done = run(sandbox, "undo", path, "--dry-run")
    assert done.code == 0, done.stderr
    assert not asked(sandbox, *WRITES)
    assert not path.with_name("undo.jsonl.undone").exists()
    url = sandbox.api_url
    shown = [line for line in done.lines if line.startswith(WRITES)]
    assert done.stderr.endswith("A dry run: 5 undone.\n")
    assert undo(sandbox, path).code == 0
    new = new_ids(path)[deal]
    sent = [f"{log.method} {url.removesuffix('/v3.1')}{log.path}" for log in sandbox.requests]
    assert [line.replace(str(deal), str(new)) for line in shown] == [
        line for line in sent if line.startswith(WRITES)
    ]
    assert shown[-1] == f"DELETE {url}/Contacts/{made}"


def test_it_asks_first(sandbox: Sandbox, writes: Writes, path: Path) -> None:
    writes.create("contact", **ADA)
    sandbox.requests.clear()
    done = run(sandbox, "undo", path)
    assert done.code == 2
    assert "Undo 1 created in " in done.stderr
    assert not asked(sandbox, *WRITES)
    assert not path.with_name("undo.jsonl.undone").exists()


def test_another_account_is_refused(sandbox: Sandbox, writes: Writes, path: Path) -> None:
    writes.update("contact", first(sandbox), TITLE="Dr")
    with new_sandbox(records=5).serve() as other:
        done = undo(other, path)
        assert done.code == 2
        assert "is about another account" in done.stderr
        assert not asked(other, *WRITES)
    text = path.read_text().replace('"instance":"sandbox"', '"instance":"another"')
    path.write_text(text)
    done = undo(sandbox, path)
    assert done.code == 2
    assert f"another account (another at {sandbox.api_url})" in done.stderr


ACCOUNT = b'{"action":"account","url":"%b"}\n'
LINE = b'{"action":"updated","object":"Contact","id":1,"before":{},"after":{}}\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LINE, "line 1: it does not say which account"),
        (ACCOUNT + b"[]\n" + LINE, "line 2: it is not a line of such a file"),
        (ACCOUNT + b'{"action":"upd\n' + LINE, "line 2: it is not a line of such a file"),
        (ACCOUNT + LINE + b'{"action":"other"}\n', "line 3: it is not a line of such a file"),
        (ACCOUNT + LINE.replace(b":1,", b":null,"), "line 2: it is not a line of such a file"),
        (
            ACCOUNT + LINE.replace(b"Contact", b"\xe9") + LINE,
            "line 2: it is not a line of such a file: it is no text",
        ),
        (ACCOUNT.decode().encode("utf-16"), "line 1: it is no"),
        (b"CONTACT_ID,TITLE\n1,x\n", "line 1: it is not a line of such a file"),
    ],
)
def test_another_file_is_wrong_usage(
    sandbox: Sandbox, path: Path, content: bytes, said: str
) -> None:
    path.write_bytes(content.replace(b"%b", sandbox.api_url.encode()))
    done = undo(sandbox, path)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not asked(sandbox, *WRITES)


def test_a_last_line_that_was_cut_off_is_left_out(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    writes.update("contact", key, TITLE="Dr")
    whole = path.read_bytes()
    for size in range(1, len(LINE) - 1):
        path.write_bytes(whole + LINE[:size])
        if size == 40:
            done = undo(sandbox, path)
            assert done.code == 0, done.stderr
            assert "was cut off" in done.stderr
            assert done.lines == [f"Contact {key}: TITLE put back."]
        elif size > 40:
            assert "nothing left" in undo(sandbox, path).stderr


def test_a_file_with_nothing_in_it(sandbox: Sandbox, path: Path) -> None:
    for content in (b"", b'{"action":"acc', ACCOUNT):
        path.write_bytes(content)
        done = undo(sandbox, path)
        assert (done.code, done.stdout) == (0, "")
        assert done.stderr.endswith(f"There is nothing to undo in {path}.\n")
    path.unlink()
    assert undo(sandbox, path).code == 2


def test_the_progress_of_another_file_is_not_taken_for_its_own(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    writes.update("contact", first(sandbox), TITLE="Dr")
    assert undo(sandbox, path).code == 0
    path.write_bytes(path.read_bytes().replace(b'"Dr"', b'"Ms"'))
    done = undo(sandbox, path)
    assert done.code == 2
    assert "is about another file" in done.stderr


def test_an_object_that_the_account_has_no_more_is_told(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox)
    writes.update("contact", key, TITLE="Dr")
    writes.add(Updated(object_name="Gone__c", record_id=1, before={"A": 1}, after={"A": 2}))
    done = undo(sandbox, path)
    assert done.code == 1
    assert "no object 'Gone__c'" in done.stderr
    assert done.lines == [f"Contact {key}: TITLE put back."]


def test_leads_do_not_tell_where_they_are(sandbox: Sandbox, writes: Writes, path: Path) -> None:
    key, stages = first(sandbox, "/Leads"), sandbox.records("/PipelineStages")[:2]
    places = [{"PIPELINE_ID": s["PIPELINE_ID"], "STAGE_ID": s["STAGE_ID"]} for s in stages]
    writes.add(Moved(object_name="Lead", record_id=key, before=places[0], after=places[1]))
    assert "does not tell at which stage it is" in undo(sandbox, path).stdout
    assert undo(sandbox, path, "--force").lines == [f"Lead {key}: is back at its stage."]


def test_what_cannot_be_searched_is_left_to_people(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    values = {"LEAD_SOURCE": "Fair"}
    line = {"path": "/LeadSources", "values": values, "since": "2026-01-01T00:00:00Z"}
    writes.add(Creating(object_name="LeadSource", **line))
    assert "cannot be found out" in undo(sandbox, path).stdout


def test_records_that_the_api_cannot_create_are_told(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    key = first(sandbox, "/Emails")
    writes.delete("email", key)
    done = undo(sandbox, path)
    assert (done.code, done.stdout) == (1, "")
    assert f"Email {key}: Email: the API cannot create these." in done.stderr


def test_every_digit_and_every_spelling_is_the_same(
    sandbox: Sandbox, writes: Writes, path: Path
) -> None:
    made = writes.create("opportunity", OPPORTUNITY_NAME="Engine", BID_AMOUNT="1234567890123456.70")
    assert b"1234567890123456.70" in path.read_bytes()
    assert undo(sandbox, path).lines == [f"Opportunity {made} is deleted."]
    writes.add(Created(object_name="Contact", record_id=first(sandbox), values={}))
    writes.add(Deleted(object_name="Contact", record_id=2, before=dict(ADA)))
