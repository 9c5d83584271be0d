"""Checks of addresses, headers and errors."""

from __future__ import annotations

from datetime import timezone
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_insightly.api.http.headers import whole_number
from tap_insightly.probe.account import NOBODY, moments
from tap_insightly.probe.checking import tells
from tap_insightly.probe.lists import NO_ANSWER, NO_LIST, refused
from tap_insightly.probe.verdict import Verdict, fails, holds, judged, unseen

if TYPE_CHECKING:
    from tap_insightly.probe.account import Account
    from tap_insightly.probe.asking import Heard

CLOCKS_APART = 120
"""Seconds by which two clocks may differ without anybody having to know."""


def _in_another_way(account: Account, path: str, said: str) -> Verdict:
    """Tell whether a list was answered although it was asked for in another way."""
    for one in account.lists:
        if one.obj.path == path:
            if one.first.is_list:
                return holds(f"{said} was answered {one.first.status}.")
            if one.heard.is_list:
                return fails(f"{said} was answered {one.first.status}.")
            return unseen(f"{said} was answered {one.first.status}, but so was {path}.")
    return unseen(NO_ANSWER)


@tells("path-case")
def _(account: Account) -> Verdict:
    return _in_another_way(account, "/Countries", "/countries")


@tells("trailing-slash")
def _(account: Account) -> Verdict:
    return _in_another_way(account, "/Currencies", "/Currencies/")


@tells("other-form-405")
def _(account: Account) -> Verdict:
    main = account.main
    if main is None:
        return unseen(NO_LIST)
    one = main.obj.name if main.obj.name != main.obj.path[1:] else f"{main.obj.name}s"
    heard = account.asker.get(f"/{one}", top="1")
    if heard is None:
        return unseen(NO_ANSWER)
    return (holds if heard.status == HTTPStatus.METHOD_NOT_ALLOWED else fails)(refused(heard))


def _missing(account: Account) -> Heard | None:
    """Ask for a record that there is not."""
    return account.asker.get(account.main.obj.path_of(NOBODY)) if account.main else None


@tells("missing-404")
def _(account: Account) -> Verdict:
    heard = _missing(account)
    if heard is None or account.main is None:
        return unseen(NO_LIST)
    said = f"{account.main.obj.path} with an id that is none was answered {heard.status}."
    return (holds if heard.status == HTTPStatus.NOT_FOUND else fails)(said)


@tells("error-bodies", is_last=True)
def _(account: Account) -> Verdict:
    _missing(account)
    bad = [one for one in account.asker.heard if one.status >= HTTPStatus.BAD_REQUEST]
    shapes = {_shape(one): one.status for one in bad}
    wrong = [f"{status}: {one}" for one, status in shapes.items() if one == _OTHER]
    return judged(wrong, [f"{status}: {one}" for one, status in shapes.items()], "no errors")


_OTHER = "JSON of another kind"


def _shape(heard: Heard) -> str:
    """Say what the body of an error is like."""
    if not heard.body.strip():
        return "an empty body"
    if heard.data is None:
        is_page = heard.body.lstrip()[:1] == b"<"
        return "a page of HTML" if is_page else "plain text"
    if isinstance(heard.data, dict) and {name.lower() for name in heard.data} & {"message"}:
        return "an object with Message"
    return "a text in JSON" if isinstance(heard.data, str) else _OTHER


def _with_header(account: Account, *names: str) -> Verdict:
    """Tell whether all answers have these headers."""
    heard = [one for one in account.asker.heard if one.status < HTTPStatus.INTERNAL_SERVER_ERROR]
    without = sum(not all(name in one.headers for name in names) for one in heard)
    said = f"{len(heard) - without:,} of {len(heard):,} answers have {' and '.join(names)}."
    return fails(said) if without else holds(said)


@tells("quota-told", is_last=True)
def _(account: Account) -> Verdict:
    return _with_header(account, "X-RateLimit-Limit", "X-RateLimit-Remaining")


@tells("quota-falls", is_last=True)
def _(account: Account) -> Verdict:
    told = [whole_number(one.headers.get("X-RateLimit-Remaining")) for one in account.asker.heard]
    left = [one for one in told if one is not None]
    if len(left) < 2:  # noqa: PLR2004 - less is no comparison
        return unseen("The answers do not tell what is left.")
    fall, least = left[0] - left[-1], len(left) - 1
    if fall < 0:
        return unseen("More are left than before: a new day has begun.")
    said = f"{least:,} requests later, {fall:,} fewer are left."
    return holds(said) if fall >= least else fails(said)


@tells("date-told", is_last=True)
def _(account: Account) -> Verdict:
    return _with_header(account, "Date")


@tells("clocks-agree", is_last=True)
def _(account: Account) -> Verdict:
    apart = [
        abs((one.at - one.date.astimezone(timezone.utc)).total_seconds())
        for one in account.asker.heard
        if one.date is not None
    ]
    if not apart:
        return unseen("The answers have no Date.")
    least = round(min(apart))
    said = f"The server's clock and that of this machine are {least:,} seconds apart."
    return holds(said) if least <= CLOCKS_APART else fails(said)


@tells("no-updates-ahead")
def _(account: Account) -> Verdict:
    dates = [one.heard.date for one in account.lists if one.heard.date is not None]
    if account.latest is None or not dates:
        return unseen(NO_LIST)
    newest = max(moments(row for one in account.readable for row in one.rows))
    if newest > max(dates):
        return fails("A record was updated later than it is by the Date of the answers.")
    return holds("No record is newer than the Date of the answers.")


@tells("gzip", is_last=True)
def _(account: Account) -> Verdict:
    large = [one for one in account.asker.heard if len(one.body) > 10_000]  # noqa: PLR2004 - worth it
    encode_ids = sum("gzip" in one.headers.get("Content-Encoding", "") for one in large)
    if not large:
        return unseen("No answer is large enough.")
    said = f"{encode_ids:,} of {len(large):,} large answers are compressed."
    return holds(said) if encode_ids == len(large) else fails(said)


_KINDS = ("text/html", "text/plain", "text/json", "text/xml", "application/xml")


@tells("json-untold", is_last=True)
def _(account: Account) -> Verdict:
    done = [one for one in account.asker.heard if one.is_done]
    wrong = {_kind(one) for one in done if _kind(one) != "application/json"}
    return judged(sorted(wrong), [f"{len(done):,} answers are JSON"] if done else [], "no answers")


def _kind(heard: Heard) -> str:
    """Say of what type an answer is; what nobody has seen yet is shown to nobody."""
    kind = heard.headers.get("Content-Type", "no type").partition(";")[0].strip().lower()
    return kind if kind in {*_KINDS, "application/json", "no type"} else "a type of its own"


@tells("json-plain", is_last=True)
def _(account: Account) -> Verdict:
    done = [one for one in account.asker.heard if one.is_done]
    odd = sum(not one.is_plain for one in done)
    said = f"{odd:,} of {len(done):,} answers cannot be read as they are."
    return fails(said) if odd else holds(said)


@tells("etag")
def _(account: Account) -> Verdict:
    heard = account.one()
    if heard is None or account.main is None:
        return unseen(NO_LIST)
    if not heard.is_done:
        return unseen(f"A record of {account.main.obj.path} was answered {heard.status}.")
    said = f"A record of {account.main.obj.path} is answered"
    return holds(f"{said} with an ETag.") if "ETag" in heard.headers else fails(f"{said} without.")
