"""What is taken for an answer: JSON as some servers write it, of the shape that belongs there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_insightly.api import Request, Response, RetriesExhaustedError
from tap_insightly.api.http.bodies import checked_body
from tap_insightly.api.http.errors import BrokenResponseError
from tap_insightly.api.http.shapes import Shape, shape_of
from tests.conftest import KEY
from tests.scripted import answer, session_with

if TYPE_CHECKING:
    from collections.abc import Callable

ERROR = b'{"message": "An error has occurred."}'


def checked(body: bytes, path: str = "/Any", method: str = "GET") -> Response:
    """What is made of an answer."""
    content, counted = checked_body(Request(method, path), body, "application/json", str)
    return Response(content, counted=counted)


def broken(body: bytes, path: str) -> str:
    """What is said of an answer that is none."""
    with pytest.raises(BrokenResponseError) as raised:
        checked(body, path)
    return str(raised.value)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/Contacts", Shape.LIST),
        ("/contacts/", Shape.LIST),
        ("/CONTACTS/Search", Shape.LIST),
        ("/Contacts/12", Shape.OBJECT),
        ("/Contacts/12/", Shape.OBJECT),
        ("/Contacts/12/Links", Shape.LIST),
        ("/Contacts/12/fileattachments", Shape.LIST),
        ("/Contacts/12/Image", Shape.ANY),
        ("/Organizations", Shape.LIST),
        ("/organizations/Search", Shape.LIST),
        ("/Organizations/5/EmailDomains", Shape.LIST),
        ("/Notes/7/Comments", Shape.LIST),
        ("/Quotation/7/QuotationDocument", Shape.LIST),
        ("/Instance", Shape.OBJECT),
        ("/Permissions", Shape.OBJECT),
        ("/Users/Me", Shape.OBJECT),
        ("/Users", Shape.LIST),
        ("/CustomObjects", Shape.LIST),
        ("/CustomFields/CONTACT", Shape.LIST),
        ("/CustomFields/Fruit__c", Shape.LIST),
        ("/CustomFields/12", Shape.LIST),
        ("/customfields/Contact/Search", Shape.ANY),
        ("/Fruit__c", Shape.LIST),
        ("/fruit__C/search", Shape.LIST),
        ("/Fruit__c/12", Shape.OBJECT),
        ("/Fruit__c/12/FileAttachments", Shape.LIST),
        ("/Relationships/3", Shape.ANY),
        ("/Nothing", Shape.ANY),
        ("/Nothing/3", Shape.ANY),
        ("", Shape.ANY),
    ],
)
def test_what_belongs_at_a_path_is_known_from_the_documents(path: str, shape: Shape) -> None:
    assert shape_of(path, {}) is shape


def test_what_is_asked_for_in_pages_is_a_list_unless_the_documents_know_better() -> None:
    assert shape_of("/Nothing", {"top": "500"}) is Shape.LIST
    assert shape_of("/Nothing/Search", {"top": "500"}) is Shape.LIST
    assert shape_of("/Instance", {"top": "500"}) is Shape.OBJECT
    assert shape_of("/Relationships/3", {"top": "500"}) is Shape.ANY


LISTS = ["/Contacts", "/Notes/7/Comments", "/CustomFields/CONTACT", "/Fruit__c/Search"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ERROR, "the answer is an object where a list belongs: An error has occurred."),
        (b'{"NAME": "Ada"}', "the answer is an object where a list belongs."),
        (b'"Busy"', "the answer is a text where a list belongs: Busy."),
        (b"null", "the answer is null where a list belongs."),
        (b"7", "the answer is a number where a list belongs."),
        (b"true", "the answer is true or false where a list belongs."),
        (b'[{"ID": 1}, null]', "the answer has null for record 2 of its list."),
        (b'["a"]', "the answer has a text for record 1 of its list."),
        (b'[{"ID": 1}, {"ID": 2}, 7]', "the answer has a number for record 3 of its list."),
        (b'[[{"ID": 1}]]', "the answer has a list for record 1 of its list."),
        (b"[1.5]", "the answer has a number for record 1 of its list."),
        (b"[false]", "the answer has true or false for record 1 of its list."),
        (b"[NaN]", "the answer has null for record 1 of its list."),
        (b"\xef\xbb\xbf" + ERROR, "the answer is an object where a list belongs: An error has"),
    ],
)
def test_what_is_no_list_of_records_is_none(path: str, body: bytes, said: str) -> None:
    assert broken(body, path).startswith(said)


@pytest.mark.parametrize("path", ["/Contacts/12", "/Instance", "/Users/Me", "/Fruit__c/12"])
@pytest.mark.parametrize("body", [b"[]", b'[{"ID": 1}]', b"null", b'"Busy"', b"7", b" [ ] "])
def test_what_is_no_record_is_none(path: str, body: bytes) -> None:
    assert "where an object belongs" in broken(body, path)


@pytest.mark.parametrize("body", [b"null", b'"text"', b"7"])
def test_what_is_neither_a_list_nor_an_object_is_no_answer_to_anything(body: bytes) -> None:
    assert "belongs" in broken(body, "/Nothing")


def test_a_write_may_be_answered_with_anything() -> None:
    assert checked(b"7", "/Contacts", "POST").data == 7


@pytest.mark.parametrize(
    ("body", "path", "count"),
    [
        (b'[{"ID": 1}, {"ID": 2}]', "/Contacts", 2),
        (b"[]", "/Contacts", 0),
        (b'{"ID": 1}', "/Contacts/1", 1),
        (b'[{"ID": 1}, null]', "/Nothing", 2),
        (b'\n{"ID": 1}', "/Nothing", 1),
    ],
)
def test_records_are_counted_while_they_are_checked(body: bytes, path: str, count: int) -> None:
    answered = checked(body, path)
    assert answered.counted == answered.count == count
    assert Response(body).count == count


def test_a_broken_answer_is_asked_for_again() -> None:
    good = b'[{"CONTACT_ID": 1}]'
    with session_with(answer(ERROR), answer(b"[null]"), answer(good)) as (session, server):
        assert session.get("/Contacts").body == good
        assert len(server.asked) == 3


def test_an_answer_that_stays_broken_is_told_with_what_it_says_but_not_the_key() -> None:
    body = msgspec.json.encode({"Message": f"No {KEY}, and {'x' * 400}"})
    with session_with(answer(body), max_retries=1) as (session, _):
        with pytest.raises(
            RetriesExhaustedError, match=r"failed 2 times.* list belongs: No \*\*\*, "
        ) as gone:
            session.get("/Contacts")
        assert len(str(gone.value)) < 600
        assert KEY not in str(gone.value)


# A value, and how it may be written.
SPOILT_NULLS = ("null", "NaN", "Infinity", "-Infinity")
texts = st.text(
    st.one_of(
        st.sampled_from('\x00\x01\t\n\r\x1f"\\/{}[],:uNaN\ufffd\U0001f600é'),
        st.characters(codec="utf-8"),
    ),
    max_size=12,
)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        texts,
        st.sampled_from(["NaN", '"NaN"', ": NaN,", "\\", "-Infinity", "\\ud83d", "Infinity\\"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
bodies = st.one_of(st.lists(values, max_size=4), st.dictionaries(texts, values, max_size=4))
marks = st.sampled_from(["", "utf-8-sig", "utf-16", "utf-32"])


class Writer:
    """Writes JSON as badly as can still be understood."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw

    def write(self, value: Any) -> str:
        if value is None:
            return str(self.draw(st.sampled_from(SPOILT_NULLS)))
        if isinstance(value, str):
            return '"' + "".join(map(self.character, value)) + '"'
        gap = self.draw(st.sampled_from(["", " ", "\n"]))
        if isinstance(value, list):
            return "[" + f",{gap}".join(map(self.write, value)) + f"{gap}]"
        if isinstance(value, dict):
            items = (f"{self.write(k)}:{gap}{self.write(v)}" for k, v in value.items())
            return "{" + ",".join(items) + f"{gap}}}"
        return json.dumps(value)

    def character(self, one: str) -> str:
        if one in '"\\':
            return "\\" + one
        if one < " ":
            return str(self.draw(st.sampled_from([one, json.dumps(one)[1:-1]])))
        if one == "\ufffd":
            return str(self.draw(st.sampled_from([one, "\\ufffd", "\\ud83d", "\\uDE00"])))
        return str(self.draw(st.sampled_from([one, json.dumps(one)[1:-1]])))


