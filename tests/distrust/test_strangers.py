"""Pages with what is no record of their list: an error, an advertisement, one that is pinned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults, bodies
from tests.cli.running import run as insightly
from tests.distrust.conftest import warnings

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.faults import Body
    from tests.distrust.conftest import Account

ERROR = b'{"message": "An error has occurred."}'
PINNED = b'{"CONTACT_ID": 5, "LAST_NAME": "Pinned"}'
NEWEST = b'{"CONTACT_ID": 999999999, "LAST_NAME": "Pinned"}'


def instead(value: bytes) -> Body:
    """One more on each page, and the last one of it left out."""

    def change(body: bytes) -> bytes:
        first, *others = json.loads(body)
        records = [first, json.loads(value), *others[:-1]] if others else [first]
        return json.dumps(records).encode()

    return change


@pytest.mark.parametrize(
    "body",
    [
        bodies.among(ERROR),
        instead(ERROR),
        bodies.among(b'{"CONTACT_ID": null}'),
    ],
    ids=["one more", "one instead of another", "no key"],
)
def test_a_list_with_records_without_a_key_is_not_called_whole(large: Account, body: Body) -> None:
    """They may stand for others; what else there is arrives, for not many requests more."""
    run = large.sync("contacts", faults=Faults(bodies={"/Contacts": body}), max_retries=1)
    assert run.code == 0, run.stderr
    assert run.bookmark("contacts") is None
    assert any("records without their key" in one for one in warnings(run, "contacts"))
    assert len(large.asked) < 80
    assert large.arrived(run, "contacts") >= set(list(large.records("contacts"))[:-1])


def test_nor_is_its_version_activated(small: Account) -> None:
    faults = Faults(bodies={"/Contacts": bodies.among(ERROR), "/Pipelines": b"[%s]" % ERROR})
    run = small.sync(
        *("contacts", "pipelines", "teams"),
        method="FULL_TABLE",
        faults=faults,
        emit_activate_version_messages=True,
    )
    kinds = [(one["type"], one.get("stream")) for one in run.messages]
    assert [one for one in kinds if one[0] == "ACTIVATE_VERSION"] == [("ACTIVATE_VERSION", "teams")]


def test_the_command_line_says_so_too(small: Account) -> None:
    small.sandbox.faults = Faults(bodies={"/Contacts": bodies.among(ERROR)})
    result = insightly(small.sandbox, "get", "contacts", "--jsonl")
    small.sandbox.faults = Faults()
    assert result.code == 1
    assert "records without their key" in result.stderr


def at_the_end(body: bytes) -> bytes:
    """One more on each page, with the highest id, so that ids still ascend on each."""
    return json.dumps([*json.loads(body), json.loads(NEWEST)]).encode()


def at_the_beginning(body: bytes) -> bytes:
    """One more on each page, so that each begins with what was passed."""
    return json.dumps([json.loads(PINNED), *json.loads(body)]).encode()


@pytest.mark.parametrize(
    "body",
    [bodies.among(PINNED), instead(PINNED), at_the_end, at_the_beginning],
    ids=["second", "instead", "last", "first"],
)
def test_one_that_is_pinned_to_each_page_costs_few_requests(large: Account, body: Body) -> None:
    run = large.sync("contacts", faults=Faults(bodies={"/Contacts": body}))
    assert run.code == 0, run.stderr
    assert len(large.asked) < 80
    *ids, _ = large.records("contacts")  # the last may be on no page at all
    assert large.arrived(run, "contacts") >= set(ids)
