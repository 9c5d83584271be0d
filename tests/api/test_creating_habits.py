"""Creating where the account changes what it is sent, or where much is lost at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import InsightlyClient, UnknownOutcomeError
from tap_insightly.api.records.creations import is_like
from tests.api.conftest import asked, fields_of, new_client, new_session

if TYPE_CHECKING:
    from tap_insightly.sandbox import RequestLog, Sandbox

ADA = {"FIRST_NAME": "Ada", "LAST_NAME": "Lovelace", "EMAIL_ADDRESS": "ada@x.org", "TITLE": "Dr"}


def named(sandbox: Sandbox, name: str = "Lovelace") -> list[dict[str, Any]]:
    return [row for row in sandbox.records("/Contacts") if row["LAST_NAME"] == name]


@pytest.mark.parametrize(
    ("record", "alike"),
    [
        ({**ADA}, True),
        ({**ADA, "TITLE": "Countess"}, True),
        ({**ADA, "FIRST_NAME": " ADA", "TITLE": None, "EMAIL_ADDRESS": None}, True),
        ({"FIRST_NAME": "A.", "LAST_NAME": "L.", "EMAIL_ADDRESS": "ADA@x.org "}, True),
        ({**ADA, "FIRST_NAME": "Augusta", "EMAIL_ADDRESS": "b@x.org"}, False),
        ({**ADA, "FIRST_NAME": "Augusta", "LAST_NAME": "King", "EMAIL_ADDRESS": None}, False),
        ({"FIRST_NAME": "Bob", "LAST_NAME": "Lovelace", "TITLE": "Dr"}, False),
        ({"FIRST_NAME": "Bob", "LAST_NAME": "Miller"}, False),
    ],
)
def test_a_record_is_like_what_was_sent_by_its_name_its_mail_or_most_of_it(
    record: dict[str, Any], *, alike: bool
) -> None:
    assert is_like(fields_of("contact"), ADA, record) == alike


@pytest.mark.parametrize(
    ("name", "body", "record", "alike"),
    [
        ("task", {"TITLE": "Call", "STATUS": "x"}, {"TITLE": "call", "STATUS": "y"}, True),
        ("task", {"TITLE": "Call", "STATUS": "x"}, {"TITLE": "Write", "STATUS": "y"}, False),
        ("ticket", {"SUBJECT": "Help"}, {"SUBJECT": "[1] help (new)"}, True),
        ("ticket", {"SUBJECT": "Help"}, {"SUBJECT": "Other"}, False),
        ("organisation", {"ORGANISATION_NAME": "AB"}, {"ORGANISATION_NAME": "ABBA"}, False),
        ("organisation", {"ORGANISATION_NAME": "ABB"}, {"ORGANISATION_NAME": "ABBA"}, True),
        (
            "opportunity line item",
            {"PRICEBOOK_ENTRY_ID": 1, "QUANTITY": 2, "UNIT_PRICE": 3},
            {"PRICEBOOK_ENTRY_ID": 1, "QUANTITY": 2, "UNIT_PRICE": 4},
            True,
        ),
    ],
)
def test_other_objects_have_other_names(
    name: str, body: dict[str, Any], record: dict[str, Any], *, alike: bool
) -> None:
    assert is_like(fields_of(name), body, record) == alike


def lose_first(sandbox: Sandbox, what: str = "lost") -> None:
    def lose(log: RequestLog) -> None:
        if log.method == "POST":
            sandbox.on_request = None
            sandbox.faults.script = [what]

    sandbox.on_request = lose


def test_a_record_that_the_account_has_changed_is_not_made_again(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    sandbox.faults.automations = {"/Contacts": {"TITLE": "Countess"}}
    lose_first(sandbox)
    with pytest.raises(UnknownOutcomeError) as raised:
        client.create("contact", ADA)
    (row,) = named(sandbox)
    assert str(row["CONTACT_ID"]) in str(raised.value)
    assert "Look at what is there before you do it again" in str(raised.value)
    assert len(asked(sandbox, "POST")) == 1


def test_by_a_key_it_is_found(client: InsightlyClient, sandbox: Sandbox) -> None:
    sandbox.faults.automations = {"/Contacts": {"TITLE": "Countess", "FIRST_NAME": "A."}}
    lose_first(sandbox)
    made = client.upsert("contact", "EMAIL_ADDRESS", ADA)
    assert [row["CONTACT_ID"] for row in named(sandbox)] == [made["CONTACT_ID"]]


@pytest.mark.parametrize("is_told", [True, False])
def test_whose_key_it_is_need_not_be_told(
    client: InsightlyClient, sandbox: Sandbox, *, is_told: bool
) -> None:
    """Records of other users are not suspected; if nobody says who we are, all are."""
    if not is_told:
        sandbox.faults.forbidden = {"/Users"}
    other = sandbox.records("/Users")[-1]["USER_ID"]

    def make_one(log: RequestLog) -> None:
        if log.method == "POST":
            sandbox.on_request = None
            sandbox.create("/Contacts", **{**ADA, "TITLE": "x"}, CREATED_USER_ID=other)
            sandbox.faults.script = ["reset"]

    sandbox.on_request = make_one
    if is_told:
        client.create("contact", ADA)
        assert len(named(sandbox)) == 2
    else:
        with pytest.raises(UnknownOutcomeError):
            client.create("contact", ADA)
        assert len(named(sandbox)) == 1


def test_what_is_lost_does_not_hold_up_what_is_not(sandbox: Sandbox) -> None:
    """While one waits to look again, any number of others are made."""
    is_waiting, may_go_on = threading.Event(), threading.Event()

    def sleep(_: float) -> None:
        is_waiting.set()
        assert may_go_on.wait(60)

    with InsightlyClient.from_session(new_session(sandbox, sleep=sleep)) as client:
        client.fields("contact")
        client.session.get("/Instance")
        sandbox.faults.script = ["reset"]
        with ThreadPoolExecutor(1) as threads:
            lost = threads.submit(client.create, "contact", {**ADA, "FIRST_NAME": "lost"})
            assert is_waiting.wait(60)
            for number in range(5):
                client.create("contact", {**ADA, "FIRST_NAME": f"F{number}"})
            assert not lost.done()
            may_go_on.set()
            assert lost.result(60)["FIRST_NAME"] == "lost"
    assert len(named(sandbox)) == 6


def test_one_look_settles_all_that_was_lost_until_then(sandbox: Sandbox) -> None:
    """Twelve are lost at once; they wait side by side, and share their looks."""
    meet = threading.Barrier(12, timeout=60)

    def sleep(_: float) -> None:
        meet.wait()

    with InsightlyClient.from_session(new_session(sandbox, sleep=sleep)) as client:
        client.fields("contact")
        client.session.get("/Instance")
        posts = 0

        def lose(log: RequestLog) -> None:
            nonlocal posts
            posts += log.method == "POST"
            if log.method == "POST" and posts <= 12:
                sandbox.faults.script.append("503")

        def create(name: str) -> Any:
            return client.create("contact", {**ADA, "FIRST_NAME": name})

        sandbox.on_request = lose
        names = [f"F{number}" for number in range(12)]
        with ThreadPoolExecutor(12) as threads:
            made = list(
                threads.map(
                    lambda name: client.create("contact", {**ADA, "FIRST_NAME": name}), names
                )
            )
    assert [one["FIRST_NAME"] for one in made] == names
    assert sorted(row["FIRST_NAME"] for row in named(sandbox)) == sorted(names)
    looks = [one for one in asked(sandbox, "GET") if one == "GET /Contacts/Search"]
    assert len(looks) < 3 * 12  # each on its own would look three times


@pytest.mark.parametrize("lag", [0, 8, 30])
def test_a_look_waits_as_long_as_a_search_may_be_late(sandbox: Sandbox, lag: float) -> None:
    waits: list[float] = []
    session = new_session(sandbox, sleep=waits.append)
    with InsightlyClient.from_session(session, search_lag_seconds=lag) as client:
        client.fields("contact")
        lose_first(sandbox, "reset")
        client.create("contact", ADA)
    # A request may be done three seconds late, too.
    assert sum(waits) == max(8, lag + 3)


@pytest.mark.parametrize(
    ("there", "comes", "found"),
    [
        (["Ada@X.org"], "ada@x.org", [0]),
        (["ada@x.org"], "ADA@X.ORG", [0]),
        (["Ada@X.org", "ada@x.org"], "ada@x.org", [1]),
        (["Ada@X.org", "ADA@x.org"], "ada@x.org", [0, 1]),
        (["ada@x.org "], "ada@x.org", [0]),
        ([], "ada@x.org", []),
    ],
)
def test_what_is_spelled_otherwise_is_found_if_the_search_finds_it(
    client: InsightlyClient, sandbox: Sandbox, there: list[str], comes: str, found: list[int]
) -> None:
    ids = [
        sandbox.create("/Contacts", **{**ADA, "EMAIL_ADDRESS": one})["CONTACT_ID"] for one in there
    ]
    sandbox.faults.search_ignores_case = sandbox.faults.search_ignores_spaces = True
    rows = client.find("contact", "EMAIL_ADDRESS", comes)
    assert [row["CONTACT_ID"] for row in rows] == [ids[at] for at in found]


def test_an_address_that_the_account_writes_small_is_found(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    row = sandbox.create("/Contacts", **ADA)
    assert client.find_one("contact", "EMAIL_ADDRESS", " Ada@X.ORG ") == client.get(
        "contact", row["CONTACT_ID"]
    )
    # Other keys may mean something else in small letters.
    sandbox.update("/Contacts", row["CONTACT_ID"], FIRST_NAME="abc")
    assert client.find_one("contact", "FIRST_NAME", "aBc") is None


def test_a_search_that_answers_everything_is_read_no_further_than_need_be() -> None:
    from tests.conftest import new_sandbox  # noqa: PLC0415 - a large one of its own

    with new_sandbox(records=1200).serve() as sandbox, new_client(sandbox) as client:
        sandbox.faults.search_ignores_field = True
        with pytest.raises(Exception, match="answers records that do not have it"):
            client.find_one("contact", "EMAIL_ADDRESS", "nobody@x.org")
        assert len(asked(sandbox, "GET")) < 5
