"""Records are read, created, updated and deleted by the names of their objects and fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.cli.running import run, run_as_process
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE")
ADA = ("FIRST_NAME=Ada", "LAST_NAME=Lovelace")


def as_json(value: Any) -> Any:
    """A record of the sandbox as it comes out of JSON again."""
    return json.loads(json.dumps(value, default=float))


def contact(sandbox: Sandbox, key: int | None = None) -> dict[str, Any]:
    """A contact of the sandbox; the first unless an id is given."""
    found = sandbox.tables["/Contacts"].find(key or first(sandbox))
    assert found is not None
    return dict(found)


@pytest.mark.parametrize("name", ["contact", "Contacts", "CONTACT"])
def test_a_record_is_read_by_any_spelling_of_its_object(shared_sandbox: Sandbox, name: str) -> None:
    done = run(shared_sandbox, "get", name, first(shared_sandbox))
    assert (done.code, done.stderr) == (0, "")
    assert done.json == as_json(shared_sandbox.records("/Contacts")[0])


@pytest.mark.parametrize("is_lines", [True, False])
def test_a_list_is_whole(large_sandbox: Sandbox, *, is_lines: bool) -> None:
    done = run(large_sandbox, "get", "leads", *(["--jsonl"] if is_lines else []))
    found = [json.loads(line) for line in done.lines] if is_lines else done.json
    assert found == as_json(large_sandbox.records("/Leads"))


def test_a_list_without_anything_is_an_empty_array(shared_sandbox: Sandbox) -> None:
    nobody = ("contacts", "--where", "FIRST_NAME=Nobody At All")
    assert run(shared_sandbox, "get", *nobody).json == []
    assert run(shared_sandbox, "get", *nobody, "--jsonl").stdout == ""


def test_a_list_has_a_limit(large_sandbox: Sandbox) -> None:
    done = run(large_sandbox, "get", "contacts", "--limit", "7", "--jsonl")
    found = [json.loads(line)["CONTACT_ID"] for line in done.lines]
    assert found == [one["CONTACT_ID"] for one in large_sandbox.records("/Contacts")[:7]]
    assert large_sandbox.requests[-1].query["top"] == "7", "no more is asked for"


def test_only_some_fields_are_written_custom_ones_too(shared_sandbox: Sandbox) -> None:
    wanted = contact(shared_sandbox)
    hobby = next(c for c in wanted["CUSTOMFIELDS"] if c["FIELD_NAME"] == "Hobby__c")
    done = run(
        shared_sandbox, "get", "contact", wanted["CONTACT_ID"], "--fields", "last_name, hobby"
    )
    assert done.json == {"LAST_NAME": wanted["LAST_NAME"], "Hobby__c": hobby["FIELD_VALUE"]}
    done = run(shared_sandbox, "get", "contacts", "--fields", "CONTACT_ID", "--jsonl")
    ids = [{"CONTACT_ID": one["CONTACT_ID"]} for one in shared_sandbox.records("/Contacts")]
    assert [json.loads(line) for line in done.lines] == ids


def test_a_list_is_searched_by_one_field(shared_sandbox: Sandbox) -> None:
    wanted = contact(shared_sandbox)
    where = f"email_address={wanted['EMAIL_ADDRESS']}"
    done = run(shared_sandbox, "get", "contacts", "--where", where)
    assert [one["CONTACT_ID"] for one in done.json] == [wanted["CONTACT_ID"]]


def test_a_list_begins_at_a_moment(shared_sandbox: Sandbox) -> None:
    moment = "2026-01-01T02:00:00+02:00"
    done = run(shared_sandbox, "get", "contacts", "--updated-after", moment, "--jsonl")
    found = {json.loads(line)["CONTACT_ID"] for line in done.lines}
    everything = shared_sandbox.records("/Contacts")
    start = "2026-01-01 00:00:00"
    newer = {one["CONTACT_ID"] for one in everything if one["DATE_UPDATED_UTC"] > start}
    assert found == newer
    assert 0 < len(found) < len(everything)


def test_the_version_of_a_record_is_written_alone(shared_sandbox: Sandbox) -> None:
    done = run(shared_sandbox, "get", "contact", first(shared_sandbox), "--etag")
    assert done.stdout.strip() == shared_sandbox.etag("/Contacts", contact(shared_sandbox))


def test_the_records_of_a_custom_object_are_like_any_other(sandbox: Sandbox) -> None:
    made = run(sandbox, "create", "fruit", "RECORD_NAME=Quince", "-q")
    assert made.code == 0, made.stderr
    key = made.stdout.strip()
    assert run(sandbox, "get", "Fruit__c", key).json["RECORD_NAME"] == "Quince"
    assert run(sandbox, "update", "fruit", key, "record_name=Pear").json["RECORD_NAME"] == "Pear"
    assert run(sandbox, "delete", "fruits", key, "--yes").code == 0
    assert run(sandbox, "get", "fruit", key).code == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["get", "contact", "301", "--limit", "2"], "are for lists"),
        (["get", "contacts", "--etag"], "--etag is for one record"),
        (["get", "contact", "x"], "not a valid integer"),
        (["get", "contacts", "--limit", "0"], "--limit"),
        (["get", "contacts", "--updated-after", "then"], "got 'then'; accepted is"),
        (["get", "countries", "--updated-after", "2026-01-01"], "no search"),
        (["update", "contact", "301"], "nothing to write"),
        (["update", "contact", "301", "--from", "none.json"], "none.json"),
        (["delete", "contact", "301"], "Delete Contact 301: that needs --yes"),
        (["delete", "country", "301", "--yes"], "cannot delete these"),
    ],
)
def test_wrong_usage_is_named_and_nothing_is_sent(
    sandbox: Sandbox, args: list[str], said: str
) -> None:
    done = run(sandbox, *args)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not sandbox.requests


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["get", "conact"], "no object 'conact'. Did you mean 'Contact'"),
        (["get", "contacts", "--where", "FIRST_NAM=Ada"], "did you mean 'FIRST_NAME'"),
        (["get", "contacts", "--where", "ORGANISATION_ID=x"], "accepted is a whole number"),
        (["get", "contacts", "--where", "A=1", "--where", "B=2"], "one field, as the API does"),
        (["get", "contacts", "--where", "TITLE="], "no search finds what is empty"),
        (["get", "contacts", "--fields", "TITLE,HOBY"], "no field 'HOBY' (did you mean 'Hobby__c'"),
        (["create", "contact", "FIRST_NAME=Ada", "TITLE"], "'TITLE' is not NAME=value"),
        (["create", "contact", "TITLE=a", "TITLE=b"], "TITLE is given twice"),
        (["create", "contact", "TITLE=Dr"], "FIRST_NAME is missing"),
        (["create", "country", "COUNTRY_NAME=Utopia"], "cannot create these"),
        (["create", "contact", *ADA, "DATE_CREATED_UTC=2026-01-01"], "is read-only"),
        (["update", "contact", "301", "FIRST_NAME="], "FIRST_NAME cannot be cleared"),
        (["update", "opportunity", "301", "STAGE_ID=1"], "/Opportunities/{id}/PipelineStage"),
        (["update", "contact", "301", "--from", "-"], "Standard input is not JSON"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_written(
    sandbox: Sandbox, args: list[str], said: str
) -> None:
    done = run(sandbox, *args, input="{")
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not asked(sandbox, *WRITES)


def test_all_that_is_wrong_is_told_at_once(sandbox: Sandbox) -> None:
    given = ["TITEL=Dr", "ORGANISATION_ID=x", "NEXT_ACTIVITY_DATE_UTC=2026-01-01"]
    done = run(sandbox, "create", "contact", "LAST_NAME=Lovelace", *given)
    assert done.code == 2
    for said in ("'TITEL'", "ORGANISATION_ID: got 'x'", "is read-only", "FIRST_NAME is missing"):
        assert said in done.stderr
    assert not asked(sandbox, *WRITES)


def test_a_record_is_created_and_written(sandbox: Sandbox) -> None:
    given = ["first_name=Ada", "LAST_NAME=Love=lace", "TAGS=vip; london", "hobby=chess"]
    done = run(sandbox, "create", "contact", *given)
    assert (done.code, done.stderr) == (0, "")
    made = contact(sandbox, done.json["CONTACT_ID"])
    assert done.json == as_json(made)
    assert (made["FIRST_NAME"], made["LAST_NAME"]) == ("Ada", "Love=lace")
    assert [tag["TAG_NAME"] for tag in made["TAGS"]] == ["vip", "london"]
    assert {c["FIELD_NAME"]: c["FIELD_VALUE"] for c in made["CUSTOMFIELDS"]}["Hobby__c"] == "chess"


def test_the_id_alone_is_for_shells(sandbox: Sandbox) -> None:
    done = run(sandbox, "create", "contact", *ADA, "--id-only")
    assert done.stdout == f"{sandbox.records('/Contacts')[-1]['CONTACT_ID']}\n"
    key = done.stdout.strip()
    assert run(sandbox, "update", "contact", key, "TITLE=Dr", "-q").stdout == done.stdout


@pytest.mark.parametrize("is_file", [True, False])
def test_values_come_from_a_file_and_arguments_go_before(
    sandbox: Sandbox, tmp_path: Path, *, is_file: bool
) -> None:
    values = json.dumps({"first_name": "Augusta", "LAST_NAME": "Lovelace", "TITLE": "Countess"})
    (tmp_path / "ada.json").write_text(values)
    file = str(tmp_path / "ada.json") if is_file else "-"
    args = ["create", "contact", "FIRST_NAME=Ada", "title=", "--from", file]
    made = run(sandbox, *args, input=None if is_file else values).json
    assert (made["FIRST_NAME"], made["LAST_NAME"]) == ("Ada", "Lovelace")
    assert made["TITLE"] is None


def test_every_digit_of_a_file_is_sent(sandbox: Sandbox) -> None:
    values = '{"OPPORTUNITY_NAME": "Engine", "BID_AMOUNT": 1234567890123456.70}'
    done = run(sandbox, "create", "opportunity", "--from", "-", "--dry-run", input=values)
    assert '"BID_AMOUNT": 1234567890123456.70' in done.stdout


def test_a_record_is_created_once_even_if_the_answer_is_lost(sandbox: Sandbox) -> None:
    before = sandbox.count("/Contacts")
    sandbox.faults = Faults(script=["ok", "lost"])
    done = run(sandbox, "create", "contact", *ADA)
    assert done.code == 0
    assert sandbox.count("/Contacts") == before + 1
    assert done.json == as_json(sandbox.records("/Contacts")[-1])
    assert not sandbox.faults.script, "the answer was lost"


def test_what_belongs_to_another_record_is_created_below_it(sandbox: Sandbox) -> None:
    project = first(sandbox, "/Projects")
    values = ["TITLE=Done", "COMPLETED=false", "DUE_DATE=2026-01-31", f"project_id={project}"]
    done = run(sandbox, "create", "milestone", *values)
    assert done.code == 0, done.stderr
    assert asked(sandbox, "POST") == [f"POST /Projects/{project}/Milestones"]
    key = done.json["MILESTONE_ID"]
    assert run(sandbox, "update", "milestone", key, "TITLE=Really done").code == 0
    assert run(sandbox, "delete", "milestone", key, "--yes").code == 0
    assert sandbox.tables["/Milestones"].find(key) is None


def test_only_what_is_named_is_changed(sandbox: Sandbox) -> None:
    before = contact(sandbox)
    assert before["PHONE"]
    done = run(sandbox, "update", "contact", before["CONTACT_ID"], "TITLE=Countess", "PHONE=")
    after = contact(sandbox)
    assert done.json == as_json(after)
    assert (after["TITLE"], after["PHONE"]) == ("Countess", None)
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"TITLE", "PHONE", "DATE_UPDATED_UTC"}


def test_an_update_that_somebody_came_before_is_refused(sandbox: Sandbox) -> None:
    key = first(sandbox)
    etag = run(sandbox, "get", "contact", key, "--etag").stdout.strip()
    assert run(sandbox, "update", "contact", key, "TITLE=Dr", "--if-match", etag).code == 0
    done = run(sandbox, "update", "contact", key, "TITLE=Countess", "--if-match", etag)
    assert (done.code, done.stdout) == (1, "")
    assert "was changed by someone else" in done.stderr
    assert contact(sandbox)["TITLE"] == "Dr"


def test_nothing_is_sent_if_nothing_differs(sandbox: Sandbox) -> None:
    given = ["update", "contact", first(sandbox), "TITLE=Countess", "--skip-unchanged"]
    assert run(sandbox, *given).code == 0
    done = run(sandbox, *given)
    assert done.json == as_json(contact(sandbox))
    assert asked(sandbox, *WRITES) == ["PUT /Contacts"], "the first of the two"
    done = run(sandbox, *given, "--dry-run")
    assert (done.code, done.stdout) == (0, "")
    assert "Nothing differs" in done.stderr


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (["create", "contact", *ADA], "POST {url}/Contacts"),
        (["update", "contact", "{key}", "TITLE=Dr"], "PUT {url}/Contacts"),
        (["update", "contact", "{key}", "TITLE=Dr", "--skip-unchanged"], "PUT {url}/Contacts"),
        (["delete", "contact", "{key}"], "DELETE {url}/Contacts/{key}"),
        (["delete", "leadsource", "7"], "DELETE {url}/LeadSources?id=7"),
    ],
)
def test_a_dry_run_shows_the_request_and_sends_no_write(
    sandbox: Sandbox, args: list[str], shown: str
) -> None:
    key = first(sandbox)
    args = [arg.format(key=key) for arg in args]
    done = run(sandbox, *args, "--dry-run")
    assert (done.code, done.stderr) == (0, "")
    assert done.lines[0] == shown.format(url=sandbox.api_url, key=key)
    assert not asked(sandbox, *WRITES)
    if args[0] != "delete":
        body = json.loads(done.stdout.partition("\n")[2])
        assert run(sandbox, *args).code == 0
        assert json.loads(sandbox.requests[-1].body) == body, "what is sent without --dry-run"


def test_a_dry_run_shows_the_version(sandbox: Sandbox) -> None:
    done = run(sandbox, "update", "contact", first(sandbox), "TITLE=Dr", "-n", "--if-match", '"a"')
    assert done.lines[1] == 'If-Match: "a"'


def test_a_record_that_is_deleted_is_gone(sandbox: Sandbox) -> None:
    key = first(sandbox)
    done = run(sandbox, "delete", "contact", key, "--yes")
    assert (done.code, done.stdout) == (0, "")
    assert done.stderr == f"Contact {key} is deleted.\n"
    assert sandbox.tables["/Contacts"].find(key) is None


@pytest.mark.parametrize("args", [["get", "contact", "1"], ["update", "contact", "1", "TITLE=x"]])
def test_a_record_that_is_gone_is_told_as_404(sandbox: Sandbox, args: list[str]) -> None:
    done = run(sandbox, *args)
    assert (done.code, done.stdout) == (1, "")
    assert "(404)" in done.stderr


def test_a_full_account_is_told(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(record_limit=1)
    done = run(sandbox, "create", "contact", *ADA)
    assert done.code == 1
    assert "as much as its plan allows" in done.stderr


def test_a_script_can_read_change_and_delete(tmp_path: Path) -> None:
    with new_sandbox(records=5).serve() as sandbox:
        made = run_as_process(sandbox, "create", "contact", *ADA, "-q", folder=tmp_path)
        key = made.stdout.strip()
        done = run_as_process(sandbox, "update", "contact", key, "TITLE=Dr", folder=tmp_path)
        assert done.json["TITLE"] == "Dr"
        done = run_as_process(sandbox, "delete", "contact", key, folder=tmp_path)
        assert done.code == 2
        done = run_as_process(sandbox, "delete", "contact", key, "-y", folder=tmp_path)
        assert done.code == 0
        assert run_as_process(sandbox, "get", "contact", key, folder=tmp_path).code == 1
