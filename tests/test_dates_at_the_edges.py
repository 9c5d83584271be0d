"""Dates at the edges: none ends in a traceback, and none keeps a stream from being read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api.http.headers import moment
from tap_insightly.sandbox import Faults
from tap_insightly.values import FIRST, before, parse_moment, utc_text
from tests.conftest import Tap, new_sandbox, only
from tests.relating import Direct, sync

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
EDGES = [
    "0001-01-01",
    "0001-01-01 00:00:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00-14:00",
    "0005-06-07T08:09:10+14:00",
    " 2026-01-31T00:00:00Z\n",
    "2026-01-31T00:00:00.1234567z",
    "9999-12-31",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59+14:00",
]
OUTSIDE = ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-14:00"]

edge = st.one_of(
    st.sampled_from([*EDGES, *OUTSIDE, "2026-W05-6", "20260131T000000Z", "yesterday", ""]),
    st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat),
)
durations = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=5000))


@pytest.fixture(scope="module")
def catalog(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return Tap(tmp_path_factory.mktemp("edges")).discover(shared_sandbox)


@pytest.fixture(scope="module")
def small() -> Sandbox:
    """A small account without a network; it is noon of the first of August."""
    sandbox = new_sandbox(records=3)
    sandbox.clock = lambda: NOON
    return sandbox


def state(bookmark: object, stream: str = "contacts", **more: Any) -> dict[str, Any]:
    key = "DATE_UPDATED_UTC"
    return {
        "bookmarks": {stream: {"replication_key": key, "replication_key_value": bookmark} | more}
    }


def bookmark_of(found: Any, stream: str = "contacts") -> str:
    value = found.state["bookmarks"][stream]["replication_key_value"]
    assert isinstance(value, str)
    return value


@given(edge)
def test_a_text_is_a_moment_in_utc_or_none(text: str) -> None:
    try:
        found = parse_moment(text)
    except ValueError:
        return
    assert found.utcoffset() == timedelta()
    assert parse_moment(utc_text(found)) == found


@given(st.datetimes(timezones=st.timezones() | st.none()))
def test_every_moment_can_be_written(moment: datetime) -> None:
    assert utc_text(moment).endswith("Z")


@given(st.datetimes(timezones=st.just(timezone.utc)), durations)
def test_nothing_is_before_the_first_moment(moment: datetime, duration: timedelta) -> None:
    found = before(moment, duration)
    assert FIRST <= found <= moment
    assert found == FIRST or found == moment - duration


def test_a_clock_that_cannot_be_reckoned_with_tells_no_time() -> None:
    assert moment("Fri, 31 Dec 9999 23:59:59 -0100") is None
    assert moment("Fri, 31 Dec 99999 23:59:59 GMT") is None
    assert moment("Sat, 01 Aug 2026 12:00:00 GMT") == NOON


@settings(max_examples=60)
@given(edge, edge, st.sampled_from(["contacts", "note_comments"]), st.integers(0, 3660))
def test_no_date_in_a_state_or_setting_ends_in_a_traceback(
    catalog: dict[str, Any], small: Sandbox, bookmark: str, start: str, stream: str, days: int
) -> None:
    mark = state(bookmark, stream, replication_key=replication_key(stream))
    try:
        parse_moment(start)
    except ValueError:
        start = ""  # is refused as a setting
    config = {"start_date": start, "child_streams_lookback_days": days}
    done = sync(small, only(catalog, stream), mark, **config)
    if done.error is not None:
        assert f"holds {bookmark!r} as its bookmark, which is no date" in str(done.error)
        return
    after = parse_moment(bookmark_of(done, stream))
    assert after <= NOON
    assert sync(small, only(catalog, stream), done.state, **config).error is None


def replication_key(stream: str) -> str:
    return "DATE_UPDATED_UTC" if stream == "contacts" else "PARENT_UPDATED_UTC"


@pytest.mark.parametrize("start", EDGES)
def test_a_start_date_may_be_any_date(tap: Tap, sandbox: Sandbox, start: str) -> None:
    chosen = only(tap.discover(sandbox), "contacts")
    sandbox.requests.clear()
    run = tap(sandbox=sandbox, catalog=chosen, start_date=start)
    assert run.code == 0, run.stderr
    since = sandbox.requests[0].query.get("updated_after_utc")
    if start.startswith("0001-01-01") and "-14" not in start:
        assert since is None, "nothing is before the first moment, so all is asked for"
    else:
        assert since == utc_text(parse_moment(start) - timedelta(seconds=1))


@pytest.mark.parametrize("newest", ["0001-01-01 00:00:00", "9999-12-31 23:59:59"])
def test_a_date_that_the_server_holds_is_no_trap(tap: Tap, sandbox: Sandbox, newest: str) -> None:
    chosen = only(tap.discover(sandbox), "contacts")
    for row in sandbox.tables["/Contacts"].rows:
        row["DATE_UPDATED_UTC"] = newest
    first = tap(sandbox=sandbox, catalog=chosen)
    assert first.code == 0, first.stderr
    second = tap(sandbox=sandbox, catalog=chosen, state=first.state)
    assert second.code == 0, second.stderr
    assert "later than Insightly's clock" not in second.stderr
    assert len(second.records("contacts")) == sandbox.count("/Contacts")


def test_what_somebody_has_written_into_an_unfinished_reading_is_no_bookmark(
    catalog: dict[str, Any], small: Sandbox
) -> None:
    for text in ("soon", "", "9999"):
        unfinished = {"since": None, "last_id": 1, "skip": 0, "newest": text, "began": text}
        mark = {"bookmarks": {"contacts": {"unfinished": unfinished}}}
        done = sync(small, only(catalog, "contacts"), mark)
        assert done.error is None
        assert sync(small, only(catalog, "contacts"), done.state).error is None


FUTURE = "2099-01-01T00:00:00Z"


def test_a_bookmark_later_than_the_server_s_clock_is_told_of_and_put_back(
    catalog: dict[str, Any], small: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    done = sync(small, only(catalog, "contacts"), state(FUTURE))
    assert done.error is None
    assert "contacts: the bookmark 2099-01-01T00:00:00Z is later than Insightly's" in caplog.text
    assert "clock, which says 2026-08-01T12:00:00Z" in caplog.text
    asked = [query.get("updated_after_utc") for query in done.queries]
    assert asked == ["2098-12-31T23:59:00Z", "2026-08-01T11:59:00Z"]
    assert bookmark_of(done) == "2026-08-01T12:00:00Z"


def test_what_changed_within_the_look_back_arrives_in_the_same_run(
    catalog: dict[str, Any],
) -> None:
    sandbox = new_sandbox(records=3)
    sandbox.clock = lambda: NOON
    made = sandbox.create("/Contacts", FIRST_NAME="New")["CONTACT_ID"]
    done = sync(sandbox, only(catalog, "contacts"), state(FUTURE))
    assert [row["CONTACT_ID"] for row in done.rows("contacts")] == [made]
    assert bookmark_of(done) == "2026-08-01T12:00:00Z"
    sandbox.clock = lambda: NOON + timedelta(days=1)
    sandbox.update("/Contacts", made, FIRST_NAME="Newer")
    again = sync(sandbox, only(catalog, "contacts"), done.state)
    assert [row["FIRST_NAME"] for row in again.rows("contacts")] == ["Newer"]


@pytest.mark.parametrize("detect_deletes", [False, True])
@pytest.mark.parametrize(
    "streams",
    [
        ["contacts", "leads", "organisations", "links", "contact_dates"],
        ["note_comments", "file_attachments"],
        ["links", "record_tags"],
    ],
)
def test_all_streams_go_on_from_the_server_s_clock(
    catalog: dict[str, Any], small: Sandbox, streams: list[str], *, detect_deletes: bool
) -> None:
    chosen = only(catalog, *streams)
    first = sync(small, chosen, detect_deletes=detect_deletes)
    sane = sync(small, chosen, first.state, detect_deletes=detect_deletes)
    text = with_bookmarks(first.state, FUTURE)
    done = sync(small, chosen, text, detect_deletes=detect_deletes)
    assert done.error is None
    assert not [one for one in all_bookmarks(done.state) if one > utc_text(NOON)]
    assert len(done.asked) <= 2 * len(sane.asked)
    again = sync(small, chosen, done.state, detect_deletes=detect_deletes)
    assert again.error is None
    assert len(again.asked) <= len(sane.asked)


def with_bookmarks(value: Any, bookmark: str) -> Any:
    """A state in which all bookmarks are another."""
    if isinstance(value, list):
        return [with_bookmarks(one, bookmark) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: with_bookmarks(one, bookmark) for name, one in value.items()}
    if "replication_key_value" in changed:
        changed["replication_key_value"] = bookmark
    return changed


def all_bookmarks(value: Any) -> list[str]:
    """All bookmarks in a state."""
    if isinstance(value, list):
        return [mark for one in value for mark in all_bookmarks(one)]
    if not isinstance(value, dict):
        return []
    own = [value["replication_key_value"]] if "replication_key_value" in value else []
    return own + [mark for one in value.values() for mark in all_bookmarks(one)]


def test_a_run_that_is_cut_leaves_the_bookmark_that_was_put_back(
    catalog: dict[str, Any], small: Sandbox
) -> None:
    session = Direct(small, cut_at=2, max_concurrency=1)
    done = sync(small, only(catalog, "contacts"), state(FUTURE), session=session)
    assert done.error is not None
    assert bookmark_of(done) == "2026-08-01T12:00:00Z"


def test_a_bookmark_within_the_look_back_is_no_matter(
    catalog: dict[str, Any], small: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    done = sync(small, only(catalog, "contacts"), state("2026-08-01T12:00:59Z"))
    assert "later than" not in caplog.text
    assert len(done.asked) == 1


def test_the_clock_of_this_machine_is_not_asked(
    catalog: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """By the server's clock, it is long past the bookmark, whatever it is here."""
    sandbox = new_sandbox(records=3)
    sandbox.clock = lambda: datetime(2098, 1, 1, tzinfo=timezone.utc)
    done = sync(sandbox, only(catalog, "contacts"), state("2097-01-01T00:00:00Z"))
    assert "later than" not in caplog.text
    assert len(done.asked) == 1
    assert bookmark_of(done) == "2097-01-01T00:00:00Z"


def test_a_server_without_a_clock_is_believed(tap: Tap, sandbox: Sandbox) -> None:
    chosen = only(tap.discover(sandbox), "contacts")
    sandbox.faults = Faults(no_date_header=True)
    run = tap(sandbox=sandbox, catalog=chosen, state=state(FUTURE))
    assert run.code == 0, run.stderr
    assert bookmark_of(run) == FUTURE
