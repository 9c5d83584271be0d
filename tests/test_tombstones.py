"""Tombstones as users get them: the tap as a process, and an account over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox import Faults
from tap_insightly.streams import STREAMS, RelatedStream, SearchStream
from tests.conftest import only

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Run, Tap


def searched(sandbox: Sandbox) -> dict[str, str]:
    """The streams that are read by date, and their paths."""
    standard = {
        stream.name: stream.path
        for stream in STREAMS
        if issubclass(stream, SearchStream) and not issubclass(stream, RelatedStream)
    }
    names = [row["OBJECT_NAME"] for row in sandbox.records("/CustomObjects")]
    return standard | {name.lower(): f"/{name}" for name in names}


def gone(run: Run) -> dict[str, list[int]]:
    """The keys of all tombstones, by stream."""
    found: dict[str, list[int]] = {}
    for message in run.messages:
        if message["type"] == "RECORD" and message["record"].get("_sdc_deleted_at"):
            (key,) = (n for name, n in message["record"].items() if name != "_sdc_deleted_at")
            found.setdefault(message["stream"], []).append(key)
    return found


def test_every_stream_that_is_read_by_date_says_what_is_gone(tap: Tap, sandbox: Sandbox) -> None:
    streams = searched(sandbox)
    assert len(streams) > 28
    catalog = only(tap.discover(sandbox, detect_deletes=True), *streams)
    state = tap(sandbox=sandbox, catalog=catalog, detect_deletes=True).state
    requests = []
    for detect_deletes in (False, True):
        sandbox.requests.clear()
        run = tap(sandbox=sandbox, catalog=catalog, state=state, detect_deletes=detect_deletes)
        assert run.code == 0, run.stderr
        requests.append(len(sandbox.requests))
        assert not gone(run)
    assert requests[1] - requests[0] == len(streams), "a request for each"

    deleted: dict[str, list[int]] = {}
    for stream, path in streams.items():
        key = sandbox.tables[path].keys[0]
        deleted[stream] = [sandbox.records(path)[place][key] for place in (0, -1)]
        for number in deleted[stream]:
            sandbox.delete(path, number)
    run = tap(sandbox=sandbox, catalog=catalog, state=run.state, detect_deletes=True)
    assert run.code == 0, run.stderr
    assert gone(run) == deleted
    assert run.stderr.count(" records, 2 deleted, ") == len(streams)
    again = tap(sandbox=sandbox, catalog=catalog, state=run.state, detect_deletes=True)
    assert not gone(again)


def test_a_record_that_comes_back_comes_without_the_mark(tap: Tap, sandbox: Sandbox) -> None:
    """As one does that this user may see again."""
    catalog = only(tap.discover(sandbox, detect_deletes=True), "contacts")
    table = sandbox.tables["/Contacts"]
    state = tap(sandbox=sandbox, catalog=catalog, detect_deletes=True).state
    hidden = dict(sandbox.records("/Contacts")[20])
    sandbox.delete("/Contacts", hidden["CONTACT_ID"])
    run = tap(sandbox=sandbox, catalog=catalog, state=state, detect_deletes=True)
    assert gone(run) == {"contacts": [hidden["CONTACT_ID"]]}
    rows = sorted([*sandbox.records("/Contacts"), hidden], key=lambda row: row["CONTACT_ID"])
    for row in sandbox.records("/Contacts"):
        table.remove(row["CONTACT_ID"])
    for row in rows:
        table.add(row)
    sandbox.update("/Contacts", hidden["CONTACT_ID"], FIRST_NAME="Back")
    run = tap(sandbox=sandbox, catalog=catalog, state=run.state, detect_deletes=True)
    assert not gone(run)
    (row,) = [r for r in run.records("contacts") if r["CONTACT_ID"] == hidden["CONTACT_ID"]]
    assert (row["FIRST_NAME"], row["_sdc_deleted_at"]) == ("Back", None)
    sandbox.delete("/Contacts", hidden["CONTACT_ID"])
    run = tap(sandbox=sandbox, catalog=catalog, state=run.state, detect_deletes=True)
    assert gone(run) == {"contacts": [hidden["CONTACT_ID"]]}


def test_a_catalog_from_before_the_setting_gets_the_mark_and_nobody_can_deselect_it(
    tap: Tap, sandbox: Sandbox
) -> None:
    for asked in (False, True):
        catalog = only(tap.discover(sandbox, detect_deletes=asked), "contacts")
        for stream in catalog["streams"]:
            for one in stream["metadata"]:
                if one["breadcrumb"][-1:] in (["_sdc_deleted_at"], ["PHONE"]):
                    one["metadata"]["selected"] = False
        state = tap(sandbox=sandbox, catalog=catalog, detect_deletes=True).state
        number = sandbox.records("/Contacts")[3]["CONTACT_ID"]
        sandbox.delete("/Contacts", number)
        run = tap(sandbox=sandbox, catalog=catalog, state=state, detect_deletes=True)
        schemas = [m["schema"]["properties"] for m in run.messages if m["type"] == "SCHEMA"]
        assert all("_sdc_deleted_at" in schema for schema in schemas)
        assert "PHONE" not in schemas[0]
        assert gone(run) == {"contacts": [number]}


def test_the_day_may_end_while_it_is_looked_for_what_is_gone(tap: Tap, sandbox: Sandbox) -> None:
    """The next sync finds it all the same, and sends nothing else again."""
    catalog = only(tap.discover(sandbox, detect_deletes=True), "contacts")
    options: dict[str, Any] = {"sandbox": sandbox, "catalog": catalog, "detect_deletes": True}
    state = tap(**options).state
    number = sandbox.records("/Contacts")[3]["CONTACT_ID"]
    sandbox.delete("/Contacts", number)
    sandbox.faults = Faults(daily_quota=2)  # enough to see that something is gone
    run = tap(**options, state=state)
    assert run.code == 75
    assert not gone(run)
    sandbox.faults = Faults()
    run = tap(**options, state=run.state)
    assert run.code == 0
    assert gone(run) == {"contacts": [number]}
    assert len(run.records("contacts")) == 1, "the tombstone alone"
