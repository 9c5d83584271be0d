"""Bodies are what a test wrote, or what it made of the right ones; refusals come in any shape."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from tap_insightly.sandbox import Faults, bodies
from tests.sandbox.asking import LONG_AGO, ask, contact_ids, ids

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


def test_an_object_where_a_list_belongs_always_or_a_number_of_times(sandbox: Sandbox) -> None:
    error = {"message": "An error has occurred."}
    sandbox.faults = Faults(bodies={"/Contacts": bodies.ERROR, "/Leads": [bodies.ERROR, None]})
    for _ in range(3):
        answer = ask(sandbox)
        assert (answer.status_code, answer.json()) == (200, error)
    assert [ask(sandbox, "/Leads").json() == error for _ in range(3)] == [True, False, False]


def test_a_body_belongs_to_a_path_in_any_case(sandbox: Sandbox) -> None:
    note = next(iter(sandbox.children("/Notes", "Comments")))
    paths = {
        "/contacts/search": "/Contacts/Search",
        "/CustomFields/Contact": "/customfields/contact",
        "/Notes/{id}/Comments": f"/notes/{note}/comments",
        "/Notes/{id}": f"/Notes/{note}",
    }
    for written, asked in paths.items():
        sandbox.faults = Faults(bodies={written: b"{}"})
        assert ask(sandbox, asked, updated_after_utc=LONG_AGO).json() == {}
        assert ask(sandbox, "/Notes").json()
        assert ask(sandbox).json()
        assert ask(sandbox, "/CustomFields/Lead").json()


def test_a_lists_path_stands_for_its_search_but_not_for_its_records(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(bodies={"/Contacts": b"{}", "/CustomFields": b"[]"})
    assert ask(sandbox, "/Contacts/Search").json() == {}
    assert ask(sandbox, f"/Contacts/{contact_ids(sandbox)[0]}").json()["CONTACT_ID"]
    assert ask(sandbox, "/CustomFields/Lead").json() == []


@pytest.mark.parametrize("value", [None, "text", 5, [], {"message": "Oops"}])
def test_anything_can_be_among_the_records(sandbox: Sandbox, value: object) -> None:
    right = ask(sandbox).json()
    sandbox.faults = Faults(bodies={"/Contacts": bodies.among(msgspec.json.encode(value))})
    assert ask(sandbox).json() == [right[0], value, *right[1:]]


def test_a_byte_order_mark(sandbox: Sandbox) -> None:
    right = ask(sandbox).content
    sandbox.faults = Faults(bodies={"*": bodies.byte_order_mark})
    assert ask(sandbox).content == b"\xef\xbb\xbf" + right


@pytest.mark.parametrize("value", [b'"a\x0bb"', b"NaN", b"-Infinity", b'"\xff\xfe"'])
def test_a_value_that_json_does_not_have(sandbox: Sandbox, value: bytes) -> None:
    sandbox.faults = Faults(bodies={"/Contacts": bodies.with_value("LAST_NAME", value, 2)})
    answer = ask(sandbox, top=3)
    assert answer.content.count(b'"LAST_NAME":' + value + b",") == 1
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        msgspec.json.decode(answer.content)
    rest = answer.content.replace(value, b"null")
    assert [one["LAST_NAME"] is None for one in json.loads(rest)] == [False, True, False]


def test_what_was_compressed_for_one_body_is_not_sent_for_another(sandbox: Sandbox) -> None:
    right = ids(ask(sandbox))
    sandbox.faults.bodies = {"/Contacts": [bodies.among(*[b"null"] * 500), None]}
    assert len(ask(sandbox).json()) == 560
    assert ids(ask(sandbox)) == right
