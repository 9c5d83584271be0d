"""Checks of lists, pages and totals."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_insightly.api.lists.seen_keys import ascend
from tap_insightly.probe.account import LARGEST, NOT_PAGED, SIZE
from tap_insightly.probe.checking import tells
from tap_insightly.probe.verdict import Verdict, fails, holds, judged, many, unseen

if TYPE_CHECKING:
    from tap_insightly.probe.account import Account, Listed
    from tap_insightly.probe.asking import Heard

NO_LIST = "There is no list with records, ids and dates to ask about."
NO_ANSWER = "The server did not answer."


@tells("ids-ascend")
def _(account: Account) -> Verdict:
    able = [one for one in account.paged if len(one.ids) > 1]
    if (heard := account.large_page(LARGEST + 1)) is not None and account.main is not None:
        able.append(replace(account.main, heard=heard))
    wrong = [one.heard.path for one in able if not ascend(one.ids)]
    number = sum(len(one.ids) for one in able)
    return judged(
        wrong, [f"{many(len(able), 'list')}, {many(number, 'record')}"] if able else [], "no ids"
    )


@tells("total-told")
def _(account: Account) -> Verdict:
    asked = [one for one in account.paged if "count_total" in one.heard.params]
    wrong = [one.obj.path for one in asked if one.heard.total is None]
    return judged(wrong, [f"told by {many(len(asked), 'list')}"] if asked else [], "no lists")


@tells("total-right")
def _(account: Account) -> Verdict:
    told = [one for one in account.paged if one.heard.total is not None]
    short = [one for one in told if len(one.rows) < one.top and one.heard.total is not None]
    wrong = [
        f"{one.obj.path} tells {one.heard.total:,} and has {len(one.rows):,}"
        for one in short
        if one.heard.total != len(one.rows)
    ]
    return judged(
        wrong, [f"{many(len(short), 'short list')}, read whole"] if short else [], "no totals"
    )


@tells("pages-full")
def _(account: Account) -> Verdict:
    long = [one for one in account.paged if (one.heard.total or 0) > one.top]
    wrong = [
        f"{one.obj.path} answers {len(one.rows):,} of {one.top:,} ({one.heard.total:,} in all)"
        for one in long
        if len(one.rows) < one.top
    ]
    return judged(wrong, [many(len(long), "page")] if long else [], f"no lists of more than {SIZE}")


@tells("page-of-500")
def _(account: Account) -> Verdict:
    heard = account.large_page(LARGEST + 1)
    if heard is None or not heard.is_list or (heard.total != len(heard.rows) < LARGEST):
        heard = account.large_page(LARGEST)
    if heard is None:
        return unseen(NO_LIST)
    if not heard.is_list:
        return fails(f"{heard.path} answers {heard.status} to top={LARGEST}.")
    rows, total = len(heard.rows), heard.total
    asked = heard.params["top"]
    if rows >= LARGEST:
        return holds(f"{heard.path} answers {rows:,} records to top={asked}.")
    if total is not None and total > rows:
        return fails(f"{heard.path} answers {rows:,} records of {total:,} to top={asked}.")
    return unseen(f"The largest list, {heard.path}, has {rows:,} records.")


@tells("more-than-500")
def _(account: Account) -> Verdict:
    heard = account.large_page(LARGEST + 1)
    if heard is None:
        return unseen(NO_LIST)
    rows, asked = len(heard.rows), f"top={LARGEST + 1}"
    if not heard.is_list:
        return fails(f"{heard.path} answers {heard.status} to {asked}.")
    if rows == LARGEST:
        return holds(f"{heard.path} answers {rows:,} records to {asked}.")
    if rows > LARGEST or (heard.total or 0) > rows:
        return fails(f"{heard.path} answers {rows:,} records to {asked}.")
    return unseen(f"It is not refused, but the largest list has {rows:,} records.")


@tells("page-of-100")
def _(account: Account) -> Verdict:
    for one in account.paged:
        if "top" not in one.heard.params and (one.heard.total or 0) >= 100:  # noqa: PLR2004 - docs
            rows = len(one.rows)
            said = f"{one.obj.path} answers {rows:,} records if it is not told how many."
            return holds(said) if rows == 100 else fails(said)  # noqa: PLR2004 - docs
    return unseen("The list that was asked so has less than 100 records, or tells no total.")


@tells("offsets-count")
def _(account: Account) -> Verdict:
    main = account.main
    if main is None or main.heard.total is None:
        return unseen(NO_LIST)
    skip = main.heard.total - 1
    heard = account.asker.get(main.obj.path, skip=str(skip), top="2", count_total="true")
    if heard is None:
        return unseen(NO_ANSWER)
    if heard.total not in {None, main.heard.total}:
        return unseen("Somebody added or deleted records meanwhile.")
    ids = [row.get(main.obj.key or "") for row in heard.rows]
    said = f"{heard.path} answers {many(len(ids), 'record')} after all but one of {skip + 1:,}."
    is_last = len(ids) == 1 and isinstance(ids[0], int) and ids[0] >= max(main.ids)
    return holds(said) if is_last else fails(said)


@tells("lists-unpaged")
def _(account: Account) -> Verdict:
    asked = [one for one in account.readable if one.obj.path in NOT_PAGED and one.first.is_list]
    asked = [one for one in asked if "top" in one.first.params]
    # There is more than one country; of the others there may be one only.
    wrong = [one.obj.path for one in asked if one.obj.path == "/Countries" and len(one.rows) == 1]
    right = [f"{one.obj.path}: {len(one.rows):,} records to top=1" for one in asked if one.rows[1:]]
    return judged(wrong, right, "no such lists")


@tells("left-out-is-refused")
def _(account: Account) -> Verdict:
    known = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    away = [one for one in account.lists if not one.heard.is_list]
    wrong = [_status(one) for one in away if one.heard.status not in known]
    return judged(wrong, [_status(one) for one in away], "no lists that are left out")


def _status(one: Listed) -> str:
    return f"{one.obj.path}: {one.heard.status}"


def refused(heard: Heard) -> str:
    """Say that something was not answered as it should be."""
    return f"{heard.method} {heard.path} was answered {heard.status}."
