"""What may be done with the rows of a file: the modes and the guards of the target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import asked
from tests.cli.running import run
from tests.cli.test_loading import counts, load
from tests.cli.test_records import WRITES

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

BY_MAIL = ("--match-on", "EMAIL_ADDRESS")
MIRROR = (*BY_MAIL, "--mode", "mirror", "--mirror-filter", "LAST_NAME=ours")
HEAD = "EMAIL_ADDRESS,FIRST_NAME,LAST_NAME\n"


def add(sandbox: Sandbox, *mails: str) -> None:
    for mail in mails:
        old = {"FIRST_NAME": "old", "LAST_NAME": "ours", "TITLE": "Dr"}
        sandbox.create("/Contacts", **old, EMAIL_ADDRESS=mail)


def rows(*mails: str) -> str:
    return HEAD + "".join(f"{mail},new,ours\n" for mail in mails)


def ours(sandbox: Sandbox, name: str = "FIRST_NAME") -> dict[str, Any]:
    found = sandbox.records("/Contacts")
    return {r["EMAIL_ADDRESS"]: r[name] for r in found if r["LAST_NAME"] == "ours"}


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("upsert", {"a": "new", "b": "new"}),
        ("update", {"a": "new"}),
        ("insert", {"a": "old", "b": "new"}),
    ],
)
def test_a_mode_says_what_may_be_done(sandbox: Sandbox, mode: str, wanted: dict[str, str]) -> None:
    add(sandbox, "a")
    done = load(sandbox, rows("a", "b"), *BY_MAIL, "--mode", mode)
    assert done.code == 0, done.stderr
    assert ours(sandbox) == wanted
    assert ("left out as they are not here" in done.stderr) == (mode == "update")


def test_what_is_not_in_the_file_is_deleted(sandbox: Sandbox) -> None:
    add(sandbox, "a", "b", "c")
    done = load(sandbox, rows("a", "b"), *MIRROR, "--allow-delete", "--max-deletes", "1")
    assert done.code == 0, done.stderr
    assert ours(sandbox) == {"a": "new", "b": "new"}
    assert counts(done)["deleted"] == 1


def test_or_is_given_a_value(sandbox: Sandbox) -> None:
    add(sandbox, "a", "b")
    options = ("--mirror-field", "TITLE=gone", "--max-deletes", "1")
    done = load(sandbox, rows("a"), *MIRROR, *options)
    assert done.code == 0, done.stderr
    assert ours(sandbox, "TITLE") == {"a": "Dr", "b": "gone"}


def test_all_of_the_object_can_be_mirrored(sandbox: Sandbox) -> None:
    sandbox.tables["/Contacts"].clear()
    add(sandbox, "a", "b")
    options = ("--mode", "mirror", "--mirror-all", "--allow-delete", "--max-deletes", "50 %")
    done = load(sandbox, rows("a"), *BY_MAIL, *options)
    assert done.code == 0, done.stderr
    assert ours(sandbox) == {"a": "new"}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (MIRROR, 2, "mirror deletes what is not in the stream"),
        ((*BY_MAIL, "--mode", "mirror", "--allow-delete"), 2, "needs --mirror-filter"),
        ((*MIRROR, "--allow-delete"), 1, "more than --max-deletes allows (5 %)"),
        ((*MIRROR, "--allow-delete", "--max-deletes", "many"), 2, "a percentage such as 10 %"),
        ((*MIRROR, "--allow-delete", "--skip-rows", "1"), 2, "--skip-rows leaves out rows"),
    ],
)
def test_a_mirror_that_may_not_be_deletes_nothing(
    sandbox: Sandbox, options: tuple[str, ...], code: int, said: str
) -> None:
    add(sandbox, "a", "b", "c", "d")
    done = load(sandbox, rows("a"), *options)
    assert (done.code, said in " ".join(done.stderr.split())) == (code, True), done.stderr
    assert list(ours(sandbox)) == list("abcd")


def test_too_many_rejects_end_it(sandbox: Sandbox, tmp_path: Path) -> None:
    content = "FIRST_NAME,Shoe_Size__c\n" + "x,big\n" * 300
    kept = str(tmp_path / "rejects.jsonl")
    done = load(sandbox, content, "--on-error", "skip", "--rejects-file", kept)
    assert done.code == 1
    assert "more than --max-rejects allows (10 %)" in done.stderr
    assert not asked(sandbox, *WRITES)


def test_what_is_loaded_is_reported_and_undone(sandbox: Sandbox, tmp_path: Path) -> None:
    add(sandbox, "a", "c")
    before = ours(sandbox)
    undo, report = tmp_path / "undo.jsonl", tmp_path / "report.json"
    options = ("--undo-file", str(undo), "--report-file", str(report))
    done = load(sandbox, rows("a", "b"), *MIRROR, "--allow-delete", *options, "--max-deletes", "1")
    assert done.code == 0, done.stderr
    assert ours(sandbox) == {"a": "new", "b": "new"}
    counted = json.loads(report.read_text())["streams"]["Contact"]
    assert {name: counted[name] for name in ("created", "updated", "deleted")} == {
        "created": 1,
        "updated": 1,
        "deleted": 1,
    }
    done = run(sandbox, "undo", str(undo), "--yes")
    assert done.code == 0, done.stderr
    assert ours(sandbox) == before
