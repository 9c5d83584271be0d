"""Checks that need a record of their own, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from urllib3 import encode_multipart_formdata

from tap_insightly.api import Request
from tap_insightly.openapi import COMPONENTS
from tap_insightly.probe.account import UPDATED
from tap_insightly.probe.trial import CONTACTS, NOTES, TrialContact
from tap_insightly.probe.verdict import (
    Piece,
    Private,
    Verdict,
    comma_list,
    fails,
    holds,
    unseen,
)
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from datetime import datetime

    from tap_insightly.probe.client import ProbeResponse

WritingCheck = Callable[[TrialContact], Verdict]

WRITTEN: dict[str, WritingCheck] = {}
"""The checks, by the id of the assumption, in order."""

VALUES: dict[str, Any] = {
    "FIRST_NAME": "Probe",
    "TITLE": "a  b",
    "BACKGROUND": "Two  blanks, ü, 漢\nand a second line. ",
    "DATE_OF_BIRTH": "1990-02-03 00:00:00",
    "TAGS": [{"TAG_NAME": "tap-insightly-probe"}],
}
"""The values of the contact."""

_CLOCKS_APART = 5  # seconds; two servers of one service
_TEXTS = ("FIRST_NAME", "LAST_NAME", "TITLE", "BACKGROUND", "DATE_OF_BIRTH")


def checks_by_writing(assumption: str) -> Callable[[WritingCheck], WritingCheck]:
    """Register a function as the check of an assumption."""

    def register(check: WritingCheck) -> WritingCheck:
        WRITTEN[assumption] = check
        return check

    return register


@checks_by_writing("create-answers-record")
def _(trial: TrialContact) -> Verdict:
    made = trial.made
    if made is None:
        return unseen("There was no answer.")
    text = f"POST {CONTACTS} was answered {made.status}, with {len(made.rows[0])} fields."
    return holds(text) if made.status == HTTPStatus.CREATED else fails(text)


@checks_by_writing("created-by-clock")
def _(trial: TrialContact) -> Verdict:
    date: datetime | None = trial.made.date if trial.made is not None else None
    text = trial.now().get("DATE_CREATED_UTC")
    if date is None or not text:
        return unseen("There is no Date, or no DATE_CREATED_UTC.")
    apart = round(abs((parse_moment(str(text)) - date).total_seconds()))
    text = f"DATE_CREATED_UTC and the Date of the answer are {apart:,} seconds apart."
    return holds(text) if apart <= _CLOCKS_APART else fails(text)


@checks_by_writing("search-at-once")
def _(trial: TrialContact) -> Verdict:
    made = trial.now().get("DATE_CREATED_UTC")
    if not made:
        return unseen("There is no DATE_CREATED_UTC.")
    since = utc_text(parse_moment(str(made)) - timedelta(seconds=1))
    query = {"updated_after_utc": since, "top": "500", "count_total": "true", "brief": "true"}
    response = trial.client.send(Request("GET", f"{CONTACTS}/Search", query))
    if response is None or not response.is_list:
        return unseen("The search was not answered.")
    is_there = any(row.get("CONTACT_ID") == trial.contact for row in response.rows)
    if not is_there and (response.total or 0) > len(response.rows):
        return unseen(
            f"{response.total or 0:,} contacts were updated since, more than a page holds."
        )
    return (holds if is_there else fails)(
        f"A search right after the contact was made {'finds' if is_there else 'does not find'} it."
    )


@checks_by_writing("search-exact")
def _(trial: TrialContact) -> Verdict:
    name = trial.values["LAST_NAME"]
    numbers = []
    for value in (name, name.upper()):
        query = {"field_name": "LAST_NAME", "field_value": value}
        response = trial.client.send(Request("GET", f"{CONTACTS}/Search", query))
        numbers.append(len(response.rows) if response is not None else 0)
    text = f"A search for a text finds {numbers[0]:,} records, in capitals {numbers[1]:,}."
    if not numbers[0]:
        return unseen(text)
    return fails(text) if numbers[1] else holds(text)


@checks_by_writing("id-highest")
def _(trial: TrialContact) -> Verdict:
    query = {"top": "1", "count_total": "true"}
    first = trial.client.send(Request("GET", CONTACTS, query))
    if first is None or first.total is None:
        return unseen("The list tells no total.")
    query = {"skip": str(first.total - 1), "top": "2"}
    response = trial.client.send(Request("GET", CONTACTS, query))
    ids = [row.get("CONTACT_ID") for row in response.rows] if response is not None else []
    if not ids or any(isinstance(one, int) and one > trial.contact for one in ids):
        return unseen("The end of the list holds a record with a higher id, or none.")
    is_last = trial.contact in ids
    where = "is" if is_last else "is not"
    return (holds if is_last else fails)(f"The new contact {where} the last of {first.total:,}.")


@checks_by_writing("text-as-sent")
def _(trial: TrialContact) -> Verdict:
    now = trial.now()
    other = [name for name in _TEXTS if now.get(name) != trial.values[name]]
    if other:
        return fails(f"Other than what was sent: {', '.join(other)}.")
    return holds(f"{len(_TEXTS)} texts came back as they were sent, blanks at the end too.")


@checks_by_writing("tags-with-record")
def _(trial: TrialContact) -> Verdict:
    tags = trial.now().get("TAGS")
    number = len(tags) if isinstance(tags, list) else 0
    text = f"Of 1 tag that was sent with the contact, {number} is there."
    return holds(text) if number == 1 else fails(text)


@checks_by_writing("if-match-fresh")
def _(trial: TrialContact) -> Verdict:
    etag = _etag(trial)
    if etag is None:
        return unseen("The contact is answered without an ETag.")
    response = trial.put({"TITLE": "one"}, etag)
    status = response.status if response is not None else 0
    text = f"PUT with the ETag that was read was answered {status}."
    return holds(text) if response is not None and response.is_done else fails(text)


def _etag(trial: TrialContact) -> str | None:
    response = trial.read()
    return response.headers.get("ETag") if response is not None else None


@checks_by_writing("if-match-stale")
def _(trial: TrialContact) -> Verdict:
    etag = _etag(trial)
    if etag is None or trial.put({"TITLE": "two"}) is None:
        return unseen("The contact is answered without an ETag.")
    response = trial.put({"TITLE": "three"}, etag)
    title = trial.now().get("TITLE")
    status = response.status if response is not None else 0
    text = (
        f"PUT with the ETag of the version before was answered {status}, and the contact "
        f"{'has changed' if title == 'three' else 'has not changed'}."
    )
    is_refused = status == HTTPStatus.BAD_REQUEST and title == "two"
    return holds(text) if is_refused else fails(text)


@checks_by_writing("put-keeps-rest")
def _(trial: TrialContact) -> Verdict:
    before = trial.made.rows[0] if trial.made is not None else {}
    trial.put({"TITLE": "four"})
    after = trial.now()
    common = {*before} & {*after} - {"TITLE", UPDATED, "ETag"}
    others = sorted(name for name in common if before[name] != after[name])
    if others:
        return fails("With TITLE there changed ", *comma_list(map(_field, others)), ".")
    return holds(f"TITLE was sent, and none of {len(common)} others has changed.")


def _field(name: str) -> Piece:
    known = COMPONENTS["Contact"]["properties"]
    return name if name in known else Private("unknown field", name)


@checks_by_writing("null-clears")
def _(trial: TrialContact) -> Verdict:
    response = trial.put({"TITLE": None})
    title = trial.now().get("TITLE")
    status = response.status if response is not None else 0
    text = f"PUT with a null was answered {status}; the field"
    return fails(f"{text} is not empty.") if title else holds(f"{text} is empty.")


@checks_by_writing("whole-record")
def _(trial: TrialContact) -> Verdict:
    response = trial.put(trial.now())
    status = response.status if response is not None else 0
    text = f"PUT of the whole contact as it was read was answered {status}."
    return holds(text) if response is not None and response.is_done else fails(text)


@checks_by_writing("unknown-left-out")
def _(trial: TrialContact) -> Verdict:
    response = trial.put({"NO_SUCH_FIELD": "x"})
    status = response.status if response is not None else 0
    text = f"PUT with a field that there is not was answered {status}."
    return holds(text) if response is not None and response.is_done else fails(text)


@checks_by_writing("tag-moves-date")
def _(trial: TrialContact) -> Verdict:
    return trial.moved("Adding a tag", lambda: trial.post("Tags", {"TAG_NAME": "probe-two"}))


@checks_by_writing("tag-twice")
def _(trial: TrialContact) -> Verdict:
    response = trial.post("Tags", {"TAG_NAME": "probe-two"})
    tags = trial.now().get("TAGS") or []
    number = sum(isinstance(one, dict) and one.get("TAG_NAME") == "probe-two" for one in tags)
    status = response.status if response is not None else 0
    text = f"Adding a tag again was answered {status}; the contact has it {number} times."
    return holds(text) if number == 1 and response is not None and response.is_done else fails(text)


@checks_by_writing("note-moves-date")
def _(trial: TrialContact) -> Verdict:
    def add() -> ProbeResponse | None:
        response = trial.post("Notes", {"TITLE": "probe", "BODY": "probe"})
        rows = response.rows if response is not None else []
        trial.note = max((int(one.get("NOTE_ID") or 0) for one in rows), default=0)
        return response

    return trial.moved("Adding a note", add)


@checks_by_writing("comment-moves-date")
def _(trial: TrialContact) -> Verdict:
    if not trial.note:
        return unseen("There is no note to comment on.")
    note = f"{NOTES}/{trial.note}"
    request = Request.with_json("POST", f"{note}/Comments", {"BODY": "probe"})
    return trial.moved("A comment on a note", lambda: trial.client.send(request), note)


@checks_by_writing("link-moves-date")
def _(trial: TrialContact) -> Verdict:
    if not trial.note:
        return unseen("There is no note to link to.")
    link = {"LINK_OBJECT_NAME": "Note", "LINK_OBJECT_ID": trial.note}
    return trial.moved("Adding a link", lambda: trial.post("Links", link))


@checks_by_writing("file-moves-date")
def _(trial: TrialContact) -> Verdict:
    body, kind = encode_multipart_formdata([("file", ("probe.txt", b"probe", "text/plain"))])
    headers = {"Content-Type": kind}
    request = Request("POST", trial.path("FileAttachments"), body=body, headers=headers)
    return trial.moved("Adding a file", lambda: trial.client.send(request))


@checks_by_writing("deleted-404")
def _(trial: TrialContact) -> Verdict:
    path, response = trial.path(), trial.remove()
    after = trial.read(path)
    statuses = [one.status if one is not None else 0 for one in (response, after)]
    text = f"Deleting was answered {statuses[0]}, and reading the contact then {statuses[1]}."
    is_gone = statuses[0] == HTTPStatus.ACCEPTED and statuses[1] == HTTPStatus.NOT_FOUND
    return holds(text) if is_gone else fails(text)
