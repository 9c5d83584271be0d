"""What must not happen by mistake: deletions nobody meant, and runs that refuse everything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.loader.errors import RejectedError, TooManyDeletionsError
from tap_insightly.loader.shares import Share
from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox
from tests.loader.feeding import Feed, feed_here, record, schema, state, stream_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import RequestLog, Sandbox

BY_MAIL = {"match_on": {"Contact": "EMAIL_ADDRESS"}}
GOOD = {"FIRST_NAME": "good"}
BAD = {"FIRST_NAME": None}


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with new_sandbox(records=30).serve() as sandbox:
        yield sandbox


def there(sandbox: Sandbox, number: int) -> bool:
    return sandbox.tables["/Contacts"].find(number) is not None


def add(sandbox: Sandbox, count: int, **fields: Any) -> list[int]:
    rows = [sandbox.create("/Contacts", **{"FIRST_NAME": "Ann", **fields}) for _ in range(count)]
    return [row["CONTACT_ID"] for row in rows]


def deletions(numbers: list[int], mark: Any = "2026-01-31") -> list[dict[str, Any]]:
    return [{"CONTACT_ID": number, "_sdc_deleted_at": mark} for number in numbers]


def contacts(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    messages = [schema("contacts", "CONTACT_ID", "FIRST_NAME", "EMAIL_ADDRESS")]
    for number, row in enumerate(rows, 1):
        messages += [record("contacts", **row), state(number)]
    return messages


@pytest.mark.parametrize(
    "mark",
    ["2026-01-31", "2026-01-31T08:00:00Z", "2026-01-31 08:00:00", "20260131", True, "true", "True"],
)
def test_a_date_or_true_is_a_deletion(account: Sandbox, mark: Any) -> None:
    (number,) = add(account, 1)
    feed_here(account, stream_of("contacts", deletions([number], mark)), allow_delete=True)
    assert not there(account, number)


@pytest.mark.parametrize("mark", [None, "", " ", "\t", "\u00a0", "0000-00-00 00:00:00", False])
def test_what_is_empty_is_no_deletion(account: Sandbox, mark: Any) -> None:
    (number,) = add(account, 1)
    feed_here(account, stream_of("contacts", deletions([number], mark)), allow_delete=True)
    assert there(account, number)


@pytest.mark.parametrize(
    "mark",
    [
        *("NaT", "NaN", "nan", "None", "null", "NULL", "<NA>", "false", "False", "no", "0", "yes"),
        *("-", "n/a", "never", "2026-13-45", "9999-12-31", "0001-01-01", "1970-01-01T00:00:00Z"),
        *(0, 1, 1.5, float("nan"), 1700000000, [], {}, ["2026-01-31"]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("is_allowed", [True, False])
def test_anything_else_is_refused_and_deletes_nothing(
    account: Sandbox, mark: Any, *, is_allowed: bool
) -> None:
    (number,) = add(account, 1)
    messages = stream_of("contacts", deletions([number], mark))
    with pytest.raises(RejectedError, match=r"_sdc_deleted_at: got .*; accepted is the date"):
        feed_here(account, messages, allow_delete=is_allowed, max_deletes=100)
    assert there(account, number)


@pytest.mark.parametrize(
    ("most", "total", "number"),
    [
        *((0, 100, 0), ("7", 100, 7), (7.0, 3, 7), ("5 %", 100, 5), ("5%", 101, 6)),
        *(("2.5 %", 1000, 25), ("0 %", 1000, 0), ("100 %", 7, 7), ("5 %", 1, 1), ("5 %", 0, 0)),
    ],
)
def test_a_share_is_a_number_or_a_percentage_rounded_up(most: Any, total: int, number: int) -> None:
    assert Share.of(most).limit(total) == number


@pytest.mark.parametrize("value", ["-1", "101 %", "ten", "5 % of them", "", "1e3", True, 1.5, None])
def test_what_is_no_share_is_refused(feed: Feed, sandbox: Sandbox, value: Any) -> None:
    with pytest.raises(ValueError, match="percentage"):
        Share.of(value)
    if value not in {"", None}:
        fed = feed(contacts(GOOD), max_deletes=value)
        assert fed.code == 2
        assert "'max_deletes'" in fed.problems[0]
        assert not sandbox.requests


@pytest.mark.parametrize("most", ["5 %", 4])
def test_more_deletions_than_allowed_are_none_and_are_listed(
    feed: Feed, sandbox: Sandbox, most: Any
) -> None:
    sandbox.tables["/Contacts"].clear()
    numbers = add(sandbox, 79)  # and one is made before they are counted
    path = feed.folder / "rejects.jsonl"
    settings = {"allow_delete": True, "max_deletes": most, "rejects_file": str(path)}
    messages = [*stream_of("contacts", [GOOD, *deletions(numbers[:5])]), state(1)]
    fed = feed(messages, **settings)
    assert fed.code == 1
    assert "5 of 80 records" in fed.problems[-1] or "5 records" in fed.problems[-1]
    assert "Traceback" not in fed.stderr
    assert not fed.states
    assert {one.method for one in sandbox.requests} <= {"GET", "POST"}
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(one["record"]["CONTACT_ID"] for one in kept) == numbers[:5]
    # One less is not too many.
    fed = feed.well([*stream_of("contacts", deletions(numbers[:4])), state(2)], **settings)
    assert [there(sandbox, number) for number in numbers[:5]] == [False] * 4 + [True]
    assert fed.states == [2]


def test_a_deletion_that_may_not_be_done_is_refused_and_not_called_unchanged(
    feed: Feed, sandbox: Sandbox
) -> None:
    numbers = add(sandbox, 2)
    sandbox.faults.read_only = {"/Contacts"}
    settings = {"allow_delete": True, "on_error": "skip", "max_rejects": 2}
    fed = feed.well(stream_of("contacts", deletions(numbers)), **settings)
    assert "0 unchanged, 0 deleted, 2 rejected" in fed.stderr
    assert f"DELETE /Contacts/{numbers[0]} cannot be done (403)" in fed.stderr
    assert all(there(sandbox, number) for number in numbers)


def test_what_is_gone_already_does_not_count(sandbox: Sandbox) -> None:
    (number,) = add(sandbox, 1)
    rows = deletions([*range(1, 200), number])
    feed_here(sandbox, stream_of("contacts", rows), allow_delete=True, max_deletes=1)
    assert not there(sandbox, number)


def test_too_many_of_one_stream_keep_all_streams_from_deleting(sandbox: Sandbox) -> None:
    numbers = add(sandbox, 30)
    leads = [row["LEAD_ID"] for row in sandbox.records("/Leads")[:1]]
    rows = [{"LEAD_ID": number, "_sdc_deleted_at": True} for number in leads]
    messages = [*stream_of("leads", rows), *stream_of("contacts", deletions(numbers))]
    with pytest.raises(TooManyDeletionsError, match="by stream 'contacts'"):
        feed_here(sandbox, messages, allow_delete=True)
    assert sandbox.tables["/Leads"].find(leads[0])
    assert all(there(sandbox, number) for number in numbers)


def test_a_list_without_a_total_needs_a_number(sandbox: Sandbox) -> None:
    (number,) = add(sandbox, 1)
    sandbox.faults.totals = {"/Contacts": None}
    messages = stream_of("contacts", deletions([number]))
    with pytest.raises(Exception, match="Set max_deletes to a number"):
        feed_here(sandbox, messages, allow_delete=True)
    assert there(sandbox, number)
    feed_here(sandbox, messages, allow_delete=True, max_deletes=1)
    assert not there(sandbox, number)


@pytest.mark.parametrize(
    "faults",
    [{"record_limit": 0}, {"read_only": {"/Contacts"}}, {"statuses": {"/Contacts": 409}}],
    ids=str,
)
def test_an_object_that_takes_nothing_ends_the_run_before_the_state_moves(
    feed: Feed, sandbox: Sandbox, faults: dict[str, Any]
) -> None:
    sandbox.faults = Faults(**faults)
    path = feed.folder / "rejects.jsonl"
    fed = feed(contacts(*[GOOD] * 400), on_error="skip", rejects_file=str(path))
    assert fed.code == 1
    assert "max_rejects allows (10 %)" in fed.problems[-1]
    assert not fed.states
    posts = sum(one.method == "POST" for one in sandbox.requests)
    assert posts < 150  # and it does not go on to the end of what comes


@pytest.mark.parametrize(
    ("most", "bad", "good", "is_well"),
    [
        *(("10 %", 1, 9, True), ("10 %", 2, 9, True), ("10 %", 3, 9, False), ("10 %", 2, 0, False)),
        *((0, 1, 400, False), (3, 3, 0, True), (3, 4, 400, False), ("100 %", 9, 0, True)),
        ("0 %", 1, 9, False),
    ],
)
def test_rejects_are_judged_at_the_end_and_no_state_is_passed_on_beyond_too_many(
    feed: Feed, most: Any, bad: int, good: int, *, is_well: bool
) -> None:
    rows = [BAD] * bad + [GOOD] * good
    path = feed.folder / "rejects.jsonl"
    settings = {"on_error": "skip", "rejects_file": str(path), "max_rejects": most}
    fed = feed(contacts(*rows), **settings, max_concurrency=1)
    assert (fed.code == 0) == is_well, fed.stderr
    if is_well:
        assert fed.states[-1] == len(rows)
    else:
        # A number of rejects that is allowed is allowed at once; of a share nobody knows yet.
        assert max(fed.states, default=0) <= (most if isinstance(most, int) else 0)
        assert "max_rejects" in fed.problems[-1]


def test_many_rejects_at_first_that_are_few_in_the_end_hold_the_state_back(feed: Feed) -> None:
    path = feed.folder / "rejects.jsonl"
    rows = [BAD] * 3 + [GOOD] * 40
    settings = {"on_error": "skip", "rejects_file": str(path), "max_concurrency": 1}
    fed = feed.well(contacts(*rows), **settings)
    assert fed.states[0] > 3 * 10 - 10
    assert fed.states[-1] == len(rows)


def test_rejects_of_one_stream_are_not_hidden_by_another(feed: Feed) -> None:
    leads = [{"LAST_NAME": f"L{number}"} for number in range(300)]
    messages = [*stream_of("leads", leads), *stream_of("contacts", [BAD] * 8), state(1)]
    path = feed.folder / "rejects.jsonl"
    fed = feed(messages, on_error="skip", rejects_file=str(path))
    assert fed.code == 1
    assert "Stream 'contacts': 8 of 8 records were refused" in fed.problems[-1]
    assert not fed.states


def test_skipping_without_a_file_is_warned_of_at_the_start(feed: Feed, tmp_path: Path) -> None:
    fed = feed.well(contacts(GOOD), on_error="skip")
    assert "rejects_file is not set" in fed.stderr
    fed = feed.well(contacts(GOOD), on_error="skip", rejects_file=str(tmp_path / "x"))
    assert "rejects_file is not set" not in fed.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Hobby__c", "chess", None),
        ("hobby", "chess", None),
        ("TITLE", "Dr", None),
        ("hoby__c", "chess", "did you mean 'Hobby__c'"),
        ("Titel", "Dr", "did you mean 'TITLE'"),
        ("first_name", "Bob", "Both 'FIRST_NAME' and 'first_name' would be written"),
        ("_sdc_batched_at", "x", None),
        ("loaded_at", "x", "has no field 'loaded_at'.* an empty text for it in field_map"),
        ("DATE_CREATED_UTC", "2026-01-01", None),
    ],
)
def test_a_property_that_the_schema_does_not_name_is_taken_or_refused(
    sandbox: Sandbox, name: str, value: Any, said: str | None
) -> None:
    messages = [
        schema("contacts", "FIRST_NAME"),
        record("contacts", FIRST_NAME="Zoë", **{name: value}),
    ]
    if said is not None:
        with pytest.raises(RejectedError, match=said):
            feed_here(sandbox, messages)
        assert not [one for one in sandbox.requests if one.method == "POST"]
        return
    feed_here(sandbox, messages)
    (row,) = (one for one in sandbox.records("/Contacts") if one["FIRST_NAME"] == "Zoë")
    kept = {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in row["CUSTOMFIELDS"]} | row
    is_ours = name.lower() in {"title", "hobby", "hobby__c"}
    assert (value in kept.values()) == is_ours


def test_such_a_property_can_be_left_out(sandbox: Sandbox) -> None:
    messages = [
        schema("contacts", "FIRST_NAME"),
        record("contacts", FIRST_NAME="Zoë", loaded_at="x"),
    ]
    for key in ("contacts", "Contact"):
        feed_here(sandbox, messages, field_map={key: {"loaded_at": ""}})
    assert sum(row["FIRST_NAME"] == "Zoë" for row in sandbox.records("/Contacts")) == 2


def test_deletions_come_after_all_else_and_what_comes_behind_them_in_order(
    sandbox: Sandbox,
) -> None:
    (number,) = add(sandbox, 1, EMAIL_ADDRESS="ann@x.org", TITLE="Dr")
    rows = [
        {"EMAIL_ADDRESS": "ann@x.org", "_sdc_deleted_at": "2026-01-31"},
        {"EMAIL_ADDRESS": "ann@x.org", "FIRST_NAME": "Anna"},
        {"EMAIL_ADDRESS": "bob@x.org", "FIRST_NAME": "Bob"},
    ]
    seen: list[str] = []
    sandbox.on_request = lambda log: seen.append(log.method)
    feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL, allow_delete=True)
    found = [row for row in sandbox.records("/Contacts") if row["EMAIL_ADDRESS"] == "ann@x.org"]
    assert [(row["FIRST_NAME"], row["TITLE"]) for row in found] == [("Anna", None)]
    assert not there(sandbox, number)
    assert [method for method in seen if method != "GET"] == ["POST", "DELETE", "POST"]


def test_a_state_is_not_passed_on_before_the_deletions_that_it_speaks_of(
    feed: Feed, sandbox: Sandbox
) -> None:
    (number,) = add(sandbox, 1)
    states_then: list[int] = []
    messages = [
        *stream_of("contacts", deletions([number])),
        state(1),
        record("contacts", FIRST_NAME="later", CONTACT_ID=None),
        state(2),
    ]
    path = feed.folder / "input.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in messages))

    def note(request: RequestLog) -> None:
        if request.method == "DELETE":
            states_then.append(1)

    sandbox.on_request = note
    sandbox.faults.undeletable = {"/Contacts"}
    fed = feed(messages, allow_delete=True)
    assert fed.code == 1
    assert states_then
    assert not fed.states
    sandbox.faults = Faults()
    assert feed.well(messages, allow_delete=True).states == [2]
