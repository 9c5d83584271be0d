"""`insightly files`: each content once, nothing forgotten by a cut, within a share of the quota."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.attachments import AddressError, ContentStore, StoreError
from tap_insightly.sandbox.handlers import attached
from tests.cli.running import run, start
from tests.conftest import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

PLACE = "/FileAttachments/{id}"
MOST = 5_000_000  # bytes of a file that is fetched here; the sandbox has one of 5 GB


def content_of(row: dict[str, Any]) -> bytes:
    """What a file holds."""
    return b"".join(attached.content_of(row))


def attachments(sandbox: Sandbox, *paths: str) -> dict[int, dict[str, Any]]:
    """The files of some kinds of records that have a content, by id."""
    return {
        row["FILE_ID"]: row
        for path in paths or ("/Contacts", "/Notes", "/Opportunities")
        for rows in sandbox.children(path, "FileAttachments").values()
        for row in rows
        if row["FILE_SIZE"] is not None and row["FILE_SIZE"] < MOST
    }


def listed(folder: Path, rows: dict[int, dict[str, Any]]) -> Path:
    """A list of files."""
    path = folder / "list.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows.values()))
    return path


def index(folder: Path) -> dict[int, dict[str, Any]]:
    """What the index says of each file."""
    lines = [
        json.loads(line)
        for path in sorted((folder / "index").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return {line["FILE_ID"]: line for line in lines}


def check(folder: Path, rows: dict[int, dict[str, Any]]) -> None:
    """Each file is there, as it is in Insightly, and each content is there once."""
    entries = index(folder)
    assert {key for key, one in entries.items() if one["STATUS"] == "stored"} == set(rows)
    for key, row in rows.items():
        content = (folder / entries[key]["PATH"]).read_bytes()
        assert content == content_of(row)
        assert entries[key]["SHA256"] == hashlib.sha256(content).hexdigest()
    # What was being written when a process was killed has a name that begins with a dot.
    stored = [path for path in (folder / "content").rglob("[!.]*") if path.is_file()]
    assert len(stored) == len({content_of(row) for row in rows.values()})


def asked(sandbox: Sandbox) -> Counter[int]:
    """How often each content was asked for."""
    return Counter(
        int(one.path.rpartition("/")[2])
        for one in sandbox.requests
        if "/FileAttachments/" in one.path
    )


def test_contents_are_fetched_once(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = attachments(sandbox)
    copies = dict(list(rows.items())[:2])
    for row in copies.values():  # the same file on other records
        made = sandbox.create_child(
            "/Leads", sandbox.records("/Leads")[0]["LEAD_ID"], "FileAttachments", **row
        )
        rows[made["FILE_ID"]] = made
    path = listed(tmp_path, rows)
    first = run(sandbox, "files", "--to", tmp_path / "to", "--list", path, "--json")
    assert (first.code, first.json["stored"], first.json["contents"]) == (
        0,
        len(rows),
        len({content_of(row) for row in rows.values()}),
    )
    check(tmp_path / "to", rows)
    assert len(list((tmp_path / "to/index").iterdir())) == 1
    second = run(sandbox, "files", "--to", tmp_path / "to", "--list", path, "--json")
    assert (second.json["stored"], second.json["requests"]) == (0, 0)
    assert set(asked(sandbox).values()) == {1}


def test_records_of_any_kind_can_be_named(sandbox: Sandbox, tmp_path: Path) -> None:
    (record_id, *_), rows = (
        list(sandbox.children("/Notes", "FileAttachments")),
        attachments(sandbox, "/Notes"),
    )
    done = run(sandbox, "files", "--to", tmp_path / "to", "note", record_id)
    assert done.code == 0
    own = {row["FILE_ID"] for row in sandbox.children("/Notes", "FileAttachments")[record_id]}
    check(tmp_path / "to", {key: row for key, row in rows.items() if key in own})


def test_messages_of_a_tap_are_a_list(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = attachments(sandbox, "/Contacts")
    messages = [
        {"type": "SCHEMA", "stream": "file_attachments", "schema": {}, "key_properties": []},
        {"type": "RECORD", "stream": "contacts", "record": {"CONTACT_ID": 1}},
        *(
            {"type": "RECORD", "stream": "x-file_attachments", "record": row}
            for row in rows.values()
        ),
        {"type": "STATE", "value": {}},
    ]
    text = "".join(json.dumps(one) + "\n" for one in messages)
    done = run(sandbox, "files", "--to", tmp_path / "to", "--list", "-", input=text)
    assert done.code == 0
    check(tmp_path / "to", rows)


@pytest.mark.parametrize("share", [0.001, 0.01])
def test_no_run_uses_more_than_its_share_and_the_next_goes_on_without_a_list(
    sandbox: Sandbox, tmp_path: Path, share: float
) -> None:
    rows = attachments(sandbox)
    sandbox.faults.daily_quota = 3000
    allowed = int(3000 * share)
    arguments = ["files", "--to", tmp_path / "to", "--quota-share", share]
    before = sandbox.faults.used
    done = run(sandbox, *arguments, "--list", listed(tmp_path, rows))
    assert done.code == 0
    assert sandbox.faults.used - before == min(allowed, len(rows))
    if allowed < len(rows):
        assert f"{len(rows) - allowed:,} are left for the next run" in done.stdout
    for _ in range(len(rows)):
        used = sandbox.faults.used
        run(sandbox, *arguments)
        assert sandbox.faults.used - used <= allowed
        if sandbox.faults.used == used:
            break
    check(tmp_path / "to", rows)


@pytest.mark.parametrize(
    ("bodies", "problem"),
    [
        ([lambda body: body[: len(body) // 2]], "it was cut off"),
        ([lambda _: b""], "it was cut off"),
        ([lambda body: body[:-1]], "it was cut off"),
    ],
)
def test_a_content_that_is_cut_without_a_word_is_not_stored(
    sandbox: Sandbox, tmp_path: Path, bodies: list[Any], problem: str
) -> None:
    rows = dict(list(attachments(sandbox).items())[:1])
    sandbox.faults.bodies[PLACE] = bodies
    arguments = ["files", "--to", tmp_path / "to"]
    done = run(sandbox, *arguments, "--list", listed(tmp_path, rows))
    assert (done.code, problem in done.stderr) == (0, True)
    assert run(sandbox, *arguments).code == 0
    check(tmp_path / "to", rows)


def test_a_page_in_place_of_a_content_is_not_stored(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = dict(list(attachments(sandbox).items())[:1])
    sandbox.faults.script.append("html")
    arguments = ["files", "--to", tmp_path / "to"]
    done = run(sandbox, *arguments, "--list", listed(tmp_path, rows))
    assert "a page came in its place (text/html" in done.stderr
    run(sandbox, *arguments)
    check(tmp_path / "to", rows)


def test_another_size_than_told_is_stored_and_said(sandbox: Sandbox, tmp_path: Path) -> None:
    """Whether the size is told in bytes is not documented."""
    rows = dict(list(attachments(sandbox).items())[:1])
    ((key, row),) = rows.items()
    told = {key: {**row, "FILE_SIZE": row["FILE_SIZE"] // 1024}}
    done = run(sandbox, "files", "--to", tmp_path / "to", "--list", listed(tmp_path, told))
    assert "1 have another size than Insightly tells" in done.stdout
    check(tmp_path / "to", rows)


def test_what_fails_now_and_then_is_fetched_all_the_same(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = attachments(sandbox)
    sandbox.faults.error_rate = sandbox.faults.reset_rate = sandbox.faults.truncate_rate = 0.05
    done = run(sandbox, "files", "--to", tmp_path / "to", "--list", listed(tmp_path, rows))
    assert done.code == 0
    check(tmp_path / "to", rows)


def test_a_file_that_is_gone_is_not_asked_for_again(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = attachments(sandbox, "/Contacts")
    gone, *_ = rows
    parent_id = next(
        key
        for key, files in sandbox.children("/Contacts", "FileAttachments").items()
        if gone in {one["FILE_ID"] for one in files}
    )
    path = listed(tmp_path, rows)
    sandbox.delete_child("/Contacts", parent_id, "FileAttachments", gone)
    done = run(sandbox, "files", "--to", tmp_path / "to", "--list", path)
    assert "1 are gone from Insightly" in done.stdout
    run(sandbox, "files", "--to", tmp_path / "to", "--list", path)
    assert asked(sandbox)[gone] == 1
    assert index(tmp_path / "to")[gone]["STATUS"] == "gone"


@pytest.mark.parametrize("status", [403, 400])
def test_refusals_end_the_run_only_if_all_is_refused(
    sandbox: Sandbox, tmp_path: Path, status: int
) -> None:
    rows = attachments(sandbox)
    path = listed(tmp_path, rows)
    sandbox.faults.statuses[PLACE] = [status]
    once = run(sandbox, "files", "--to", tmp_path / "to", "--list", path)
    assert (once.code, "1 failed" in once.stdout) == (0, True)
    run(sandbox, "files", "--to", tmp_path / "to")
    check(tmp_path / "to", rows)


def test_a_server_that_is_broken_is_not_asked_for_every_file(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    rows = attachments(sandbox)
    sandbox.faults.statuses[PLACE] = 400
    done = run(
        sandbox,
        "files",
        "--to",
        tmp_path / "to",
        "--list",
        listed(tmp_path, rows),
        max_concurrency=1,
    )
    assert done.code != 0
    assert len(asked(sandbox)) == 5


def test_a_quota_that_runs_out_keeps_what_was_fetched(sandbox: Sandbox, tmp_path: Path) -> None:
    rows = attachments(sandbox)
    sandbox.faults.daily_quota = len(rows) // 2
    arguments = ["files", "--to", tmp_path / "to", "--quota-share", 1]
    done = run(sandbox, *arguments, "--list", listed(tmp_path, rows))
    assert done.code in {0, 75}
    sandbox.faults.daily_quota = 5000
    assert run(sandbox, *arguments).code == 0
    check(tmp_path / "to", rows)
    assert max(asked(sandbox).values()) <= 2  # one may have met the end of the quota


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_is_gone_on_with(
    sandbox: Sandbox, tmp_path: Path, by: signal.Signals
) -> None:
    rows = attachments(sandbox)
    path = listed(tmp_path, rows)
    sandbox.faults.latency = 0.02
    to = tmp_path / "to"
    process = start(sandbox, "files", "--to", to, "--list", path, folder=tmp_path)
    while len(asked(sandbox)) < len(rows) // 3 and process.poll() is None:
        os.sched_yield()
    process.send_signal(by)
    _, said = process.communicate(timeout=60)
    assert KEY not in said
    if by is signal.SIGTERM:
        assert process.returncode == 128 + by
    sandbox.faults.latency = 0
    assert run(sandbox, "files", "--to", to).code == 0  # without the list
    check(to, rows)
    assert not [path for path in (to / "content").rglob(".*") if by is signal.SIGTERM]


def test_contents_go_to_any_address_that_fsspec_knows() -> None:
    store = ContentStore("memory://bucket/files")
    assert store.add(io.BytesIO(b"one"), "ab" * 32) == (f"content/ab/{'ab' * 32}", True)
    assert store.add(io.BytesIO(b"one"), "ab" * 32) == (f"content/ab/{'ab' * 32}", False)
    store.note([b"1", b"2"])
    other = ContentStore("memory://bucket/files")
    assert list(other.lines()) == [b"1\n", b"2\n"]
    other.note([b"3"])
    store.note([b"4"])
    other.compact([b"1", b"2", b"3"])
    assert sorted(ContentStore("memory://bucket/files").lines()) == [
        b"1\n",
        b"2\n",
        b"3\n",
        b"4\n",
    ]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nothing://bucket", "nothing://bucket cannot be opened"),
        ("ftp://me:secret@127.0.0.1:1/x", "ftp://127.0.0.1:1/x cannot be"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_password(
    address: str, said: str
) -> None:
    with pytest.raises((AddressError, StoreError)) as raised:
        list(ContentStore(address).lines())
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "to").write_text("no folder")
    rows = attachments(sandbox)
    done = run(sandbox, "files", "--to", tmp_path / "to", "--list", listed(tmp_path, rows))
    assert (done.code, f"{tmp_path / 'to'} cannot be" in done.stderr) == (1, True)
    assert not asked(sandbox)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "There is no index"),
        (["--to", "nothing://bucket", "contact", "1"], "cannot be opened"),
        (["contact", "abc"], "'[ID]...'"),
        (["--list", "{wrong}"], "None of the 1 rows names a file"),
        (["contact"], "Which contact?"),
        (["contact", "1", "--list", "{list}"], "two ways"),
        (["--quota-share", "0"], "quota-share"),
        (["--quota-share", "2"], "quota-share"),
    ],
)
def test_wrong_usage_is_told(
    sandbox: Sandbox, tmp_path: Path, arguments: list[str], said: str
) -> None:
    path = listed(tmp_path, {})
    (tmp_path / "wrong.csv").write_text("NAME\nx\n")
    given = [one.format(list=path, wrong=tmp_path / "wrong.csv") for one in arguments]
    done = run(sandbox, "files", "--to", tmp_path / "to", *given)
    assert (done.code, said in done.stderr) == (2, True)
    assert not sandbox.requests


@pytest.mark.parametrize("dsn", ["none.duckdb", "mysql://user:secret-word@host/db"])
def test_a_warehouse_that_cannot_be_read_is_told(
    sandbox: Sandbox, tmp_path: Path, dsn: str
) -> None:
    done = run(sandbox, "files", "--to", tmp_path / "to", "--dsn", dsn)
    assert (done.code, done.stderr.startswith("Error: ")) == (1, True)
    assert "secret-word" not in done.stderr
    assert not sandbox.requests
