"""An account is copied into another: everything that can be is there, once, and joined alike."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.loader.errors import TooManyDeletionsError
from tests.conftest import KEY, new_sandbox, run_process
from tests.loader.accounts import compare, ids_in, objects, read, what_waits
from tests.loader.feeding import (
    KILLER,
    Feed,
    environment,
    feed_here,
    lines,
    record,
    schema,
    stream_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import RequestLog, Sandbox
    from tests.loader.feeding import Message


@pytest.fixture(scope="module")
def source() -> Iterator[Sandbox]:
    with new_sandbox(records=30).serve() as sandbox:
        first, second, *_ = sandbox.records("/Tasks")
        # A task that is part of a later one.
        sandbox.update("/Tasks", first["TASK_ID"], PARENT_TASK_ID=second["TASK_ID"])
        yield sandbox


@pytest.fixture(scope="module")
def messages(source: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> list[Message]:
    return read(tmp_path_factory.mktemp("source"), source)


@pytest.fixture
def empty() -> Iterator[Sandbox]:
    with new_sandbox(records=30, is_empty=True).serve() as sandbox:
        yield sandbox


def records(messages: list[Message], stream: str) -> list[dict[str, Any]]:
    ours = [one for one in messages if one.get("stream") == stream]
    return [one["record"] for one in ours if one["type"] == "RECORD"]


def writes(sandbox: Sandbox, since: int = 0) -> list[str]:
    return [one.path for one in sandbox.requests[since:] if one.method != "GET"]


def test_a_whole_account_is_copied_and_a_second_time_nothing_is_written(
    source: Sandbox, messages: list[Message], empty: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "ids.db"
    feed = Feed(tmp_path, empty)
    fed = feed.well(messages, id_map=str(path))
    compare(source, empty, ids_in(path))
    assert all(empty.count(obj.path) for obj in objects(source))
    assert not what_waits(path)
    assert fed.stdout.count("\n") == 1  # one state, at the end
    for stream in ("emails", "links", "note_comments", "document_templates"):
        assert f"{stream}: left out, as the API has no way" in fed.stderr
    before = len(empty.requests)
    feed.well(messages, id_map=str(path))
    assert not writes(empty, before)
    assert {one.path.split("/")[2] for one in empty.requests[before:]} <= {
        "CustomFields",
        "CustomObjects",
    }


@pytest.mark.slow
def test_whenever_it_is_killed_the_copy_is_the_same_at_the_end(
    source: Sandbox, messages: list[Message], empty: Sandbox, tmp_path: Path
) -> None:
    path, ids = tmp_path / "messages.jsonl", tmp_path / "ids.db"
    path.write_text(lines(one for one in messages if one["type"] != "STATE"))
    env = environment(empty, id_map=str(ids))
    command = [sys.executable, "-c", KILLER, str(path), "15", "3"]
    done = run_process(command, env=env, folder=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    compare(source, empty, ids_in(ids))
    assert not what_waits(ids)


def test_a_record_of_which_a_run_did_not_learn_that_it_was_made_is_not_made_again(
    empty: Sandbox, tmp_path: Path
) -> None:
    feed = Feed(tmp_path, empty)
    config = {"id_map": str(tmp_path / "ids.db"), "max_concurrency": 1, "max_retries": 0}
    rows = stream_of("contacts", [{"CONTACT_ID": n, "FIRST_NAME": "twin"} for n in (1, 2, 3)])
    posts = []

    def cut_off(request: RequestLog) -> None:
        if request.method == "POST":
            posts.append(request)
        if len(posts) == 2:
            # It is made, but neither that nor anything else is answered any more.
            empty.faults.script = ["lost", *["reset"] * 20]
            empty.on_request = None

    empty.on_request = cut_off
    assert feed(rows, **config).code == 1
    empty.faults.script.clear()
    assert empty.count("/Contacts") == 2
    feed.well(rows, **config)
    assert empty.count("/Contacts") == 3
    assert len(ids_in(tmp_path / "ids.db")) == 3


def test_what_changes_there_is_changed_here(
    messages: list[Message], empty: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "ids.db"
    feed_here(empty, messages, id_map=str(path))
    ids = ids_in(path)
    changed = next(one for one in messages if one.get("stream") == "contacts")
    row = records(messages, "contacts")[0]
    others = records(messages, "organisations")
    organisation = others[-1]["ORGANISATION_ID"]
    row = {**row, "FIRST_NAME": "Zoë", "ORGANISATION_ID": organisation}
    before = len(empty.requests)
    feed_here(empty, [changed, record("contacts", **row)], id_map=str(path))
    assert writes(empty, before) == ["/v3.1/Contacts"]
    found = empty.tables["/Contacts"].find(ids[row["CONTACT_ID"]])
    assert found
    assert (found["FIRST_NAME"], found["ORGANISATION_ID"]) == ("Zoë", ids[organisation])


def test_a_record_that_leads_to_one_that_comes_later_is_completed_then(
    empty: Sandbox, tmp_path: Path
) -> None:
    config = {"id_map": str(tmp_path / "ids.db")}
    links = [{"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": 7, "ROLE": "buyer"}]
    contact = {"CONTACT_ID": 1, "FIRST_NAME": "Ann", "ORGANISATION_ID": 7, "LINKS": links}
    feed_here(empty, stream_of("contacts", [contact]), **config)
    (row,) = empty.records("/Contacts")
    assert row["ORGANISATION_ID"] is None
    assert not row["LINKS"]
    # The run that brings the other does not bring the contact again.
    organisation = {"ORGANISATION_ID": 7, "ORGANISATION_NAME": "Pumps"}
    feed_here(empty, stream_of("organisations", [organisation]), **config)
    (row,) = empty.records("/Contacts")
    (other,) = empty.records("/Organisations")
    assert row["ORGANISATION_ID"] == other["ORGANISATION_ID"]
    (link,) = row["LINKS"]
    assert (link["LINK_OBJECT_ID"], link["ROLE"]) == (other["ORGANISATION_ID"], "buyer")
    assert not what_waits(tmp_path / "ids.db")


def test_a_record_that_needs_one_that_never_comes_is_refused(
    empty: Sandbox, tmp_path: Path
) -> None:
    feed = Feed(tmp_path, empty)
    row = {"QUOTE_ID": 1, "QUOTATION_NAME": "Offer", "OPPORTUNITY_ID": 5}
    fed = feed(stream_of("quotes", [row]), id_map=str(tmp_path / "ids.db"))
    assert fed.code == 1
    assert "QUOTE_ID 1" in fed.problems[-1]
    assert "OPPORTUNITY_ID lead to records that did not come" in fed.problems[-1]
    assert not writes(empty)


def test_what_is_not_in_this_account_is_left_out_and_said(empty: Sandbox, tmp_path: Path) -> None:
    users = [{"USER_ID": 9, "EMAIL_ADDRESS": "nobody@x.org"}]
    tickets = [{"CONTACT_ID": 1, "FIRST_NAME": "Ann", "OWNER_USER_ID": 9}]
    feed = Feed(tmp_path, empty)
    both = [*stream_of("users", users), *stream_of("contacts", tickets)]
    fed = feed.well(both, id_map=str(tmp_path / "ids.db"))
    assert "1 values of OWNER_USER_ID lead to what is not in this account" in fed.stderr
    assert (
        "users: 0 created, 0 updated, 0 unchanged, 0 deleted, 0 rejected, 1 left out" in fed.stderr
    )
    assert empty.count("/Contacts") == 1


def test_what_belongs_to_settings_is_found_by_name_or_made(empty: Sandbox, tmp_path: Path) -> None:
    name = empty.records("/LeadSources")[0]["LEAD_SOURCE"]
    status = empty.records("/LeadStatuses")[0]["LEAD_STATUS"]
    before = empty.count("/LeadSources")
    sources = [
        {"LEAD_SOURCE_ID": 1, "LEAD_SOURCE": f" {name.upper()}"},
        {"LEAD_SOURCE_ID": 2, "LEAD_SOURCE": "Zeppelin"},
    ]
    statuses = [{"LEAD_STATUS_ID": 3, "LEAD_STATUS": status}]
    leads = [
        {"LEAD_ID": n, "LAST_NAME": "Lee", "LEAD_SOURCE_ID": n, "LEAD_STATUS_ID": 3} for n in (1, 2)
    ]
    feed_here(
        empty,
        [
            *stream_of("leads", leads),
            *stream_of("lead_sources", sources),
            *stream_of("lead_statuses", statuses),
        ],
        id_map=str(tmp_path / "ids.db"),
    )
    assert empty.count("/LeadSources") == before + 1
    by_id = {row["LEAD_SOURCE_ID"]: row["LEAD_SOURCE"] for row in empty.records("/LeadSources")}
    found = {by_id[row["LEAD_SOURCE_ID"]] for row in empty.records("/Leads")}
    assert found == {name, "Zeppelin"}


def test_of_several_of_one_name_each_is_another_s(empty: Sandbox, tmp_path: Path) -> None:
    here = [empty.create("/LeadSources", LEAD_SOURCE="Fair")["LEAD_SOURCE_ID"] for _ in range(2)]
    before = empty.count("/LeadSources")
    rows = [{"LEAD_SOURCE_ID": number, "LEAD_SOURCE": "Fair"} for number in (1, 2, 3)]
    feed_here(empty, stream_of("lead_sources", rows), id_map=str(tmp_path / "ids.db"))
    assert empty.count("/LeadSources") == before + 1
    assert set(here) < set(ids_in(tmp_path / "ids.db").values())


def test_people_who_are_here_already_can_be_found_by_a_field(
    empty: Sandbox, tmp_path: Path
) -> None:
    known = empty.create("/Contacts", FIRST_NAME="Ann", EMAIL_ADDRESS="ann@x.org")["CONTACT_ID"]
    rows = [
        {"CONTACT_ID": 1, "FIRST_NAME": "Anna", "EMAIL_ADDRESS": "ann@x.org"},
        {"CONTACT_ID": 2, "FIRST_NAME": "Bob", "EMAIL_ADDRESS": "bob@x.org"},
    ]
    config = {"id_map": str(tmp_path / "ids.db"), "match_on": {"Contact": "EMAIL_ADDRESS"}}
    feed_here(empty, stream_of("contacts", rows), **config)
    assert [row["FIRST_NAME"] for row in empty.records("/Contacts")] == ["Anna", "Bob"]
    assert ids_in(tmp_path / "ids.db")[1] == known


def test_what_is_deleted_there_is_deleted_here_if_that_is_allowed(
    empty: Sandbox, tmp_path: Path
) -> None:
    config = {"id_map": str(tmp_path / "ids.db")}
    feed_here(empty, stream_of("contacts", [{"CONTACT_ID": 1, "FIRST_NAME": "Ann"}]), **config)
    gone = stream_of("contacts", [{"CONTACT_ID": 1, "_sdc_deleted_at": "2026-01-31"}])
    feed_here(empty, gone, **config)
    assert empty.count("/Contacts") == 1
    feed_here(empty, gone, **config, allow_delete=True)
    assert empty.count("/Contacts") == 0


def test_what_may_not_be_deleted_here_is_refused_and_stays_known(
    empty: Sandbox, tmp_path: Path
) -> None:
    feed, config = Feed(tmp_path, empty), {"id_map": str(tmp_path / "ids.db")}
    feed.well(stream_of("contacts", [{"CONTACT_ID": 1, "FIRST_NAME": "Ann"}]), **config)
    gone = stream_of("contacts", [{"CONTACT_ID": 1, "_sdc_deleted_at": "2026-01-31"}])
    empty.faults.read_only = {"/Contacts"}
    fed = feed.well(gone, **config, allow_delete=True, on_error="skip")
    assert "0 unchanged, 0 deleted, 1 rejected" in fed.stderr
    empty.faults.read_only = set()
    feed.well(gone, **config, allow_delete=True)
    assert empty.count("/Contacts") == 0


def test_more_deletions_than_allowed_wait_in_the_file(empty: Sandbox, tmp_path: Path) -> None:
    config = {"id_map": str(tmp_path / "ids.db")}
    people = [{"CONTACT_ID": number, "FIRST_NAME": "Ann"} for number in range(1, 41)]
    feed_here(empty, stream_of("contacts", people), **config)
    gone = [{"CONTACT_ID": n, "_sdc_deleted_at": "2026-01-31"} for n in (1, 2, 3)]
    with pytest.raises(TooManyDeletionsError, match="3 of 40 records by stream 'contacts'"):
        feed_here(empty, stream_of("contacts", gone), **config, allow_delete=True)
    assert empty.count("/Contacts") == 40
    # The next run goes on with them, once it may.
    feed_here(empty, [], **config, allow_delete=True, max_deletes=3)
    assert empty.count("/Contacts") == 37


def test_a_record_that_the_account_has_changed_is_not_made_again_by_the_next_run(
    empty: Sandbox, tmp_path: Path
) -> None:
    feed = Feed(tmp_path, empty)
    config = {"id_map": str(tmp_path / "ids.db"), "max_retries": 0}
    rows = stream_of("contacts", [{"CONTACT_ID": 1, "FIRST_NAME": "Ann", "TITLE": "Dr"}])
    empty.faults.automations = {"/Contacts": {"TITLE": "Dear"}}

    def lose(request: RequestLog) -> None:
        if request.method == "POST":
            empty.faults.script = ["lost"]

    empty.on_request = lose
    for _ in range(2):  # the second one finds out what the first did not learn
        fed = feed(rows, **config)
        assert fed.code == 1
        assert "may have been done, or not" in fed.problems[-1]
        assert empty.count("/Contacts") == 1
    # Once somebody has looked, and put it away, it is made.
    empty.delete("/Contacts", empty.records("/Contacts")[0]["CONTACT_ID"])
    empty.on_request = None
    feed.well(rows, **config)
    assert empty.count("/Contacts") == 1


def test_the_file_of_one_account_is_not_taken_for_another_s(
    empty: Sandbox, sandbox: Sandbox, tmp_path: Path
) -> None:
    messages = [schema("contacts", "CONTACT_ID", "FIRST_NAME")]
    path = str(tmp_path / "ids.db")
    Feed(tmp_path, empty).well(messages, id_map=path)
    fed = Feed(tmp_path, sandbox)(messages, id_map=path)
    assert fed.code == 2
    assert "is about another account" in fed.problems[-1]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"dry_run": True}, "'dry_run' cannot be used with 'id_map'"),
        ({"id_map": "text.txt"}, "text.txt cannot be used"),
    ],
)
def test_what_cannot_be_is_said(
    empty: Sandbox, tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    (tmp_path / "text.txt").write_text("no database, but text" * 100)
    messages = [schema("contacts", "CONTACT_ID", "FIRST_NAME")]
    fed = Feed(tmp_path, empty)(messages, **{"id_map": "ids.db", **config})
    assert fed.code == 2
    assert any(said in problem for problem in fed.problems)
    assert KEY not in fed.stderr
