"""Checks of searches, by date and by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.lists.seen_keys import are_ascending_ids
from tap_insightly.probe.account import UPDATED
from tap_insightly.probe.lists import NO_ANSWER, NO_LIST, status_text
from tap_insightly.probe.registry import checks
from tap_insightly.probe.verdict import Verdict, count_of, fails, holds, unseen, verdict_on

if TYPE_CHECKING:
    from tap_insightly.probe.account import ProbedAccount
    from tap_insightly.probe.client import ProbeResponse

_LONGEST = 100  # characters of a value that is searched for


@checks("search-by-date")
def _(account: ProbedAccount) -> Verdict:
    response = account.search(1)
    if response is None or account.latest is None:
        return unseen(NO_LIST)
    if not response.is_list:
        return fails(status_text(response))
    early = sum(_date(row) < account.latest for row in response.rows)
    found = sum(_date(row) == account.latest for row in response.rows)
    text = (
        f"{response.path}, asked from a second before an update, answers {len(response.rows):,} "
        f"records, {early:,} of them from before, and {found:,} of that second."
    )
    return fails(text) if early or not (found or _is_cut(response)) else holds(text)


@checks("search-exclusive")
def _(account: ProbedAccount) -> Verdict:
    before, response = account.search(1), account.search(0)
    if before is None or response is None or account.latest is None:
        return unseen(NO_LIST)
    if not (before.is_list and response.is_list):
        return unseen(status_text(response))
    known = sum(_date(row) == account.latest for row in before.rows)
    found = sum(_date(row) == account.latest for row in response.rows)
    text = (
        f"Of {known:,} records of one second, {response.path} answers {found:,} if it is asked "
        "from that second."
    )
    if not known:
        return unseen(text)
    return fails(text) if found else holds(text)


@checks("search-ascends")
def _(account: ProbedAccount) -> Verdict:
    response = account.search(1)
    key = str(account.main.obj.key) if account.main else ""
    if response is None or not response.is_list:
        return unseen(NO_LIST)
    ids = [row[key] for row in response.rows if isinstance(row.get(key), int)]
    more = [one for one in account.paged if one.response.path.endswith("/Search")]
    every = [ids, *(one.ids for one in more)]
    if max(map(len, every)) <= 1:
        return unseen("No search that was asked found more than one record.")
    number = sum(map(len, every))
    text = f"{len(every)} searches, {count_of(number, 'record')}."
    return holds(text) if all(map(are_ascending_ids, every)) else fails(text)


@checks("search-total")
def _(account: ProbedAccount) -> Verdict:
    others = [one.response for one in account.paged if one.response.path.endswith("/Search")]
    response = [one for one in (account.search(1), *others) if one is not None and one.is_list]
    if not response:
        return unseen(NO_LIST)
    silent = [one.path for one in response if one.total is None]
    if silent:
        return fails(f"{', '.join(silent)}: no total is told.")
    whole = [one for one in response if not _is_cut(one)]
    wrong = [
        f"{one.path} tells {one.total or 0:,} and answers {len(one.rows):,}"
        for one in whole
        if one.total != len(one.rows)
    ]
    return verdict_on(
        wrong, [f"{one.path}: {one.total or 0:,}" for one in whole], "none to read whole"
    )


@checks("date-spellings")
def _(account: ProbedAccount) -> Verdict:
    iso, other = account.search(1), account.search(1, is_iso=False)
    if iso is None or other is None:
        return unseen(NO_LIST)
    if not other.is_list:
        return fails(
            f"2026-04-09 16:58:14 is answered {other.status}, with a T and a Z {iso.status}."
        )
    numbers = [one.total if one.total is not None else len(one.rows) for one in (iso, other)]
    text = f"Written in both ways, a moment finds {numbers[0]:,} and {numbers[1]:,} records."
    return holds(text) if numbers[0] == numbers[1] else fails(text)


@checks("list-ignores-date")
def _(account: ProbedAccount) -> Verdict:
    for one in account.readable:
        if "updated_after_utc" in one.first.params and not one.first.path.endswith("/Search"):
            text = (
                f"{one.obj.path} answers {len(one.first.rows):,} records updated after a later day"
            )
            if one.first.rows:
                return holds(f"{text}.")
            if one.rows:
                return fails(f"{text}, and {len(one.rows):,} without a day.")
    return unseen("The list that was asked so has no records.")


@checks("search-without-date")
def _(account: ProbedAccount) -> Verdict:
    asked = [one for one in account.lists if one.first.path.endswith("/Search")]
    seen = [one for one in asked if one.first.is_list or one.response.is_list]
    wrong = [f"{one.first.path}: {one.first.status}" for one in seen if not one.first.is_list]
    if wrong:
        return fails(", ".join(wrong), ".")
    return holds(f"{len(seen)} searches were answered.") if seen else unseen("There is none.")


@checks("search-by-value")
def _(account: ProbedAccount) -> Verdict:
    if account.main is None or (chosen := _value(account)) is None:
        return unseen(NO_LIST)
    name, value, key = chosen
    path = f"{account.main.obj.path}/Search"
    response = account.client.get(path, field_name=name, field_value=value, top="500")
    if response is None:
        return unseen(NO_ANSWER)
    if not response.is_list:
        return fails(f"{path} answers {response.status} to {name}.")
    others = sum(row.get(name) != value for row in response.rows)
    has_own = any(row.get(account.main.obj.key or "") == key for row in response.rows)
    text = (
        f"{path} answers {len(response.rows):,} records for a value of {name}: the one with it "
        f"{'is' if has_own else 'is not'} among them, and {others:,} have another value."
    )
    return fails(text) if others or not (has_own or _is_cut(response)) else holds(text)


def _value(account: ProbedAccount) -> tuple[str, str, int] | None:
    """Choose a value to search for: a text of a record, of a standard field."""
    main = account.main
    for row in main.rows if main else ():
        for name, value in row.items():
            is_text = isinstance(value, str) and name.endswith(("NAME", "TITLE", "ADDRESS"))
            if is_text and 0 < len(value) <= _LONGEST and value == value.strip():
                return name, value, row[main.obj.key or ""] if main else 0
    return None


def _date(row: dict[str, Any]) -> str:
    return str(row.get(UPDATED) or "")


def _is_cut(response: ProbeResponse) -> bool:
    """Tell whether a search found more than it answered."""
    return response.total is not None and response.total > len(response.rows) > 0