def follows_half_a_pair(value: Any) -> bool:
    """Two halves in a row may be read as a whole character, so they are not written."""
    return "\ufffd\ufffd" in json.dumps(value, ensure_ascii=False)


@given(value=bodies, mark=marks, data=st.data())
@example(value=[{"A": '"NaN", '}], mark="utf-8-sig", data=None)
def test_what_is_meant_is_read_however_it_is_spoilt(value: Any, mark: str, data: Any) -> None:
    if follows_half_a_pair(value):
        return
    text = Writer(data.draw).write(value) if data else json.dumps(value)
    assert checked(text.encode(mark or "utf-8")).data == value


@given(value=bodies, mark=marks, data=st.data())
def test_an_answer_that_is_cut_is_never_taken_for_whole(value: Any, mark: str, data: Any) -> None:
    text = Writer(data.draw).write(value)
    body = text.encode(mark or "utf-8")
    cut = data.draw(st.integers(0, len(body) - 1))
    for path in ("/Nothing", "/Contacts", "/Contacts/1"):
        with pytest.raises(BrokenResponseError):
            checked(body[:cut], path)
    with pytest.raises(BrokenResponseError):
        checked(body[:cut], "/Contacts", "POST")


@pytest.mark.parametrize(
    "body",
    [
        b'[{"A": nan}]',
        b'[{"A": -NaN}]',
        b'[{"A": NaNs}]',
        b'[{"A": +Infinity}]',
        b'[{"A": --Infinity}]',
        b"[{NaN: 1}]",
        b'[{"A": 1NaN}]',
        b'[{"A": "x"NaN}]',
        b'[{"A": "\\\x01"}]',
        b'[{"A":\x01 1}]',
        b"[{'A': 1}]",
        b'[{"A": 1,}]',
        b'[{"A": 1}] [',
        b"[" * 100_000,
        b'[{"A": ' * 100_000,
        b"\xef\xbb\xbf",
        b"",
        b"   ",
    ],
)
def test_what_would_have_to_be_guessed_is_no_answer(body: bytes) -> None:
    broken(body, "/Contacts")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'[{"CONTACT_ID": 7, "A": bad}]', " in record 1 (CONTACT_ID 7)."),
        (b'[{"A_ID": 7}, {"A_ID": 8, "T": "\x01", "A": bad}]', " in record 2 (A_ID 8)."),
        (b'\xef\xbb\xbf[{"A_ID": 7}, {"A_ID": 8, "A": NaN, "B": bad}]', " in record 2 (A_ID 8)."),
        (b'[{"A_ID": 7}, {"NAME": bad}]', " in record 2."),
        (b'[{"A_ID": 7}, {"A_ID": 8, "NA', " in record 2 (A_ID 8)."),
        (b'[{"A_ID": 7}, ', " after record 1."),
        (b'[{"A_ID": 7} {"A_ID": 8}]', " after record 1."),
        (b'[{"A_ID": 7}] []', " after record 1."),
        (b"[", ""),
        (b'{"A": bad}', ""),
    ],
)
def test_the_record_is_named_in_which_the_json_breaks(body: bytes, where: str) -> None:
    said = broken(body, "/Contacts")
    assert where in said
    if not where:
        assert "record" not in said


def test_a_page_is_told_by_its_title() -> None:
    said = broken(b"<html><head><title>Sign in</title></head><p>Please", "/Contacts")
    assert said.startswith("the answer is not JSON (application/json): ")
    assert said.endswith(" Sign in.")
