"""A stream that says all that there is: what is not in it is removed, or given a value."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.loader.errors import IncompleteStreamError, MappingError, TooManyDeletionsError
from tap_insightly.sandbox.account.moments import timestamp
from tests.loader.feeding import Clock, Feed, feed_here, schema, state, stream_of
from tests.loader.test_modes import BY_MAIL, OURS, add, rows, writes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.sandbox import Sandbox
    from tests.loader.feeding import Message

MIRROR = {
    **BY_MAIL,
    "mode": {"contacts": "mirror"},
    "mirror_filter": {"contacts": {"LAST_NAME": "ours"}},
    "allow_delete": True,
    "max_deletes": "50 %",
}
VERSION = {"type": "ACTIVATE_VERSION", "stream": "contacts", "version": 1}


def mails(sandbox: Sandbox) -> list[str]:
    return [
        row["EMAIL_ADDRESS"] for row in sandbox.records("/Contacts") if row["LAST_NAME"] == "ours"
    ]


@pytest.mark.parametrize("end", [state(1), VERSION], ids=["state", "version"])
def test_a_mirror_deletes_what_is_not_in_the_stream(
    feed: Feed, sandbox: Sandbox, end: Message
) -> None:
    for name in "abcd":
        add(sandbox, name)
    add(sandbox, "e", LAST_NAME="theirs")
    fed = feed.well([*stream_of("contacts", rows("a", "b", "x")), end], **MIRROR)
    assert mails(sandbox) == ["a", "b", "x"]
    assert any(row["EMAIL_ADDRESS"] == "e" for row in sandbox.records("/Contacts"))
    assert "1 created, 2 updated, 0 unchanged, 2 deleted" in fed.stderr


def test_a_mirror_can_set_a_field_instead(sandbox: Sandbox) -> None:
    for name in "abc":
        add(sandbox, name)
    config = {**MIRROR, "mirror_field": {"contacts": {"TITLE": "gone", "hobby": "none"}}}
    del config["allow_delete"]
    feed_here(sandbox, [*stream_of("contacts", rows("a", "b")), state(1)], **config)
    found = {row["EMAIL_ADDRESS"]: row["TITLE"] for row in sandbox.records("/Contacts")}
    assert {name: found[name] for name in "abc"} == {"a": None, "b": None, "c": "gone"}
    done = len(writes(sandbox))
    feed_here(sandbox, [*stream_of("contacts", rows("a", "b")), state(1)], **config)
    assert len(writes(sandbox)) == done


@pytest.mark.parametrize(
    ("messages", "error", "said"),
    [
        (stream_of("contacts", rows("a")), IncompleteStreamError, "did not come to its end"),
        (
            [*stream_of("contacts", rows("a")), state(1), *stream_of("contacts", rows("b"))[1:]],
            IncompleteStreamError,
            "did not come to its end",
        ),
        ([schema("contacts", "EMAIL_ADDRESS")], IncompleteStreamError, "did not come to its end"),
        ([*stream_of("contacts", rows("a")), state(1)], TooManyDeletionsError, "3 of 4 records"),
        (
            [schema("contacts", "EMAIL_ADDRESS"), state(1)],
            IncompleteStreamError,
            "no record at all",
        ),
    ],
)
def test_a_mirror_of_a_stream_that_is_not_whole_or_lacks_too_much_deletes_nothing(
    sandbox: Sandbox, messages: Sequence[Message], error: type[Exception], said: str
) -> None:
    for name in "abcd":
        add(sandbox, name)
    with pytest.raises(error, match=said):
        feed_here(sandbox, messages, **MIRROR)
    assert mails(sandbox) == list("abcd")


def test_a_mirror_of_which_records_are_refused_deletes_nothing(
    feed: Feed, sandbox: Sandbox
) -> None:
    for name in "abcd":
        add(sandbox, name)
    bad = {"FIRST_NAME": "x", **OURS, "EMAIL_ADDRESS": ""}
    path = feed.folder / "rejects.jsonl"
    settings = {**MIRROR, "on_error": "skip", "rejects_file": str(path), "max_rejects": 5}
    fed = feed([*stream_of("contacts", [*rows("a", "b"), bad]), state(1)], **settings)
    assert fed.code == 1
    assert "1 records were refused, so nobody knows" in fed.problems[-1]
    assert mails(sandbox) == list("abcd")
    assert not fed.states


def test_a_mirror_leaves_what_was_made_since_the_run_began_or_has_changed(
    sandbox: Sandbox,
) -> None:
    for name in "abcd":
        add(sandbox, name)
    changed = [row["CONTACT_ID"] for row in sandbox.records("/Contacts")][-1]
    clock, seen = Clock(sandbox), []

    def meanwhile(request: Any) -> None:
        clock.now += 10
        if request.path.endswith("/Contacts/Search") and "LAST_NAME" in str(request.query):
            if not seen:
                # Its id is higher than any was; what its date says does not matter then.
                add(sandbox, "new", DATE_CREATED_UTC="2020-01-31 08:00:00")
            seen.append(1)
        elif request.method == "GET" and request.path.endswith(str(changed)):
            sandbox.update("/Contacts", changed, LAST_NAME="theirs")

    sandbox.on_request = meanwhile
    config = {**MIRROR, "max_deletes": 4}
    feed_here(sandbox, [*stream_of("contacts", rows("a", "b")), state(1)], clock, **config)
    assert mails(sandbox) == ["a", "b", "new"]
    assert sandbox.tables["/Contacts"].find(changed)


def test_where_nothing_is_counted_the_date_says_what_was_made_since_the_run_began(
    sandbox: Sandbox,
) -> None:
    """By a clock that may be minutes apart from that of the answers."""
    sandbox.faults.totals = {"*": None, "/Contacts": None}
    for name in "abc":
        add(sandbox, name, DATE_CREATED_UTC="2020-01-31 08:00:00")
    clock, seen = Clock(sandbox), []

    def meanwhile(request: Any) -> None:
        clock.now += 10
        if request.path.endswith("/Contacts/Search") and "LAST_NAME" in str(request.query):
            if not seen:
                made = clock.began - timedelta(minutes=5)
                add(sandbox, "new", DATE_CREATED_UTC=timestamp(made))
            seen.append(1)

    sandbox.on_request = meanwhile
    config = {**MIRROR, "max_deletes": 4}
    feed_here(sandbox, [*stream_of("contacts", rows("a", "b")), state(1)], clock, **config)
    assert mails(sandbox) == ["a", "b", "new"]


def test_where_neither_a_count_nor_a_date_says_what_is_new_nothing_is_deleted(
    sandbox: Sandbox,
) -> None:
    sandbox.faults.totals = {"*": None, "/Contacts": None}
    for name in "abcd":
        add(sandbox, name, DATE_CREATED_UTC=None)
    with pytest.raises(IncompleteStreamError, match="does not say when it was created"):
        feed_here(sandbox, [*stream_of("contacts", rows("a", "b")), state(1)], **MIRROR)
    assert mails(sandbox) == list("abcd")


def test_a_mirror_deletes_only_what_has_the_value_whatever_a_search_answers(
    sandbox: Sandbox,
) -> None:
    before = sandbox.count("/Contacts")
    for name in "ab":
        add(sandbox, name)
    config = {**MIRROR, "max_deletes": "100 %"}
    sandbox.faults.search_ignores_field = True
    row = {
        "CONTACT_ID": [r["CONTACT_ID"] for r in sandbox.records("/Contacts")][-1],
        **rows("b")[0],
    }
    feed_here(sandbox, [*stream_of("contacts", [row]), state(1)], **config)
    assert mails(sandbox) == ["b"]
    assert sandbox.count("/Contacts") == before + 1


def test_a_mirror_of_the_whole_object_says_so(sandbox: Sandbox) -> None:
    sandbox.tables["/Contacts"].clear()
    add(sandbox, "a")
    add(sandbox, "b", LAST_NAME="other")
    config = {**MIRROR, "mirror_filter": {"Contact": {}}}
    feed_here(sandbox, [*stream_of("contacts", rows("a")), state(1)], **config)
    assert [row["EMAIL_ADDRESS"] for row in sandbox.records("/Contacts")] == ["a"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mirror_filter": None}, "needs mirror_filter"),
        ({"mirror_filter": {"contacts": {"LAST_NAM": "x"}}}, "did you mean"),
        ({"mirror_filter": {"contacts": {"OWNER_USER_ID": "x"}}}, "a whole number"),
        ({"mirror_field": {"contacts": {"TITEL": "x"}}}, "TITLE"),
        ({"mirror_field": {"contacts": {"DATE_CREATED_UTC": "2026-01-01"}}}, "read-only"),
    ],
)
def test_a_mirror_that_cannot_be_is_refused_before_anything_is_written(
    sandbox: Sandbox, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(MappingError, match=said):
        feed_here(sandbox, [*stream_of("contacts", rows("a")), state(1)], **{**MIRROR, **change})
    assert not writes(sandbox)


@pytest.mark.parametrize("mode", ["mirror", {"contacts": "mirror"}])
def test_a_mirror_needs_to_be_allowed_to_delete(feed: Feed, sandbox: Sandbox, mode: Any) -> None:
    settings = {**MIRROR, "mode": mode, "allow_delete": False}
    fed = feed([*stream_of("contacts", rows("a")), state(1)], **settings)
    assert fed.code == 2
    assert "'allow_delete'" in fed.problems[0]
    assert not sandbox.requests
