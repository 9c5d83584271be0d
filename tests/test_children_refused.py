"""What belongs to records, where Insightly does not tell it."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api.http.errors import NotAvailableError
from tap_insightly.sandbox import Faults, Sandbox
from tap_insightly.tap import TapInsightly
from tests.conftest import KEY, new_sandbox
from tests.relating import (
    HISTORY,
    Direct,
    counted,
    parents_asked,
    selected,
    sync,
    unserved,
    wanted,
)

if TYPE_CHECKING:
    from tap_insightly.api import Response

__all__ = ["unserved"]  # a fixture


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelname != "INFO"]


def test_a_record_that_is_deleted_meanwhile_is_no_news(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    gone = [record["NOTE_ID"] for record in sandbox.records("/Notes")[::5]]

    def delete(_: Any) -> None:
        if sandbox.requests and sandbox.requests[-1].path == "/v3.1/Notes":
            for number in gone:
                sandbox.delete("/Notes", number)

    sandbox.on_request = delete
    done = sync(sandbox, selected("note_comments"))
    assert {f"/Notes/{number}" for number in gone} <= set(parents_asked(done))
    assert counted(done.rows("note_comments")) == counted(wanted(sandbox, "note_comments"))
    assert (done.error, warnings(caplog)) == (None, [])


def test_the_only_record_that_was_changed_may_be_gone(
    unserved: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    state = sync(unserved, selected("note_comments")).state
    numbers = [record["NOTE_ID"] for record in unserved.records("/Notes")]
    for number in numbers[1:]:
        unserved.delete("/Notes", number)
    unserved.update("/Notes", numbers[0], TITLE="new")
    unserved.on_request = lambda log: (
        unserved.delete("/Notes", numbers[0]) if "Comments" in log.path else None
    )
    done = sync(unserved, selected("note_comments"), state)
    assert parents_asked(done) == [f"/Notes/{numbers[0]}"]
    assert len(done.asked) <= 3, "the list, the comments, and whether the note is there"
    assert (done.error, warnings(caplog)) == (None, [])


def test_a_record_may_be_gone_where_another_kind_has_no_records(
    unserved: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    for record in unserved.records("/Emails"):
        unserved.delete("/Emails", record["EMAIL_ID"])
    contact = unserved.records("/Contacts")[0]["CONTACT_ID"]
    unserved.on_request = lambda log: (
        (unserved.delete("/Contacts", contact) if str(contact) in log.path else None) and None
    )
    done = sync(unserved, selected("file_attachments"))
    assert counted(done.rows("file_attachments")) == counted(wanted(unserved, "file_attachments"))
    assert (done.error, warnings(caplog)) == (None, [])


ways_to_refuse = pytest.mark.parametrize(
    ("way", "status"), [("missing", 404), ("forbidden", 403), ("not_allowed", 405)]
)


@ways_to_refuse
def test_what_is_out_of_reach_costs_little_and_one_warning(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, way: str, status: int
) -> None:
    while sandbox.count("/Opportunities") < 500:
        sandbox.create("/Opportunities", OPPORTUNITY_STATE="OPEN")
    sandbox.faults = Faults(**{way: {"/Opportunities/{id}/StateHistory"}})
    done = sync(sandbox, selected(HISTORY, "users"))
    assert len(done.asked) < 110
    assert len(done.rows("users")) == sandbox.count("/Users")
    assert done.own_state(HISTORY) == {}
    (warning,) = warnings(caplog)
    assert f"/Opportunities/{{id}}/StateHistory cannot be read ({status})" in warning


@ways_to_refuse
@pytest.mark.parametrize("many", [3, 21, 60])
def test_what_was_out_of_reach_arrives_once_it_is_not(
    unserved: Sandbox, way: str, status: int, many: int
) -> None:
    while unserved.count("/Opportunities") > many:
        unserved.delete("/Opportunities", unserved.records("/Opportunities")[0]["OPPORTUNITY_ID"])
    while unserved.count("/Opportunities") < many:
        unserved.create("/Opportunities", OPPORTUNITY_STATE="OPEN")
    unserved.faults = Faults(**{way: {"/Opportunities/{id}/StateHistory"}})
    done = sync(unserved, selected(HISTORY, "users"))
    assert done.rows(HISTORY) == [], status
    unserved.faults = Faults()
    done = sync(unserved, selected(HISTORY, "users"), done.state)
    assert counted(done.rows(HISTORY)) == counted(wanted(unserved, HISTORY))


def test_a_cut_before_it_is_known_to_be_out_of_reach_loses_nothing(unserved: Sandbox) -> None:
    unserved.faults = Faults(missing={"/Opportunities/{id}/StateHistory"})
    session = Direct(unserved, cut_at=12, max_concurrency=1)
    first = sync(unserved, selected(HISTORY), session=session)
    assert str(first.error) == "cut off"
    unserved.faults = Faults()
    second = sync(unserved, selected(HISTORY), first.state)
    assert counted(second.rows(HISTORY)) == counted(wanted(unserved, HISTORY))


@ways_to_refuse
def test_one_kind_out_of_reach_is_one_warning_that_names_it(
    unserved: Sandbox, caplog: pytest.LogCaptureFixture, way: str, status: int
) -> None:
    unserved.faults = Faults(**{way: {"/Contacts/{id}/FileAttachments"}})
    done = sync(unserved, selected("file_attachments"))
    rows = [r for r in wanted(unserved, "file_attachments") if r["PARENT_TYPE"] != "Contact"]
    assert counted(done.rows("file_attachments")) == counted(rows)
    (warning,) = warnings(caplog)
    assert f"cannot be read ({status})" in warning
    assert "Contact" in warning


def test_after_a_stream_that_is_out_of_reach_others_are_asked_for_ahead_of_time() -> None:
    sandbox, lists = new_sandbox(), ["quotes", "relationships", "tasks", "teams", "tickets"]
    sandbox.faults = Faults(missing={"/Notes/{id}/Comments"})
    meeting, begun = threading.Barrier(2), count()

    class Session(Direct):
        def get(self, path: str, *args: Any, **options: Any) -> Response:
            if path in {"/Ticket", "/Teams"} and next(begun) < 2:
                meeting.wait(60)  # breaks, and fails the sync, if one is only asked for alone
            return super().get(path, *args, **options)

    catalog = selected("note_comments", *lists)
    done = sync(sandbox, catalog, session=Session(sandbox, max_concurrency=2))
    assert done.error is None


def test_records_that_are_refused_are_counted_in_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox = new_sandbox()
    refused = [f"/Notes/{note['NOTE_ID']}/Comments" for note in sandbox.records("/Notes")[:25:2]]

    class Session(Direct):
        def get(self, path: str, *args: Any, **options: Any) -> Response:
            if path in refused:
                raise NotAvailableError(path, 403)
            return super().get(path, *args, **options)

    done = sync(sandbox, selected("note_comments"), session=Session(sandbox))
    rows = [
        r
        for r in wanted(sandbox, "note_comments")
        if f"/Notes/{r['NOTE_ID']}/Comments" not in refused
    ]
    assert counted(done.rows("note_comments")) == counted(rows)
    (warning,) = warnings(caplog)
    assert f"refused to tell about {len(refused)} records (403)" in warning


def test_a_list_of_records_that_is_out_of_reach_is_skipped(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults = Faults(forbidden={"/Tasks", "/Contacts"})
    done = sync(sandbox, selected("task_comments", "file_attachments"))
    rows = [r for r in wanted(sandbox, "file_attachments") if r["PARENT_TYPE"] != "Contact"]
    assert counted(done.rows("file_attachments")) == counted(rows)
    assert done.own_state("task_comments") == {}
    assert done.asked.count("/Tasks") == 1
    assert [one.split(":")[0] for one in warnings(caplog)] == ["file_attachments", "task_comments"]
    done = sync(sandbox, selected("task_comments"))
    assert "None of the 1 selected streams can be read" in str(done.error)


@pytest.mark.parametrize("stream", ["note_comments", "contact_dates"])
def test_a_dry_run_asks_for_little_even_if_there_is_nothing(stream: str) -> None:
    sandbox = Sandbox(400, api_key=KEY)
    for record in sandbox.records("/Contacts"):
        sandbox.update("/Contacts", record["CONTACT_ID"], DATES=[])
    dry = TapInsightly.run_connection_test
    done = sync(sandbox, selected(stream), session=Direct(sandbox), run=dry)
    lists = [path for path in done.asked if path in {"/Contacts", "/Notes"}]
    assert len(lists) <= 2
    assert len(done.asked) <= 100
