"""How undoing is called: what it asks, shows and refuses, and how it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_insightly.undo_file.lines import UpdatedLine
from tests.api.conftest import asked
from tests.cli.conftest import first
from tests.cli.running import run
from tests.conftest import new_sandbox
from tests.undo.running import ADA, WRITES, found, undo
from tests.undo.writing import Writes, new_ids, plain

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

ACCOUNT = b'{"action":"account","url":"%b"}\n'
CREATING = b'{"action":"creating","object":"x","path":"/x","values":{},"since":"x"}\n'
LINE = b'{"action":"updated","object":"Contact","id":1,"before":{},"after":{}}\n'


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
        (ACCOUNT + CREATING, "line 2: it is not a line of such a file: Invalid isoformat"),
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
    writes.add(UpdatedLine(object_name="Gone__c", record_id=1, before={"A": 1}, after={"A": 2}))
    done = undo(sandbox, path)
    assert done.code == 1
    assert "no object 'Gone__c'" in done.stderr
    assert done.lines == [f"Contact {key}: TITLE put back."]
