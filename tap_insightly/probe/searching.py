"""Checks of searches, by date and by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.lists.seen_keys import ascend
from tap_insightly.probe.account import UPDATED
from tap_insightly.probe.checking import tells
from tap_insightly.probe.lists import NO_ANSWER, NO_LIST, refused
from tap_insightly.probe.verdict import Verdict, fails, holds, judged, many, unseen

if TYPE_CHECKING:
    from tap_insightly.probe.account import Account
    from tap_insightly.probe.asking import Heard

_LONGEST = 100  # characters of a value that is searched for


@tells("search-by-date")
def _(account: Account) -> Verdict:
    heard = account.search(1)
    if heard is None or account.latest is None:
        return unseen(NO_LIST)
    if not heard.is_list:
        return fails(refused(heard))
    early = sum(_date(row) < account.latest for row in heard.rows)
    found = sum(_date(row) == account.latest for row in heard.rows)
    said = (
        f"{heard.path}, asked from a second before an update, answers {len(heard.rows):,} records, "
        f"{early:,} of them from before, and {found:,} of that second."
    )
    return fails(said) if early or not (found or _is_cut(heard)) else holds(said)


@tells("search-exclusive")
def _(account: Account) -> Verdict:
    before, heard = account.search(1), account.search(0)
    if before is None or heard is None or account.latest is None:
        return unseen(NO_LIST)
    if not (before.is_list and heard.is_list):
        return unseen(refused(heard))
    known = sum(_date(row) == account.latest for row in before.rows)
    found = sum(_date(row) == account.latest for row in heard.rows)
    said = (
        f"Of {known:,} records of one second, {heard.path} answers {found:,} if it is asked from "
        "that second."
    )
    if not known:
        return unseen(said)
    return fails(said) if found else holds(said)


@tells("search-ascends")
def _(account: Account) -> Verdict:
    heard = account.search(1)
    key = str(account.main.obj.key) if account.main else ""
    if heard is None or not heard.is_list:
        return unseen(NO_LIST)
    ids = [row[key] for row in heard.rows if isinstance(row.get(key), int)]
    more = [one for one in account.paged if one.heard.path.endswith("/Search")]
    every = [ids, *(one.ids for one in more)]
    if max(map(len, every)) <= 1:
        return unseen("No search that was asked found more than one record.")
    number = sum(map(len, every))
    said = f"{len(every)} searches, {many(number, 'record')}."
    return holds(said) if all(map(ascend, every)) else fails(said)


@tells("search-total")
def _(account: Account) -> Verdict:
    others = [one.heard for one in account.paged if one.heard.path.endswith("/Search")]
    heard = [one for one in (account.search(1), *others) if one is not None and one.is_list]
    if not heard:
        return unseen(NO_LIST)
    silent = [one.path for one in heard if one.total is None]
    if silent:
        return fails(f"{', '.join(silent)}: no total is told.")
    whole = [one for one in heard if not _is_cut(one)]
    wrong = [
        f"{one.path} tells {one.total or 0:,} and answers {len(one.rows):,}"
        for one in whole
        if one.total != len(one.rows)
    ]
    return judged(wrong, [f"{one.path}: {one.total or 0:,}" for one in whole], "none to read whole")


@tells("date-spellings")
def _(account: Account) -> Verdict:
    iso, other = account.search(1), account.search(1, is_iso=False)
    if iso is None or other is None:
        return unseen(NO_LIST)
    if not other.is_list:
        return fails(
            f"2026-04-09 16:58:14 is answered {other.status}, with a T and a Z {iso.status}."
        )
    numbers = [one.total if one.total is not None else len(one.rows) for one in (iso, other)]
    said = f"Written in both ways, a moment finds {numbers[0]:,} and {numbers[1]:,} records."
    return holds(said) if numbers[0] == numbers[1] else fails(said)


@tells("list-ignores-date")
def _(account: Account) -> Verdict:
    for one in account.readable:
        if "updated_after_utc" in one.first.params and not one.first.path.endswith("/Search"):
            said = (
                f"{one.obj.path} answers {len(one.first.rows):,} records updated after a later day"
            )
            if one.first.rows:
                return holds(f"{said}.")
            if one.rows:
                return fails(f"{said}, and {len(one.rows):,} without a day.")
    return unseen("The list that was asked so has no records.")


@tells("search-without-date")
def _(account: Account) -> Verdict:
    asked = [one for one in account.lists if one.first.path.endswith("/Search")]
    seen = [one for one in asked if one.first.is_list or one.heard.is_list]
    wrong = [f"{one.first.path}: {one.first.status}" for one in seen if not one.first.is_list]
    if wrong:
        return fails(", ".join(wrong), ".")
    return holds(f"{len(seen)} searches were answered.") if seen else unseen("There is none.")


@tells("search-by-value")
def _(account: Account) -> Verdict:
    if account.main is None or (chosen := _value(account)) is None:
        return unseen(NO_LIST)
    name, value, key = chosen
    path = f"{account.main.obj.path}/Search"
    heard = account.asker.get(path, field_name=name, field_value=value, top="500")
    if heard is None:
        return unseen(NO_ANSWER)
    if not heard.is_list:
        return fails(f"{path} answers {heard.status} to {name}.")
    others = sum(row.get(name) != value for row in heard.rows)
    has_own = any(row.get(account.main.obj.key or "") == key for row in heard.rows)
    said = (
        f"{path} answers {len(heard.rows):,} records for a value of {name}: the one with it "
        f"{'is' if has_own else 'is not'} among them, and {others:,} have another value."
    )
    return fails(said) if others or not (has_own or _is_cut(heard)) else holds(said)


def _value(account: Account) -> tuple[str, str, int] | None:
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


def _is_cut(heard: Heard) -> bool:
    """Tell whether a search found more than it answered."""
    return heard.total is not None and heard.total > len(heard.rows) > 0
