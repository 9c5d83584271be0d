"""Checks of lists, pages and totals."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_insightly.api.lists.seen_keys import are_ascending_ids
from tap_insightly.probe.account import LARGEST, SIZE
from tap_insightly.probe.registry import checks
from tap_insightly.probe.verdict import Verdict, count_of, fails, holds, unseen, verdict_on

if TYPE_CHECKING:
    from tap_insightly.probe.account import ListSample, ProbedAccount
    from tap_insightly.probe.client import ProbeResponse

NO_LIST = "There is no list with records, ids and dates to ask about."
NO_ANSWER = "The server did not answer."


@checks("ids-ascend")
def _(account: ProbedAccount) -> Verdict:
    able = [one for one in account.paged if len(one.ids) > 1]
    if (response := account.large_page(LARGEST + 1)) is not None and account.main is not None:
        able.append(replace(account.main, response=response))
    wrong = [one.response.path for one in able if not are_ascending_ids(one.ids)]
    number = sum(len(one.ids) for one in able)
    return verdict_on(
        wrong,
        [f"{count_of(len(able), 'list')}, {count_of(number, 'record')}"] if able else [],
        "no ids",
    )


@checks("total-told")
def _(account: ProbedAccount) -> Verdict:
    asked = [one for one in account.paged if "count_total" in one.response.params]
    wrong = [one.obj.path for one in asked if one.response.total is None]
    return verdict_on(
        wrong, [f"told by {count_of(len(asked), 'list')}"] if asked else [], "no lists"
    )


@checks("total-right")
def _(account: ProbedAccount) -> Verdict:
    counted = [one for one in account.paged if one.response.total is not None]
    short = [one for one in counted if len(one.rows) < one.top and one.response.total is not None]
    wrong = [
        f"{one.obj.path} tells {one.response.total:,} and has {len(one.rows):,}"
        for one in short
        if one.response.total != len(one.rows)
    ]
    return verdict_on(
        wrong, [f"{count_of(len(short), 'short list')}, read whole"] if short else [], "no totals"
    )


@checks("pages-full")
def _(account: ProbedAccount) -> Verdict:
    long = [one for one in account.paged if (one.response.total or 0) > one.top]
    wrong = [
        f"{one.obj.path} answers {len(one.rows):,} of {one.top:,} ({one.response.total:,} in all)"
        for one in long
        if len(one.rows) < one.top
    ]
    return verdict_on(
        wrong, [count_of(len(long), "page")] if long else [], f"no lists of more than {SIZE}"
    )


@checks("page-of-500")
def _(account: ProbedAccount) -> Verdict:
    response = account.large_page(LARGEST + 1)
    if response is None or not response.is_list or (response.total != len(response.rows) < LARGEST):
        response = account.large_page(LARGEST)
    if response is None:
        return unseen(NO_LIST)
    if not response.is_list:
        return fails(f"{response.path} answers {response.status} to top={LARGEST}.")
    rows, total = len(response.rows), response.total
    asked = response.params["top"]
    if rows >= LARGEST:
        return holds(f"{response.path} answers {rows:,} records to top={asked}.")
    if total is not None and total > rows:
        return fails(f"{response.path} answers {rows:,} records of {total:,} to top={asked}.")
    return unseen(f"The largest list, {response.path}, has {rows:,} records.")


@checks("more-than-500")
def _(account: ProbedAccount) -> Verdict:
    response = account.large_page(LARGEST + 1)
    if response is None:
        return unseen(NO_LIST)
    rows, asked = len(response.rows), f"top={LARGEST + 1}"
    if not response.is_list:
        return fails(f"{response.path} answers {response.status} to {asked}.")
    if rows == LARGEST:
        return holds(f"{response.path} answers {rows:,} records to {asked}.")
    if rows > LARGEST or (response.total or 0) > rows:
        return fails(f"{response.path} answers {rows:,} records to {asked}.")
    return unseen(f"It is not refused, but the largest list has {rows:,} records.")


@checks("page-of-100")
def _(account: ProbedAccount) -> Verdict:
    for one in account.paged:
        if "top" not in one.response.params and (one.response.total or 0) >= 100:  # noqa: PLR2004 - docs
            rows = len(one.rows)
            text = f"{one.obj.path} answers {rows:,} records if it is not told how many."
            return holds(text) if rows == 100 else fails(text)  # noqa: PLR2004 - docs
    return unseen("The list that was asked so has less than 100 records, or tells no total.")


@checks("offsets-count")
def _(account: ProbedAccount) -> Verdict:
    main = account.main
    if main is None or main.response.total is None:
        return unseen(NO_LIST)
    skip = main.response.total - 1
    response = account.client.get(main.obj.path, skip=str(skip), top="2", count_total="true")
    if response is None:
        return unseen(NO_ANSWER)
    if response.total not in {None, main.response.total}:
        return unseen("Somebody added or deleted records meanwhile.")
    ids = [row.get(main.obj.key or "") for row in response.rows]
    text = (
        f"{response.path} answers {count_of(len(ids), 'record')} after all but one of {skip + 1:,}."
    )
    is_last = len(ids) == 1 and isinstance(ids[0], int) and ids[0] >= max(main.ids)
    return holds(text) if is_last else fails(text)


@checks("lists-unpaged")
def _(account: ProbedAccount) -> Verdict:
    asked = [one for one in account.readable if not one.obj.is_paged and one.first.is_list]
    asked = [one for one in asked if "top" in one.first.params]
    # There is more than one country; of the others there may be one only.
    wrong = [one.obj.path for one in asked if one.obj.path == "/Countries" and len(one.rows) == 1]
    right = [f"{one.obj.path}: {len(one.rows):,} records to top=1" for one in asked if one.rows[1:]]
    return verdict_on(wrong, right, "no such lists")


@checks("left-out-is-refused")
def _(account: ProbedAccount) -> Verdict:
    known = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
    away = [one for one in account.lists if not one.response.is_list]
    wrong = [_status(one) for one in away if one.response.status not in known]
    return verdict_on(wrong, [_status(one) for one in away], "no lists that are left out")


def _status(one: ListSample) -> str:
    return f"{one.obj.path}: {one.response.status}"


def status_text(response: ProbeResponse) -> str:
    """Say which status a request was answered with."""
    return f"{response.method} {response.path} was answered {response.status}."
