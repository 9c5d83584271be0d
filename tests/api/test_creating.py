"""Creating: whatever happens on the way, each create has one record of its own, and only one."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import NotAvailableError, UnknownOutcomeError
from tap_insightly.api.http import session
from tap_insightly.sandbox import Faults
from tests.api.conftest import asked, new_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.api import InsightlyClient
    from tap_insightly.sandbox import RequestLog, Sandbox

DONE = ["lost", "lost-500", "truncate"]
NOT_DONE = ["reset", "500", "html"]
names = map("create number {}".format, itertools.count())


def ids(
    sandbox: Sandbox, name: str, field: str = "LAST_NAME", path: str = "/Contacts"
) -> list[int]:
    """The ids of the records with a name."""
    key = sandbox.tables[path].keys[0]
    return [record[key] for record in sandbox.records(path) if record[field] == name]


@pytest.mark.parametrize("fault", [*DONE, *NOT_DONE])
def test_a_create_whose_answer_is_lost_is_there_once(
    client: InsightlyClient, sandbox: Sandbox, fault: str
) -> None:
    sandbox.faults.script = [fault]
    made = client.create("contact", FIRST_NAME="Ada", LAST_NAME="Lovelace", hobby="chess")
    assert ids(sandbox, "Lovelace") == [made["CONTACT_ID"]]
    assert made == client.get("contact", made["CONTACT_ID"])
    assert len(asked(sandbox, "POST")) == 1 + (fault in NOT_DONE)


def test_a_create_whose_answer_comes_too_late_is_there_once(sandbox: Sandbox) -> None:
    with new_client(sandbox, request_timeout=2) as client:
        client.fields("contact")
        sandbox.faults = Faults(script=["lost-hang"], hang_seconds=30)
        made = client.create("contact", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    assert ids(sandbox, "Lovelace") == [made["CONTACT_ID"]]


@pytest.mark.parametrize("fault", [*DONE, *NOT_DONE])
@pytest.mark.parametrize(
    ("path", "field", "values"),
    [
        ("/Milestones", "TITLE", {"COMPLETED": False, "DUE_DATE": "2026-05-01"}),
        ("/Fruit__c", "RECORD_NAME", {}),
        ("/Pricebook", "NAME", {"ACTIVE": True}),
    ],
)
def test_a_lost_create_of_any_object_with_a_search_is_there_once(
    sandbox: Sandbox, path: str, field: str, values: dict[str, Any], fault: str
) -> None:
    name = path[1:]
    with new_client(sandbox) as client:
        client.fields(name)
        client.request("GET", "/Instance")
        sandbox.faults.script = [fault]
        if name == "Milestones":
            values = {**values, "PROJECT_ID": sandbox.records("/Projects")[-1]["PROJECT_ID"]}
        made = client.create(name, {**values, field: "one and only"})
        key = str(client.object(name).key)
    assert ids(sandbox, "one and only", field, path) == [made[key]]


@pytest.mark.parametrize("fault", [*DONE, *NOT_DONE])
def test_a_lost_create_that_cannot_be_looked_for_is_told_and_not_done_again(
    client: InsightlyClient, sandbox: Sandbox, fault: str
) -> None:
    client.request("GET", "/Instance")
    sandbox.faults.script = [fault]
    with pytest.raises(UnknownOutcomeError, match="Look at what is there"):
        client.create("lead source", LEAD_SOURCE="Word of mouth")
    found = ids(sandbox, "Word of mouth", "LEAD_SOURCE", "/LeadSources")
    assert len(found) == (fault in DONE)


def test_a_lost_create_that_cannot_be_looked_for_now_is_told_as_that(sandbox: Sandbox) -> None:
    def break_down(log: RequestLog) -> None:
        if log.path.endswith("/Search"):
            sandbox.faults = Faults(error_rate=1)

    with new_client(sandbox, max_retries=1) as client:
        client.fields("contact")
        sandbox.on_request = break_down
        sandbox.faults.script = ["lost"]
        with pytest.raises(UnknownOutcomeError, match=r"POST .*may have been done"):
            client.create("contact", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    assert len(ids(sandbox, "Lovelace")) == 1


def test_a_create_that_never_gets_through_ends(client: InsightlyClient, sandbox: Sandbox) -> None:
    def refuse(log: RequestLog) -> None:
        sandbox.faults.script = ["reset"] if log.method == "POST" else []

    sandbox.on_request = refuse
    with pytest.raises(UnknownOutcomeError):
        client.create("contact", FIRST_NAME="Ada")
    assert sandbox.count("/Contacts") == 60


def test_an_older_record_that_is_equal_is_not_taken_for_the_new_one(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    now = datetime.now(timezone.utc)
    sandbox.clock = lambda: now - timedelta(minutes=1)
    old = sandbox.create("/Contacts", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    sandbox.clock = lambda: now
    client.request("GET", "/Instance")
    sandbox.update("/Contacts", old["CONTACT_ID"], PHONE="1")  # enters the search, but is older
    sandbox.faults.script = ["reset"]
    made = client.create("contact", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    assert ids(sandbox, "Lovelace") == [old["CONTACT_ID"], made["CONTACT_ID"]]
    assert old["CONTACT_ID"] != made["CONTACT_ID"]


def test_a_record_of_others_from_before_is_not_taken_however_long_the_client_was_idle(
    client: InsightlyClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(timezone.utc)
    sandbox.clock = lambda: now
    client.request("GET", "/Instance")
    sandbox.clock = lambda: now + timedelta(minutes=30)
    other = sandbox.create("/Contacts", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    sandbox.clock = lambda: now + timedelta(minutes=60)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 3600)
    monkeypatch.setattr(session, "time", later)
    sandbox.on_request = lambda log: _reset_first_post(sandbox, log)
    made = client.create("contact", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    assert made["CONTACT_ID"] != other["CONTACT_ID"]


def _reset_first_post(sandbox: Sandbox, log: RequestLog) -> None:
    if log.method == "POST" and not asked(sandbox, "POST"):
        sandbox.faults.script = ["reset"]


def test_an_old_record_is_not_taken_if_the_server_tells_no_time(sandbox: Sandbox) -> None:
    sandbox.faults.no_date_header = True
    now = datetime.now(timezone.utc)
    sandbox.clock = lambda: now - timedelta(days=1)
    old = sandbox.create("/Contacts", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    sandbox.clock = lambda: now
    sandbox.on_request = lambda log: _reset_first_post(sandbox, log)
    with new_client(sandbox) as client:
        try:
            found = client.create("contact", FIRST_NAME="Ada", LAST_NAME="Lovelace")["CONTACT_ID"]
        except UnknownOutcomeError:
            found = None
    assert found != old["CONTACT_ID"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{}", b"null", b"123", b'"created"', b"[[]]", b'{"CONTACT_ID": null}'),
        *(
            b'{"FIRST_NAME": "Ada"}',
            b'{"Message": "An error has occurred."}',
            b'{"CONTACT_ID": "x"}',
        ),
    ],
)
def test_an_answer_without_the_record_is_settled_by_looking(
    client: InsightlyClient, sandbox: Sandbox, body: bytes
) -> None:
    def empty_first_answer(log: RequestLog) -> None:
        is_first = log.method == "POST" and not asked(sandbox, "POST")
        sandbox.faults.body = body if is_first else None

    sandbox.on_request = empty_first_answer
    made = client.create("contact", FIRST_NAME="Ada", LAST_NAME="Lovelace")
    assert ids(sandbox, "Lovelace") == [made["CONTACT_ID"]]


def test_a_user_who_may_not_see_the_instance_can_create(sandbox: Sandbox) -> None:
    sandbox.faults.forbidden = {"/Instance"}
    with new_client(sandbox) as client:
        assert client.create("pricebook", NAME="2027", ACTIVE=True)["NAME"] == "2027"


def test_a_refused_create_is_not_looked_for(client: InsightlyClient, sandbox: Sandbox) -> None:
    sandbox.faults.read_only = {"/Contacts"}
    with pytest.raises(NotAvailableError):
        client.create("contact", FIRST_NAME="Ada")
    assert asked(sandbox) == ["POST /Contacts"]


@pytest.fixture(scope="module")
def writer(account: Sandbox) -> Iterator[InsightlyClient]:
    # More tries than there are faults, so that no look is given up.
    with new_client(account, max_retries=20) as client:
        client.fields("contact")
        yield client


faults = st.sampled_from(["ok", *DONE, *NOT_DONE, "429"])


@settings(max_examples=40)
@given(script=st.lists(faults, max_size=12), creates=st.integers(1, 4))
def test_any_faults_leave_one_record_for_each_create(
    account: Sandbox, writer: InsightlyClient, script: list[str], creates: int
) -> None:
    name = next(names)
    account.faults.script = list(script)
    made = [writer.create("contact", FIRST_NAME="A", LAST_NAME=name) for _ in range(creates)]
    account.faults.script = []
    assert sorted(record["CONTACT_ID"] for record in made) == ids(account, name)


@settings(max_examples=15)
@given(script=st.lists(faults, max_size=12))
def test_any_faults_leave_one_note_for_each_that_was_added(
    account: Sandbox, writer: InsightlyClient, script: list[str]
) -> None:
    title, record = next(names), account.records("/Contacts")[0]["CONTACT_ID"]
    writer.fields("note")
    account.faults.script = list(script)
    made = [writer.add_note("contact", record, title) for _ in range(2)]
    account.faults.script = []
    assert sorted(note["NOTE_ID"] for note in made) == ids(account, title, "TITLE", "/Notes")


@pytest.mark.parametrize("attempt", range(3))
def test_equal_creates_of_many_threads_have_a_record_each(
    account: Sandbox, writer: InsightlyClient, attempt: int
) -> None:
    name = next(names)
    # Fewer resets than one create has tries, whichever they may hit.
    steps = ["lost", "ok", "lost-500", "reset", "ok", "429", "truncate", "lost", "ok"]
    account.faults.script = (steps[attempt:] + steps[:attempt]) * 4

    def create(_: int) -> int:
        made = writer.create("contact", FIRST_NAME="A", LAST_NAME=name)
        assert made["LAST_NAME"] == name
        return int(made["CONTACT_ID"])

    with ThreadPoolExecutor(12) as threads:
        made = list(threads.map(create, range(24)))
    account.faults.script = []
    assert sorted(made) == ids(account, name)
    assert len(made) == 24


def test_a_record_with_more_in_it_is_left_to_whoever_sent_it(
    account: Sandbox, writer: InsightlyClient
) -> None:
    """What one create has sent may be all in the record of another, whose answer is lost, too."""
    name = next(names)
    seen: set[bytes] = set()

    def lose(log: RequestLog) -> None:
        account.faults.script = []
        if log.method == "POST" and log.body not in seen:
            seen.add(log.body)
            account.faults.script = ["lost" if b"PHONE" in log.body else "reset"]

    def create(number: int) -> bool:
        values = {"FIRST_NAME": "A", "LAST_NAME": name, "TITLE": str(number // 2)}
        if number % 2:
            values["PHONE"] = "1"
        made = writer.create("contact", values)
        return bool(made["PHONE"] == values.get("PHONE") and made["TITLE"] == values["TITLE"])

    account.on_request = lose
    try:
        with ThreadPoolExecutor(16) as threads:
            assert all(threads.map(create, range(16)))
    finally:
        account.on_request = None
    assert len(ids(account, name)) == 16
