"""Accounts are loaded by real taps and targets: what is new, once, whatever ends a run."""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from insightly_dagster.folder import AccountFolder, BusyError
from insightly_dagster.loading import LoadError, Programs, TryLaterError, load

from tap_insightly.sandbox import Faults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from insightly_dagster.loading import Outcome

    from tests.orchestration.conftest import Place

STREAMS = ("contacts", "users", "tags")


@pytest.fixture
def folder(tmp_path: Path) -> AccountFolder:
    return AccountFolder(tmp_path / "accounts", "acme")


def run(
    place: Place,
    folder: AccountFolder,
    target: Sequence[str] | None = None,
    account: str = "acme",
    **settings: Any,
) -> Outcome:
    tap = [sys.executable, "-m", "tap_insightly"]
    programs = Programs(tap, target or place.target, tap_settings=settings)
    return load(account, programs, folder, {}, STREAMS)


def test_only_what_is_new_is_sent_and_a_target_with_nothing_to_do_is_not_started(
    place: Place, folder: AccountFolder
) -> None:
    folder.catalog_file.unlink()  # so that it is discovered
    first = run(place, folder)
    contacts = place.sandbox.records("/Contacts")
    assert first.sent["contacts"] == len(contacts) == len(place.rows("contacts"))
    assert first.report["streams"]["contacts"]["requests"] == 1
    run(place, folder)  # the newest contact once more
    rows = {stream: place.rows(stream) for stream in STREAMS}
    quiet = run(place, folder)
    assert not quiet.is_target_started
    assert quiet.sent.total() == 0
    assert {stream: place.rows(stream) for stream in STREAMS} == rows
    place.sandbox.update("/Contacts", contacts[0]["CONTACT_ID"], FIRST_NAME="Ada")
    changed = run(place, folder)
    assert changed.is_target_started
    assert "Ada" in {row["FIRST_NAME"] for row in place.rows("contacts")[-2:]}
    assert place.rows("users") == rows["users"]


def test_another_target_gets_what_the_one_before_had(place: Place, folder: AccountFolder) -> None:
    for _ in range(2):
        run(place, folder)
    before = len(place.rows("tags"))
    other = place.folder / "other.json"
    other.write_text(place.target_config.read_text())
    run(place, folder, [place.target[0], "--config", str(other)])
    assert len(place.rows("tags")) == 2 * before


def test_a_target_that_fails_is_told_and_the_next_run_sends_all_of_it_again(
    place: Place, folder: AccountFolder
) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('Error: the disk is full')", "--config"]
    with pytest.raises(LoadError, match=r"exit code 1.*the disk is full"):
        run(place, folder, failing)
    assert folder.loaded().state is None
    assert folder.loaded().sent == {}
    assert run(place, folder).sent["contacts"] == place.sandbox.count("/Contacts")


def test_a_target_that_is_killed_leaves_its_last_state_to_go_on_from(
    place: Place, folder: AccountFolder
) -> None:
    """It acknowledges the first state, and is killed at the second."""
    program = place.folder / "target.py"
    program.write_text(
        "import json, os, sys\n"
        "states = [line for line in sys.stdin if json.loads(line)['type'] == 'STATE']\n"
        "print(json.dumps(json.loads(states[0])['value']), flush=True)\n"
        f"os.kill(os.getpid(), {signal.SIGKILL:d})\n"
    )
    with pytest.raises(LoadError, match="-9"):
        run(place, folder, [sys.executable, str(program), "--config"])
    state = folder.loaded().state
    assert list(state["bookmarks"])
    assert run(place, folder).sent.total() > 0


def test_a_wrong_key_and_wrong_settings_are_told_in_the_words_of_the_tap(
    place: Place, folder: AccountFolder
) -> None:
    place.write_accounts(acme="WRONG_KEY")
    with pytest.raises(LoadError, match="Insightly did not accept the API key"):
        run(place, folder)
    with pytest.raises(LoadError, match="'max_retries': got -1"):
        run(place, folder, max_retries=-1)
    with pytest.raises(LoadError, match="no account 'beta'"):
        run(place, folder, account="beta")


def test_a_spent_quota_is_tried_again_after_its_reset_and_what_came_is_kept(
    place: Place, folder: AccountFolder
) -> None:
    run(place, folder)
    place.sandbox.update(
        "/Contacts", place.sandbox.records("/Contacts")[0]["CONTACT_ID"], TITLE="x"
    )
    place.sandbox.faults = Faults(daily_quota=1)
    with pytest.raises(TryLaterError) as caught:
        run(place, folder, max_concurrency=1)
    at = caught.value.retry_at
    assert at is not None
    assert at > datetime.now(timezone.utc)
    assert (at.hour, at.minute) == (0, 1)
    folder.end(retry_at=at.isoformat())
    assert folder.waits_until == at
    assert "x" in {row["TITLE"] for row in place.rows("contacts")[-2:]}


def test_two_runs_of_an_account_do_not_meet(place: Place, folder: AccountFolder) -> None:
    with folder.one_run(), pytest.raises(BusyError, match="Another run"):
        run(place, folder)
    run(place, folder)


def test_a_state_that_was_edited_is_refused_and_one_of_the_tap_is_taken(
    place: Place, folder: AccountFolder
) -> None:
    run(place, folder)
    state = folder.loaded().state
    folder.state_file.write_text("{")
    with pytest.raises(LoadError, match="is no JSON"):
        run(place, folder)
    folder.state_file.write_text(json.dumps(state))
    assert run(place, folder).sent["contacts"] == 1  # the newest, within lookback_seconds


def test_the_target_does_not_see_the_key(place: Place, folder: AccountFolder) -> None:
    seen = place.folder / "seen.json"
    program = place.folder / "target.py"
    program.write_text(
        "import json, os, pathlib, sys\n"
        f"pathlib.Path({str(seen)!r}).write_text(json.dumps(dict(os.environ)))\n"
        "for line in sys.stdin: pass\n"
    )
    programs = Programs(
        [sys.executable, "-m", "tap_insightly"],
        [sys.executable, str(program)],
        target_settings={"schema": "of_{account}"},
        hidden=frozenset({"ACME_KEY"}),
    )
    load("acme", programs, folder, {}, STREAMS)
    environment = json.loads(seen.read_text())
    assert os.environ["ACME_KEY"] not in environment.values()
    name = os.path.basename(sys.executable).partition(".")[0].upper()  # noqa: PTH119
    assert environment[f"{name}_SCHEMA"] == "of_acme"
