"""Files are loaded by the target: checked whole, found, compared, written, and gone on with."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api.records.objects import standard_objects
from tap_insightly.cli.commands.load import OWN_SETTINGS
from tap_insightly.connection_settings import WITH_ACCOUNT
from tap_insightly.sandbox import Faults
from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.cli.running import COMMAND, Result, environment, run, run_in_terminal, start
from tests.cli.test_records import WRITES, contact
from tests.conftest import new_sandbox, watch

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WRITABLE = [obj.name for obj in standard_objects() if obj.key and {"create", "update"} <= obj.can]
PEOPLE = "EMAIL_ADDRESS,first_name,Last_Name,hobby\n"


def load(
    sandbox: Sandbox, content: str | bytes, *args: object, object_name: str = "contacts"
) -> Result:
    """Load CSV from standard input."""
    return run(sandbox, "load", object_name, "-", "--format", "csv", *args, input=content)


def counts(done: Result) -> dict[str, int]:
    """What the summary says."""
    _, _, said = done.stderr.strip().splitlines()[-1].partition(": ")
    pairs = (one.split()[:2] for one in said.partition(".")[0].split(", "))
    return {name: int(number.replace(",", "")) for number, name in pairs}


def by_address(sandbox: Sandbox, address: str) -> list[dict[str, Any]]:
    found = sandbox.records("/Contacts")
    return [dict(one) for one in found if one["EMAIL_ADDRESS"] == address]


def people(count: int) -> str:
    """CSV of people that have nothing in common."""
    lines = (f"p{number}@example.com,P{number},X,chess\n" for number in range(1, count + 1))
    return PEOPLE + "".join(lines)


def test_rows_update_what_is_there_and_create_what_is_not(sandbox: Sandbox) -> None:
    ada = contact(sandbox)
    content = f"{PEOPLE}{ada['EMAIL_ADDRESS']},Ada,,chess\nbob@example.com,Bob,Söhne,\n"
    done = load(sandbox, content, "--match-on", "EMAIL_ADDRESS")
    assert (done.code, done.stdout) == (0, "")
    assert done.stderr == "Contact: 1 created, 1 updated, 0 unchanged, 0 deleted, 0 rejected.\n"
    after = contact(sandbox)
    assert (after["FIRST_NAME"], after["LAST_NAME"]) == ("Ada", ada["LAST_NAME"])
    assert {c["FIELD_NAME"]: c["FIELD_VALUE"] for c in after["CUSTOMFIELDS"]}["Hobby__c"] == "chess"
    (bob,) = by_address(sandbox, "bob@example.com")
    assert (bob["FIRST_NAME"], bob["LAST_NAME"]) == ("Bob", "Söhne")
    sent = len(asked(sandbox, *WRITES))
    done = load(sandbox, content, "--match-on", "EMAIL_ADDRESS")
    assert counts(done) == {**dict.fromkeys(counts(done), 0), "unchanged": 2}
    assert len(asked(sandbox, *WRITES)) == sent


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("name", [*WRITABLE, "Fruit__c"])
def test_what_get_writes_can_be_loaded_and_changes_nothing(
    shared_sandbox: Sandbox, name: str, form: str
) -> None:
    got = run(shared_sandbox, "get", name, "--format", form)
    before = len(shared_sandbox.requests)
    done = run(shared_sandbox, "load", name, "-", "--format", form, input=got.stdout)
    assert done.code == 0, done.stderr
    found = counts(done)
    assert found.pop("unchanged") > 0
    assert set(found.values()) == {0}
    assert not [one for one in shared_sandbox.requests[before:] if one.method in WRITES]


def test_an_export_that_was_edited_changes_what_was_edited(sandbox: Sandbox) -> None:
    before = [dict(one) for one in sandbox.records("/Contacts")]
    got = run(sandbox, "get", "contacts", "--format", "csv").stdout
    names, *rows = csv.reader(io.StringIO(got, newline=""))
    rows[3][names.index("TITLE")] = 'Countess, "the" first\nof her name'
    rows[3][names.index("Hobby__c")] = "=chess"
    edited = io.StringIO()
    csv.writer(edited, delimiter=";").writerows([names, *rows])
    done = load(sandbox, edited.getvalue())
    assert counts(done) == {**dict.fromkeys(counts(done), 0), "unchanged": 59, "updated": 1}
    after = [dict(one) for one in sandbox.records("/Contacts")]
    (number,) = [
        n for n, (one, other) in enumerate(zip(before, after, strict=True)) if one != other
    ]
    changed = {name for name, value in after[number].items() if value != before[number][name]}
    assert changed == {"TITLE", "CUSTOMFIELDS", "DATE_UPDATED_UTC"}
    assert after[number]["TITLE"] == 'Countess, "the" first\nof her name'


def test_columns_go_where_they_are_mapped_to(sandbox: Sandbox) -> None:
    content = "mail,what he does,junk,First_Name,_sdc_batched_at\nbo@example.com,chess,x,Bo,\n"
    maps = ("mail=EMAIL_ADDRESS", "what he does=hobby", "junk=")
    done = load(sandbox, content, *(arg for one in maps for arg in ("--map", one)))
    assert done.code == 0, done.stderr
    (made,) = by_address(sandbox, "bo@example.com")
    assert [c["FIELD_VALUE"] for c in made["CUSTOMFIELDS"] if c["FIELD_NAME"] == "Hobby__c"] == [
        "chess"
    ]


def test_what_the_api_takes_otherwise_is_left_out_and_named(sandbox: Sandbox) -> None:
    done = load(sandbox, "FIRST_NAME,DATE_CREATED_UTC\nBo,2020-01-01\n")
    assert done.code == 0
    assert "Left out" in done.stderr
    assert "DATE_CREATED_UTC" in done.stderr


def test_what_is_gone_is_deleted_only_if_allowed(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    key = first(sandbox)
    content = f"CONTACT_ID,_sdc_deleted_at\n{key},2026-01-31T00:00:00Z\n{key + 1},\n"
    done = load(sandbox, content)
    assert (done.code, counts(done)["deleted"]) == (0, 0)
    assert "1 records are deleted at their source and were left here" in caplog.text
    assert sandbox.tables["/Contacts"].find(key)
    done = load(sandbox, content, "--allow-delete")
    assert (done.code, counts(done)["deleted"]) == (0, 1)
    assert not sandbox.tables["/Contacts"].find(key)


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(sandbox: Sandbox) -> None:
    key = first(sandbox)
    content = f"CONTACT_ID,FIRST_NAME,TITLE\n{key},,Dr\n,Bo,\n"
    done = load(sandbox, content, "-n")
    assert done.code == 0
    assert not asked(sandbox, *WRITES)
    assert sorted(done.lines) == [
        f'POST {sandbox.api_url}/Contacts {{"FIRST_NAME":"Bo"}}',
        f'PUT {sandbox.api_url}/Contacts {{"CONTACT_ID":{key},"TITLE":"Dr"}}',
    ]
    assert "Nothing was sent" in done.stderr
    assert "--skip-rows" not in done.stderr
    assert load(sandbox, content).stdout == ""
    sent = [one for one in sandbox.requests if one.method in WRITES]
    bodies = {f"{one.method} {json.dumps(json.loads(one.body))}" for one in sent}
    shown = [line.split(" ", 2) for line in done.lines]
    assert bodies == {f"{method} {json.dumps(json.loads(body))}" for method, _, body in shown}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["contacts", "none.csv"], "none.csv"),
        (["contacts", "."], "Is a directory"),
        (["conact", "-", "--format", "csv"], "no object 'conact'. Did you mean 'Contact'"),
        (["contacts", "-"], "say with --format whether it is csv or jsonl"),
        (["contacts", "-", "--format", "xml"], "'xml' is not one of"),
        (["contacts", "-", "--format", "jsonl", "--clear-empty"], "are for CSV"),
        (["contacts", "-", "--format", "jsonl", "--delimiter", ";"], "are for CSV"),
        (["contacts", "-", "--format", "csv", "--delimiter", ";;"], "';;' is none; one character"),
        (["contacts", "-", "--format", "csv", "--delimiter", '"'], "is none; one character"),
        (["contacts", "-", "--format", "csv", "--skip-rows", "-1"], "--skip-rows"),
        (["contacts", "-", "--format", "csv", "--skip-rows", "2"], "has only 1 rows"),
        (["contacts", "-", "--format", "csv", "--match-on", "TITEL"], "no field 'TITEL'"),
        (["contacts", "-", "--format", "csv", "--match-on", "TITLE"], "no property of it"),
        (["contacts", "-", "--format", "csv", "--map", "FIRST_NAME"], "is not NAME=value"),
        (
            ["contacts", "-", "--format", "csv", "--map", "x=TITLE"],
            "which the stream does not have",
        ),
        (["contacts", "-", "--format", "csv", "--on-error", "stop"], "accepted is fail or skip"),
        (["contacts", "-", "--format", "csv", "--rejects-file", "no/f"], "Setting 'rejects_file'"),
        (["countries", "-", "--format", "csv"], "can neither create nor update"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_sent(
    sandbox: Sandbox, args: list[str], said: str
) -> None:
    done = run(sandbox, "load", *args, input="FIRST_NAME\nBo\n")
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr.replace("\n", " ")
    assert not asked(sandbox, *WRITES)


def test_a_key_that_is_not_accepted_is_no_wrong_usage(sandbox: Sandbox) -> None:
    done = run(
        sandbox, "load", "contacts", "-", "--format", "csv", input=people(1), api_key="wrong"
    )
    assert (done.code, "did not accept the API key" in done.stderr) == (77, True)


def test_a_row_that_is_refused_ends_it_and_says_how_to_go_on(sandbox: Sandbox) -> None:
    content = people(3).replace("P2,X", f"P2,{'X' * 300}")
    args = ("--match-on", "EMAIL_ADDRESS", "--max-concurrency", "1")
    done = load(sandbox, content, *args)
    assert (done.code, done.stdout) == (1, "")
    assert "EMAIL_ADDRESS 'p2@example.com' was refused: Contact: LAST_NAME: 300 char" in done.stderr
    assert "Add --on-error to skip" in done.stderr or "Set --on-error to skip" in done.stderr
    assert "Rows up to 1 of 3 are written" in done.stderr
    assert "go on with --skip-rows 1" in done.stderr
    assert "Contact: 1 created, " in done.stderr
    done = load(sandbox, people(3), *args, "--skip-rows", "1")
    assert counts(done)["created"] == 2
    assert all(len(by_address(sandbox, f"p{n}@example.com")) == 1 for n in (1, 2, 3))


def test_rows_that_are_refused_can_be_kept_mended_and_loaded(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    content = people(3).replace("P2,X", f"P2,{'X' * 300}")
    rejects = tmp_path / "rejects.jsonl"
    done = load(sandbox, content, "--on-error", "skip", "--rejects-file", rejects)
    assert done.code == 1, "not all is done"
    assert (counts(done)["created"], counts(done)["rejected"]) == (2, 1)
    (kept,) = [json.loads(line) for line in rejects.read_text().splitlines()]
    mended = json.dumps({**kept["record"], "Last_Name": "X"})
    done = run(sandbox, "load", kept["stream"], "-", "--format", "jsonl", input=mended)
    assert counts(done)["created"] == 1
    (made,) = by_address(sandbox, "p2@example.com")
    assert (made["LAST_NAME"], made["FIRST_NAME"]) == ("X", "P2")


def test_a_row_is_told_by_its_number_in_the_file(sandbox: Sandbox) -> None:
    content = f"TITLE,LAST_NAME\nDr,A\nDr,B\nDr,{'X' * 300}\n"
    done = load(sandbox, content, "--skip-rows", "2")
    assert "number 3 was refused" in done.stderr
    assert done.code == 1


def test_all_rows_skipped_is_nothing_to_do(sandbox: Sandbox) -> None:
    done = load(sandbox, people(2), "--skip-rows", "2")
    assert (done.code, counts(done)) == (0, dict.fromkeys(counts(done), 0))
    assert not asked(sandbox, *WRITES)


def test_what_is_said_of_the_sdk_is_not_repeated(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(people(20))
    process = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, "load", "contacts", "a.csv"],
        env=environment(sandbox),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    said = "Contact: 20 created, 0 updated, 0 unchanged, 0 deleted, 0 rejected.\n"
    assert (process.returncode, process.stdout, process.stderr) == (0, "", said)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_ended_half_way_says_how_far_it_came_and_goes_on(
    sandbox: Sandbox, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "people.csv").write_text(people(200))
    args = ("load", "contacts", "people.csv", "--match-on", "EMAIL_ADDRESS")
    process = start(sandbox, *args, folder=tmp_path)

    def end(_: Any) -> None:
        if len(asked(sandbox, "POST")) == 40:
            os.kill(process.pid, number)

    sandbox.on_request = end
    stdout, stderr = process.communicate(timeout=60)
    watch(stdout, stderr)
    sandbox.on_request = lambda _: None
    assert (process.returncode, stdout) == (code, "")
    assert "Traceback" not in stderr
    *_, said = stderr.splitlines()
    assert said.startswith("It was ended. Rows up to "), stderr
    skip = int(said.rpartition("--skip-rows ")[2].removesuffix("."))
    made = {one["EMAIL_ADDRESS"] for one in sandbox.records("/Contacts")}
    assert {f"p{n}@example.com" for n in range(1, skip + 1)} <= made
    assert 0 < skip < 200
    done = run(
        sandbox, "load", "contacts", tmp_path / "people.csv", *args[-2:], "--skip-rows", skip
    )
    assert done.code == 0, done.stderr
    for n in range(1, 201):
        assert len(by_address(sandbox, f"p{n}@example.com")) == 1


def test_what_insightly_ends_says_how_far_it_came(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(record_limit=sandbox.count("/Contacts") + 2)
    done = load(sandbox, people(5), "--max-concurrency", "1")
    assert done.code == 1
    assert "as much as its plan allows" in done.stderr
    assert "Rows up to 2 of 5 are written" in done.stderr


def test_nothing_written_is_told_as_nothing(sandbox: Sandbox) -> None:
    done = load(sandbox, f"FIRST_NAME\n{'X' * 300}\n")
    assert done.code == 1
    assert "--skip-rows" not in done.stderr


def test_a_terminal_shows_how_far_it_is_and_keeps_what_is_said(tmp_path: Path) -> None:
    with new_sandbox(records=5).serve() as sandbox:
        (tmp_path / "people.csv").write_text(people(3).replace("P2,X", f"P2,{'X' * 300}"))
        args = ("load", "contacts", "people.csv", "--on-error", "skip")
        done = run_in_terminal(sandbox, *args, folder=tmp_path, columns=100)
    assert done.code == 1
    assert "Rows  [" in done.stdout
    said = re.sub(r"\n[^\n]*\x1b\[A", "", done.stdout).replace("\x1b[J", "")
    warned, rejected, kept, summary = said.splitlines()
    assert "--rejects-file is not set" in warned or "rejects_file is not set" in warned
    assert rejected.endswith("300 characters are too long; at most 255 fit.")
    assert "1 records were rejected" in kept
    assert summary.endswith("Contact: 2 created, 0 updated, 0 unchanged, 0 deleted, 1 rejected.")


def test_settings_of_the_target_are_options(sandbox: Sandbox) -> None:
    shown = run(None, "load", "--help", api_key=None).stdout
    for setting in OWN_SETTINGS:
        is_shown = f"  --{setting.name.replace('_', '-')}" in shown
        assert is_shown is (setting.name not in {one.name for one in WITH_ACCOUNT})
    for option in ("--match-on", "--map", "--dry-run", "--skip-rows"):
        assert option in shown
    done = load(sandbox, people(1), "--on-error", "skip", "--no-skip-unchanged")
    assert done.code == 0
    done = run(
        sandbox, "load", "contacts", "-", "--format", "csv", input=people(1), on_error="stop"
    )
    assert (done.code, "Setting 'on_error'" in done.stderr) == (2, True)
