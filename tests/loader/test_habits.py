"""Accounts that change what they are sent, and searches that are late or not exact."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import UnknownOutcomeError
from tap_insightly.loader.errors import RejectedError
from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox
from tests.loader.feeding import Clock, feed_here, record, schema, stream_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import RequestLog, Sandbox
    from tests.loader.feeding import Message

BY_MAIL = {"match_on": {"Contact": "EMAIL_ADDRESS"}}
LATE = {"search_lag_seconds": 8}
OWNER = 10_000_001

# What an account may do to what it is sent.
HABITS: dict[str, dict[str, Any]] = {
    "sets a field": {"automations": {"/Contacts": {"TITLE": "Dear"}}},
    "sets a field later": {"automations": {"/Contacts": {"TITLE": "Dear"}}, "automation_delay": 1},
    "sets the name": {
        "automations": {"/Contacts": lambda row: {"FIRST_NAME": f"Dr {row['FIRST_NAME']}"}}
    },
    "sets the mail": {
        "automations": {
            "/Contacts": lambda row: {"EMAIL_ADDRESS": (row["EMAIL_ADDRESS"] or "").lower()}
        }
    },
    "trims texts": {"trims_text": True},
    "sorts options": {"sorts_options": True},
    "sets the owner": {"assigns_owner": OWNER},
    "sets nulls to false": {"nulls_are_false": True},
}


def people(sandbox: Sandbox, count: int) -> list[dict[str, Any]]:
    """New contacts in which each habit has something to change."""
    (field,) = (
        one
        for one in sandbox.custom_fields["/Contacts"].definitions
        if one["FIELD_NAME"] == "Interests__c"
    )
    options = sorted((one["OPTION_VALUE"] for one in field["CUSTOM_FIELD_OPTIONS"]), reverse=True)
    owner = sandbox.records("/Users")[0]["USER_ID"]
    return [
        {
            "FIRST_NAME": f"F{number}",
            "LAST_NAME": " ours ",
            "EMAIL_ADDRESS": f"P{number}@x.org",
            "TITLE": "Dr",
            "OWNER_USER_ID": owner,
            "Interests__c": ";".join(options[:2]),
        }
        for number in range(count)
    ]


def ours(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [r for r in sandbox.records("/Contacts") if str(r["LAST_NAME"]).strip() == "ours"]


def mails(sandbox: Sandbox) -> Counter[str]:
    return Counter(str(row["EMAIL_ADDRESS"]).casefold() for row in ours(sandbox))


def with_habit(sandbox: Sandbox, name: str) -> Faults:
    given = dict(HABITS[name])
    if "assigns_owner" in given:
        given["assigns_owner"] = sandbox.records("/Users")[-1]["USER_ID"]
    return Faults(**given)


def lose_answers(sandbox: Sandbox, share: float, seed: int = 1) -> Counter[str]:
    """Lose the answers to a share of the creations; what is counted is whether any was."""
    lost, rng = Counter[str](), random.Random(seed)

    def lose(request: RequestLog) -> None:
        if request.method == "POST" and rng.random() < share:
            lost["lost"] += 1
            sandbox.faults.script.append("lost")

    sandbox.on_request = lose
    return lost


@pytest.mark.parametrize("habit", HABITS)
def test_with_a_key_every_record_is_there_once_whatever_the_account_makes_of_it(
    sandbox: Sandbox, habit: str
) -> None:
    rows = people(sandbox, 15)
    sandbox.faults = with_habit(sandbox, habit)
    lost = lose_answers(sandbox, 0.3)
    feed_here(sandbox, stream_of("contacts", rows), Clock(sandbox), **BY_MAIL, **LATE)
    assert lost["lost"]
    assert mails(sandbox) == {row["EMAIL_ADDRESS"].casefold(): 1 for row in rows}


@pytest.mark.parametrize("habit", HABITS)
def test_without_a_key_nothing_is_there_twice_and_what_nobody_can_tell_ends_the_run(
    sandbox: Sandbox, habit: str
) -> None:
    rows = people(sandbox, 15)
    sandbox.faults = with_habit(sandbox, habit)
    lost = lose_answers(sandbox, 0.3)
    clock = Clock(sandbox)
    said = ""
    try:
        feed_here(sandbox, stream_of("contacts", rows), clock, **LATE)
    except UnknownOutcomeError as error:
        said = str(error)
    assert lost["lost"]
    assert max(mails(sandbox).values()) == 1
    if said:
        assert "may have been done, or not" in said
        assert "match_on" in said
    else:
        assert mails(sandbox) == {row["EMAIL_ADDRESS"].casefold(): 1 for row in rows}


@pytest.mark.parametrize("habit", ["sets a field", "sets the owner", "sets the name"])
def test_a_change_that_cannot_be_told_from_another_record_ends_the_run(
    sandbox: Sandbox, habit: str
) -> None:
    sandbox.faults = with_habit(sandbox, habit)
    lose_answers(sandbox, 1)
    with pytest.raises(UnknownOutcomeError):
        feed_here(sandbox, stream_of("contacts", people(sandbox, 1)), Clock(sandbox), **LATE)
    assert len(ours(sandbox)) == 1


def test_what_another_user_makes_meanwhile_is_not_suspected(sandbox: Sandbox) -> None:
    other = sandbox.records("/Users")[-1]["USER_ID"]
    row = people(sandbox, 1)[0]
    clock = Clock(sandbox)

    def other_first(request: RequestLog) -> None:
        if request.method == "POST":
            sandbox.on_request = None
            name = {"FIRST_NAME": row["FIRST_NAME"], "LAST_NAME": "ours"}
            sandbox.create("/Contacts", **name, CREATED_USER_ID=other)
            sandbox.faults.script.append("reset")

    sandbox.on_request = other_first
    feed_here(sandbox, stream_of("contacts", [row]), clock, **LATE)
    assert len(ours(sandbox)) == 2


def test_the_same_key_comes_three_times_while_the_search_is_late(sandbox: Sandbox) -> None:
    rows = [
        {"EMAIL_ADDRESS": f"p{number}@x.org", "FIRST_NAME": f"F{turn}", "LAST_NAME": "ours"}
        for turn in range(3)
        for number in range(20)
    ]
    sandbox.faults.search_lag = 2
    feed_here(sandbox, stream_of("contacts", rows), Clock(sandbox), **BY_MAIL, **LATE)
    assert mails(sandbox) == {f"p{number}@x.org": 1 for number in range(20)}
    assert {row["FIRST_NAME"] for row in ours(sandbox)} == {"F2"}


def test_the_run_before_has_just_made_it(sandbox: Sandbox) -> None:
    sandbox.faults.search_lag = 7
    clock = Clock(sandbox)
    rows = [{"EMAIL_ADDRESS": "ann@x.org", "FIRST_NAME": "Ann", "LAST_NAME": "ours"}]
    feed_here(sandbox, stream_of("contacts", rows), clock, **BY_MAIL, **LATE)
    feed_here(sandbox, stream_of("contacts", rows), clock, **BY_MAIL, **LATE)
    assert mails(sandbox) == {"ann@x.org": 1}


def test_what_the_run_before_has_just_changed_is_compared_as_it_is_now(sandbox: Sandbox) -> None:
    sandbox.create("/Contacts", EMAIL_ADDRESS="ann@x.org", FIRST_NAME="Ann", LAST_NAME="ours")
    sandbox.faults.search_lag = 7
    clock = Clock(sandbox)
    for name in ("Anna", "Ann"):  # and back again, which a late search takes for done
        rows = [{"EMAIL_ADDRESS": "ann@x.org", "FIRST_NAME": name, "LAST_NAME": "ours"}]
        feed_here(sandbox, stream_of("contacts", rows), clock, **BY_MAIL, **LATE)
        assert [row["FIRST_NAME"] for row in ours(sandbox)] == [name]


def test_a_run_waits_for_a_late_search_once_and_not_for_each_record(sandbox: Sandbox) -> None:
    clock = Clock(sandbox)
    rows = people(sandbox, 30)
    feed_here(sandbox, stream_of("contacts", rows), clock, **BY_MAIL, **LATE, max_concurrency=1)
    assert clock.waits == [8]
    clock.waits.clear()
    feed_here(sandbox, stream_of("contacts", rows), clock, **BY_MAIL, **LATE)
    assert not clock.waits  # nothing is to be made


SCHEMA = schema("contacts", "CONTACT_ID", "EMAIL_ADDRESS", "FIRST_NAME", "LAST_NAME")
# One of three people: a change, another spelling of the key, another key by the id, a deletion.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["change", "CHANGE", "delete", "rename"]), st.text("ab")
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with new_sandbox(records=30).serve() as sandbox:
        yield sandbox


@settings(max_examples=60)
@given(steps=STEPS, lag=st.sampled_from([0, 3, 7]), ignores=st.booleans())
def test_late_searches_make_no_difference_to_what_is_there_at_the_end(
    account: Sandbox, *, steps: list[tuple[int, str, str]], lag: float, ignores: bool
) -> None:
    account.faults = Faults()
    for row in ours(account):
        account.delete("/Contacts", row["CONTACT_ID"])
    keys = [f"p{number}@x.org" for number in range(3)]
    first = [
        account.create("/Contacts", EMAIL_ADDRESS=key, FIRST_NAME="new", LAST_NAME="ours")
        for key in keys[:2]
    ]
    ids = {number: row["CONTACT_ID"] for number, row in enumerate(first)}
    wanted = dict.fromkeys(keys[:2], "new")
    runs: list[list[Message]] = [[]]
    for number, what, text in steps:
        key, name = keys[number], text or "x"
        one: dict[str, Any] = {"EMAIL_ADDRESS": key, "FIRST_NAME": name, "LAST_NAME": "ours"}
        if what == "CHANGE" and ignores:
            one["EMAIL_ADDRESS"] = key.upper()
        if what == "rename":
            if number not in ids or key not in wanted:
                continue
            keys[number] = f"{text}{len(runs)}@y.org"
            wanted[keys[number]] = wanted.pop(key)
            one = {"CONTACT_ID": ids[number], "EMAIL_ADDRESS": keys[number]}
            # That a record with an id is one with a key is not seen within a run.
            runs += [[record("contacts", **one)], []]
            continue
        if what == "delete":
            wanted.pop(key, None)
            ids.pop(number, None)
            one = {"EMAIL_ADDRESS": key, "_sdc_deleted_at": "2026-01-31"}
        else:
            wanted[key] = name
        runs[-1].append(record("contacts", **one))
    account.faults = Faults(search_lag=lag, search_ignores_case=ignores)
    clock, config = Clock(account), {"max_deletes": "100 %", "allow_delete": True}
    for run in runs:
        feed_here(account, [SCHEMA, *run], clock, **BY_MAIL, **LATE, **config)
    found = sorted((row["EMAIL_ADDRESS"].lower(), row["FIRST_NAME"]) for row in ours(account))
    assert found == sorted(wanted.items())


@pytest.mark.parametrize(
    ("there", "comes"),
    [
        ("Ann@X.org", "ann@x.org"),
        ("ann@x.org", "ANN@X.ORG"),
        (" ann@x.org", "ann@x.org"),
        ("ann@x.org ", "ann@x.org"),
        ("ann@x.org", " ann@x.org "),
    ],
)
def test_what_a_search_finds_though_it_is_spelled_otherwise_is_the_record(
    sandbox: Sandbox, there: str, comes: str
) -> None:
    sandbox.create("/Contacts", EMAIL_ADDRESS=there, FIRST_NAME="Ann", LAST_NAME="ours")
    sandbox.faults = Faults(search_ignores_case=True, search_ignores_spaces=True)
    rows = [{"EMAIL_ADDRESS": comes, "FIRST_NAME": "Anna", "LAST_NAME": "ours"}]
    feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL)
    assert [row["FIRST_NAME"] for row in ours(sandbox)] == ["Anna"]


def test_of_two_that_a_search_finds_the_one_that_is_spelled_so_is_meant(sandbox: Sandbox) -> None:
    for mail in ("Ann@X.org", "ann@x.org"):
        sandbox.create("/Contacts", EMAIL_ADDRESS=mail, FIRST_NAME="Ann", LAST_NAME="ours")
    sandbox.faults.search_ignores_case = True
    rows = [{"EMAIL_ADDRESS": "ann@x.org", "FIRST_NAME": "Anna", "LAST_NAME": "ours"}]
    feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL)
    assert [row["FIRST_NAME"] for row in ours(sandbox)] == ["Ann", "Anna"]
    rows = [{"EMAIL_ADDRESS": "ANN@x.org", "FIRST_NAME": "Anna", "LAST_NAME": "ours"}]
    with pytest.raises(RejectedError, match="2 records have EMAIL_ADDRESS"):
        feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL)


def test_a_search_that_does_not_search_is_never_a_reason_to_create(sandbox: Sandbox) -> None:
    sandbox.faults.search_ignores_field = True
    before = sandbox.count("/Contacts")
    rows = [{"EMAIL_ADDRESS": "nobody@x.org", "FIRST_NAME": "Ann", "LAST_NAME": "ours"}]
    with pytest.raises(RejectedError, match="answers records that do not have it"):
        feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL)
    assert sandbox.count("/Contacts") == before


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("Shoe_Size__c", [0, 0.0, "0"]),
        ("Shoe_Size__c", [7, 7.0, "7", "7.0", "7.00"]),
        ("Shoe_Size__c", ["7.50", "7.50"]),
        ("Shoe_Size__c", ["7.5", 7.5, "7.50"]),
        ("Newsletter_Subscription__c", [False, "false", "no", 0]),
    ],
)
def test_nought_and_false_are_keys_like_any_other(
    sandbox: Sandbox, field: str, values: list[Any]
) -> None:
    for row in sandbox.records("/Contacts"):  # nobody else has such a value
        sandbox.update("/Contacts", row["CONTACT_ID"], CUSTOMFIELDS=[])
    rows = [
        {field: value, "FIRST_NAME": f"F{n}", "LAST_NAME": "ours"} for n, value in enumerate(values)
    ]
    config = {"match_on": {"contacts": field}}
    for one in rows:  # a run each, so that only the search can tell
        feed_here(sandbox, stream_of("contacts", [one]), **config)
    assert [row["FIRST_NAME"] for row in ours(sandbox)] == [rows[-1]["FIRST_NAME"]]


def test_one_text_is_another_key_in_another_field(sandbox: Sandbox) -> None:
    """Two streams of one object are matched on different fields, and have the same value there."""
    sandbox.faults.search_lag = 7
    config = {
        "stream_to_object": {"phones": "Contact", "codes": "Contact"},
        "match_on": {"phones": "PHONE", "codes": "Second_Language__c"},
        "allow_delete": True,
    }
    phone = {"PHONE": "4711", "FIRST_NAME": "phone", "LAST_NAME": "ours"}
    code = {"Second_Language__c": "4711", "FIRST_NAME": "code", "LAST_NAME": "ours"}
    clock = Clock(sandbox)
    messages = [*stream_of("phones", [phone]), *stream_of("codes", [code])]
    feed_here(sandbox, messages, clock, **LATE, **config)
    assert sorted(row["FIRST_NAME"] for row in ours(sandbox)) == ["code", "phone"]
    gone = {"Second_Language__c": "4711", "_sdc_deleted_at": True}
    messages = [*stream_of("phones", [{**phone, "TITLE": "Dr"}]), *stream_of("codes", [gone])]
    feed_here(sandbox, messages, clock, **LATE, **config)
    assert [row["FIRST_NAME"] for row in ours(sandbox)] == ["phone"]


def test_what_another_stream_has_just_changed_is_compared_as_it_is_now(sandbox: Sandbox) -> None:
    row = {"PHONE": "4711", "EMAIL_ADDRESS": "ann@x.org", "FIRST_NAME": "Ann", "LAST_NAME": "ours"}
    sandbox.create("/Contacts", **row)
    clock = Clock(sandbox)
    config = {
        "stream_to_object": {"phones": "Contact", "mails": "Contact"},
        "match_on": {"phones": "PHONE", "mails": "EMAIL_ADDRESS"},
        "max_concurrency": 1,
    }
    clock.now = 100
    sandbox.faults.search_lag = 7
    first = {"PHONE": "4711", "FIRST_NAME": "Anna"}
    second = {"EMAIL_ADDRESS": "ann@x.org", "FIRST_NAME": "Ann"}  # which a late search still shows
    messages = [*stream_of("phones", [first]), *stream_of("mails", [second])]
    feed_here(sandbox, messages, clock, **LATE, **config)
    assert [one["FIRST_NAME"] for one in ours(sandbox)] == ["Ann"]
