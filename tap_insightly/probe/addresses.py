"""Checks of addresses, headers and errors."""

from __future__ import annotations

from datetime import timezone
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_insightly.api.http.headers import whole_number
from tap_insightly.probe.account import NOBODY, moments
from tap_insightly.probe.lists import NO_ANSWER, NO_LIST, status_text
from tap_insightly.probe.registry import checks
from tap_insightly.probe.verdict import Verdict, fails, holds, unseen, verdict_on

if TYPE_CHECKING:
    from tap_insightly.probe.account import ProbedAccount
    from tap_insightly.probe.client import ProbeResponse

CLOCKS_APART = 120
"""Seconds by which two clocks may differ."""


def _in_another_way(account: ProbedAccount, path: str, text: str) -> Verdict:
    """Tell whether a list was answered although its path was written in another way."""
    for one in account.lists:
        if one.obj.path == path:
            if one.first.is_list:
                return holds(f"{text} was answered {one.first.status}.")
            if one.response.is_list:
                return fails(f"{text} was answered {one.first.status}.")
            return unseen(f"{text} was answered {one.first.status}, but so was {path}.")
    return unseen(NO_ANSWER)


@checks("path-case")
def _(account: ProbedAccount) -> Verdict:
    return _in_another_way(account, "/Countries", "/countries")


@checks("trailing-slash")
def _(account: ProbedAccount) -> Verdict:
    return _in_another_way(account, "/Currencies", "/Currencies/")


@checks("other-form-405")
def _(account: ProbedAccount) -> Verdict:
    main = account.main
    if main is None:
        return unseen(NO_LIST)
    one = main.obj.name if main.obj.name != main.obj.path[1:] else f"{main.obj.name}s"
    response = account.client.get(f"/{one}", top="1")
    if response is None:
        return unseen(NO_ANSWER)
    return (holds if response.status == HTTPStatus.METHOD_NOT_ALLOWED else fails)(
        status_text(response)
    )


def _missing(account: ProbedAccount) -> ProbeResponse | None:
    """Ask for a record that does not exist."""
    return account.client.get(account.main.obj.path_of(NOBODY)) if account.main else None


@checks("missing-404")
def _(account: ProbedAccount) -> Verdict:
    response = _missing(account)
    if response is None or account.main is None:
        return unseen(NO_LIST)
    text = f"{account.main.obj.path} with an id that is none was answered {response.status}."
    return (holds if response.status == HTTPStatus.NOT_FOUND else fails)(text)


@checks("error-bodies", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    _missing(account)
    bad = [one for one in account.client.responses if one.status >= HTTPStatus.BAD_REQUEST]
    shapes = {_shape(one): one.status for one in bad}
    wrong = [f"{status}: {one}" for one, status in shapes.items() if one == _OTHER]
    return verdict_on(wrong, [f"{status}: {one}" for one, status in shapes.items()], "no errors")


_OTHER = "JSON of another kind"


def _shape(response: ProbeResponse) -> str:
    """Say what the body of an error looks like."""
    if not response.body.strip():
        return "an empty body"
    if response.data is None:
        is_page = response.body.lstrip()[:1] == b"<"
        return "a page of HTML" if is_page else "plain text"
    if isinstance(response.data, dict) and {name.lower() for name in response.data} & {"message"}:
        return "an object with Message"
    return "a text in JSON" if isinstance(response.data, str) else _OTHER


def _with_header(account: ProbedAccount, *names: str) -> Verdict:
    """Tell whether all answers have these headers."""
    response = [
        one for one in account.client.responses if one.status < HTTPStatus.INTERNAL_SERVER_ERROR
    ]
    without = sum(not all(name in one.headers for name in names) for one in response)
    text = f"{len(response) - without:,} of {len(response):,} answers have {' and '.join(names)}."
    return fails(text) if without else holds(text)


@checks("quota-told", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    return _with_header(account, "X-RateLimit-Limit", "X-RateLimit-Remaining")


@checks("quota-falls", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    numbers = [
        whole_number(one.headers.get("X-RateLimit-Remaining")) for one in account.client.responses
    ]
    left = [one for one in numbers if one is not None]
    if len(left) < 2:  # noqa: PLR2004 - less is no comparison
        return unseen("The answers do not tell what is left.")
    fall, least = left[0] - left[-1], len(left) - 1
    if fall < 0:
        return unseen("More are left than before: a new day has begun.")
    text = f"{least:,} requests later, {fall:,} fewer are left."
    return holds(text) if fall >= least else fails(text)


@checks("date-told", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    return _with_header(account, "Date")


@checks("clocks-agree", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    apart = [
        abs((one.at - one.date.astimezone(timezone.utc)).total_seconds())
        for one in account.client.responses
        if one.date is not None
    ]
    if not apart:
        return unseen("The answers have no Date.")
    least = round(min(apart))
    text = f"The server's clock and that of this machine are {least:,} seconds apart."
    return holds(text) if least <= CLOCKS_APART else fails(text)


@checks("no-updates-ahead")
def _(account: ProbedAccount) -> Verdict:
    dates = [one.response.date for one in account.lists if one.response.date is not None]
    if account.latest is None or not dates:
        return unseen(NO_LIST)
    newest = max(moments(row for one in account.readable for row in one.rows))
    if newest > max(dates):
        return fails("A record was updated later than it is by the Date of the answers.")
    return holds("No record is newer than the Date of the answers.")


@checks("gzip", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    large = [one for one in account.client.responses if len(one.body) > 10_000]  # noqa: PLR2004 - worth it
    compressed = sum("gzip" in one.headers.get("Content-Encoding", "") for one in large)
    if not large:
        return unseen("No answer is large enough.")
    text = f"{compressed:,} of {len(large):,} large answers are compressed."
    return holds(text) if compressed == len(large) else fails(text)


_KINDS = ("text/html", "text/plain", "text/json", "text/xml", "application/xml")


@checks("json-untold", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    done = [one for one in account.client.responses if one.is_done]
    wrong = {_kind(one) for one in done if _kind(one) != "application/json"}
    return verdict_on(
        sorted(wrong), [f"{len(done):,} answers are JSON"] if done else [], "no answers"
    )


def _kind(response: ProbeResponse) -> str:
    """Name the content type of an answer; an unknown one may be private, and is not named."""
    kind = response.headers.get("Content-Type", "no type").partition(";")[0].strip().lower()
    return kind if kind in {*_KINDS, "application/json", "no type"} else "a type of its own"


@checks("json-plain", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    done = [one for one in account.client.responses if one.is_done]
    odd = sum(not one.is_plain for one in done)
    text = f"{odd:,} of {len(done):,} answers cannot be read as they are."
    return fails(text) if odd else holds(text)


@checks("etag")
def _(account: ProbedAccount) -> Verdict:
    response = account.one()
    if response is None or account.main is None:
        return unseen(NO_LIST)
    if not response.is_done:
        return unseen(f"A record of {account.main.obj.path} was answered {response.status}.")
    text = f"A record of {account.main.obj.path} is answered"
    return (
        holds(f"{text} with an ETag.") if "ETag" in response.headers else fails(f"{text} without.")
    )
