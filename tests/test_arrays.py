"""What comes inside of records, as streams of its own: links, tags, dates, domains, members."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import pytest

from tap_insightly.sandbox import Faults
from tap_insightly.tap import TapInsightly
from tap_insightly.values import parse_moment
from tests.conftest import entry
from tests.relating import (
    Done,
    as_sent,
    catalog,
    counted,
    key_of,
    selected,
    sync,
    ticking,
    unserved,
    updated,
)

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

__all__ = ["unserved"]  # a fixture

# By stream: the field, and the objects that have it, each with its stream and what links call it.
CRM = {
    "/Contacts": ("contacts", "Contact"),
    "/Organisations": ("organisations", "Organisation"),
    "/Leads": ("leads", "Lead"),
    "/Opportunities": ("opportunities", "Opportunity"),
    "/Projects": ("projects", "Project"),
    "/Emails": ("emails", "Email"),
}
Paths = dict[str, tuple[str, str | None]]
ARRAYS: dict[str, tuple[str, Paths]] = {
    "links": (
        "LINKS",
        {
            **CRM,
            "/Tasks": ("tasks", "Task"),
            "/Events": ("events", "Event"),
            "/Notes": ("notes", "Note"),
        },
    ),
    "record_tags": (
        "TAGS",
        {
            **CRM,
            "/Prospect": ("prospects", "Prospect"),
            "/Ticket": ("tickets", "Ticket"),
            "/KnowledgeArticle": ("knowledge_articles", "KnowledgeArticle"),
        },
    ),
    "contact_dates": ("DATES", {"/Contacts": ("contacts", None)}),
    "organisation_dates": ("DATES", {"/Organisations": ("organisations", None)}),
    "organisation_email_domains": ("EMAILDOMAINS", {"/Organisations": ("organisations", None)}),
    "team_memberships": ("TEAMMEMBERS", {"/Teams": ("teams", None)}),
    "activity_set_activities": ("ACTIVITIES", {"/ActivitySets": ("activity_sets", None)}),
}
BY_DATE = [name for name in ARRAYS if name not in {"team_memberships", "activity_set_activities"}]
each_array = pytest.mark.parametrize("stream", ARRAYS)


def wanted(sandbox: Sandbox, stream: str, *kinds: str) -> list[dict[str, Any]]:
    """All rows of a stream as they have to arrive; of some kinds of record, or of all."""
    array, paths = ARRAYS[stream]
    found = []
    for path, (_, kind) in paths.items():
        key = key_of(sandbox, path)
        for record in sandbox.records(path) if not kinds or kind in kinds else ():
            number = record[key]
            own = {"PARENT_TYPE": kind, "PARENT_ID": number} if kind else {key: number}
            if stream in BY_DATE:
                own["PARENT_UPDATED_UTC"] = updated(record)
            found += [as_sent(item) | own for item in record[array] or ()]
    return found


def parents(stream: str) -> list[str]:
    return [name for name, _ in ARRAYS[stream][1].values()]


def marks(done: Done, stream: str) -> dict[str | None, str]:
    """The bookmarks of a stream by kind of record."""
    own = done.own_state(stream)
    return {
        one.get("context", {}).get("PARENT_TYPE"): one["replication_key_value"]
        for one in own.get("partitions", [own])
    }


# What arrives


@each_array
@pytest.mark.parametrize("along", [True, False])
def test_every_element_arrives_with_the_key_of_its_record(
    shared_sandbox: Sandbox, stream: str, *, along: bool
) -> None:
    done = sync(shared_sandbox, selected(*(parents(stream) if along else ()), stream))
    rows = done.rows(stream)
    assert counted(rows) == counted(wanted(shared_sandbox, stream))
    keys = entry(catalog(), stream)["key_properties"]
    assert len({tuple(row[key] for key in keys) for row in rows}) == len(rows) > 0
    assert None not in {row[key] for row in rows for key in keys}


@each_array
def test_the_schema_comes_before_the_first_row(unserved: Sandbox, stream: str) -> None:
    messages = sync(unserved, selected(*parents(stream), stream)).messages
    kinds = [m["type"] for m in messages if m.get("stream") == stream]
    assert kinds[0] == "SCHEMA"
    assert "RECORD" in kinds
    first = next(n for n, m in enumerate(messages) if m.get("stream") == stream)
    assert any(m["type"] == "RECORD" and m["stream"] in parents(stream) for m in messages[first:])


def test_what_is_removed_from_a_record_can_be_told_by_its_older_date(unserved: Sandbox) -> None:
    ticking(unserved)
    number = unserved.records("/Leads")[0]["LEAD_ID"]
    catalog = selected("leads", "record_tags")
    unserved.update("/Leads", number, TAGS=[{"TAG_NAME": "kept"}, {"TAG_NAME": "removed"}])
    first = sync(unserved, catalog)
    lead = unserved.update("/Leads", number, TAGS=[{"TAG_NAME": "kept"}])
    assert lead is not None
    second = sync(unserved, catalog, first.state)
    table = {}
    for row in first.rows("record_tags") + second.rows("record_tags"):
        if (row["PARENT_TYPE"], row["PARENT_ID"]) == ("Lead", number):
            table[row["TAG_NAME"]] = row["PARENT_UPDATED_UTC"]
    (record,) = (r for r in second.rows("leads") if r["LEAD_ID"] == number)
    assert table["kept"] == record["DATE_UPDATED_UTC"] == updated(lead)
    assert table["removed"] < table["kept"]


# What it costs


@each_array
def test_it_costs_nothing_where_the_records_are_read_anyway(sandbox: Sandbox, stream: str) -> None:
    with_it, without = selected(*parents(stream), stream), selected(*parents(stream))
    first = sync(sandbox, with_it)
    assert sorted(first.asked) == sorted(sync(sandbox, without).asked)
    for path in ARRAYS[stream][1]:
        sandbox.update(path, sandbox.records(path)[0][key_of(sandbox, path)])
    second = sync(sandbox, with_it, first.state)
    assert sorted(second.asked) == sorted(sync(sandbox, without, first.state).asked)
    if stream in BY_DATE:
        since = {
            kind: parse_moment(mark) - timedelta(seconds=60)
            for kind, mark in marks(first, stream).items()
        }
        changed = [
            row
            for row in wanted(sandbox, stream)
            if parse_moment(row["PARENT_UPDATED_UTC"]) > since[row.get("PARENT_TYPE")]
        ]
        assert counted(second.rows(stream)) == counted(changed)


@each_array
def test_without_the_streams_of_the_records_it_costs_their_pages(
    unserved: Sandbox, stream: str
) -> None:
    paths = ARRAYS[stream][1]
    first = sync(unserved, selected(stream))
    assert sorted(first.asked) == sorted(paths)
    second = sync(unserved, selected(stream), first.state)
    if stream in BY_DATE:
        assert sorted(second.asked) == sorted(f"{path}/Search" for path in paths)
        assert len(second.rows(stream)) < len(first.rows(stream))
    else:
        assert counted(second.rows(stream)) == counted(first.rows(stream))


def test_only_records_that_nothing_else_reads_cost_something(unserved: Sandbox) -> None:
    chosen = ["contacts", "emails", "users"]
    done = sync(unserved, selected(*chosen, "links", "record_tags"))
    shared = set(CRM) - {"/Contacts", "/Emails"}
    own = {path for _, paths in ARRAYS.values() for path, (_, kind) in paths.items() if kind}
    expected = ["/Contacts", "/Emails", "/Users", *shared, *(own - {"/Contacts", "/Emails"})]
    assert sorted(done.asked) == sorted(expected)
    for stream in ("links", "record_tags"):
        assert counted(done.rows(stream)) == counted(wanted(unserved, stream))


@pytest.mark.parametrize("stream", BY_DATE)
def test_what_is_selected_later_is_read_whole_once_and_then_costs_nothing(
    unserved: Sandbox, stream: str
) -> None:
    ticking(unserved)
    before = sync(unserved, selected(*parents(stream)))
    later = sync(unserved, selected(*parents(stream), stream), before.state)
    assert counted(later.rows(stream)) == counted(wanted(unserved, stream))
    lists = [*ARRAYS[stream][1]]
    assert sorted(later.asked) == sorted([*lists, *(f"{path}/Search" for path in lists)])
    for path in lists:
        unserved.update(path, unserved.records(path)[0][key_of(unserved, path)])
    from_now_on = sync(unserved, selected(*parents(stream), stream), later.state)
    assert sorted(from_now_on.asked) == sorted(f"{path}/Search" for path in lists)
    assert marks(from_now_on, stream) == {
        kind: from_now_on.own_state(name)["replication_key_value"]
        for name, kind in ARRAYS[stream][1].values()
    }


def test_a_list_that_is_out_of_reach_leaves_the_others(
    unserved: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    unserved.faults = Faults(forbidden={"/Contacts", "/Leads"})
    done = sync(unserved, selected("contacts", "emails", "links", "contact_dates"))
    there = [kind for _, kind in ARRAYS["links"][1].values() if kind not in {"Contact", "Lead"}]
    assert counted(done.rows("links")) == counted(wanted(unserved, "links", *map(str, there)))
    assert done.rows("contact_dates") == []
    said = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len([one for one in said if one.startswith("contacts: /Contacts cannot be read")]) == 1
    assert "contact_dates" not in done.state["bookmarks"] or not done.own_state("contact_dates")


# Other ways to read


@each_array
def test_batches_have_all_rows(unserved: Sandbox, stream: str, tmp_path: Path) -> None:
    batch = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
    }
    done = sync(unserved, selected(*parents(stream), stream), batch_config=batch)
    rows = []
    for message in done.messages:
        if message["type"] == "BATCH" and message["stream"] == stream:
            for url in message["manifest"]:
                text = gzip.decompress(Path(urlparse(url).path).read_bytes()).decode()
                rows += [json.loads(line) for line in text.splitlines()]
    assert counted(rows) == counted(wanted(unserved, stream))
    assert done.rows(stream) == []


@each_array
def test_a_dry_run_reads_a_row(unserved: Sandbox, stream: str) -> None:
    done = sync(unserved, selected(*parents(stream), stream), run=TapInsightly.run_connection_test)
    assert len(done.rows(stream)) == 1
    assert done.rows(parents(stream)[0])


@each_array
@pytest.mark.parametrize("whole", ["FULL_TABLE", None])
def test_a_new_version_has_all_rows(unserved: Sandbox, stream: str, whole: str | None) -> None:
    """Also if the streams of the records are read by date, and so have no versions."""
    streams = selected(*parents(stream))["streams"] + selected(stream, method=whole)["streams"]
    options: Any = {"emit_activate_version_messages": True}
    first = sync(unserved, {"streams": streams}, **options)
    second = sync(unserved, {"streams": streams}, first.state, **options)
    is_whole = whole is not None or stream not in BY_DATE
    assert counted(first.rows(stream)) == counted(wanted(unserved, stream))
    own = [m for m in second.messages if m.get("stream") == stream]
    if is_whole:
        assert counted(second.rows(stream)) == counted(wanted(unserved, stream))
        versions = {m["version"] for m in own if m["type"] != "SCHEMA"}
        assert len(versions) == 1
    assert ("ACTIVATE_VERSION" in {m["type"] for m in own}) == is_whole


def test_stream_maps_change_the_rows_that_come_among_others(unserved: Sandbox) -> None:
    maps = {
        "links": {
            "__alias__": "link_table",
            "__filter__": "LINK_OBJECT_NAME == 'Organisation'",
            "CALLED": "PARENT_TYPE + str(PARENT_ID)",
        },
        "contact_dates": None,
    }
    catalog = selected("contacts", "links", "contact_dates")
    done = sync(unserved, catalog, stream_maps=maps)
    rows = [r for r in wanted(unserved, "links") if r["LINK_OBJECT_NAME"] == "Organisation"]
    expected = [row | {"CALLED": f"{row['PARENT_TYPE']}{row['PARENT_ID']}"} for row in rows]
    assert counted(done.rows("link_table")) == counted(expected)
    sent = {m["stream"] for m in done.messages if "stream" in m}
    assert sent == {"contacts", "link_table"}
    schemas = [m for m in done.messages if m["type"] == "SCHEMA" and m["stream"] == "link_table"]
    assert all("CALLED" in schema["schema"]["properties"] for schema in schemas)
    assert done.messages.index(schemas[0]) < next(
        n for n, m in enumerate(done.messages) if m.get("stream") == "link_table" and "record" in m
    )
