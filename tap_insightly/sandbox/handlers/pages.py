"""How a list is cut into pages, and the ways in which a server may do that badly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_insightly.sandbox.account.habits import at, by_path
from tap_insightly.sandbox.handlers.replies import Refusal, flag

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from tap_insightly.sandbox.account.faults import Faults, Total
    from tap_insightly.sandbox.handlers.replies import Call

T = TypeVar("T")

PAGE_SIZE = 100  # docs
LARGEST_PAGE = 500  # docs; what a larger top does is not known, it is taken as 500 here


@dataclass(frozen=True)
class Page(Generic[T]):
    """What is handed out of a list at once."""

    shown: Sequence[T]
    headers: dict[str, str]
    is_usual: bool
    """Whether no habit had a say in it."""


def page(faults: Faults, call: Call, found: Sequence[T], id_of: Callable[[T], object]) -> Page[T]:
    """Cut a page out of what there is."""
    place, window = call.place, _window(call.query)
    hidden: Container[object] = at(faults.hidden, place, ())
    cap = at(by_path(faults.page_cap), place, None)
    limit = at(faults.readable_up_to, place, None)
    is_shuffled = at(dict.fromkeys(faults.shuffled, True), place, usual=False)
    if is_shuffled:
        found = sorted(found, key=lambda one: _scattered(id_of(one)))
    stops = (window.stop, None if cap is None else window.start + cap, limit)
    shown = found[window.start : min(stop for stop in stops if stop is not None)]
    if hidden:  # only now that the page was cut
        shown = [one for one in shown if id_of(one) not in hidden]
    is_usual = not hidden and not is_shuffled and cap is None and limit is None
    headers = {}
    if flag(call.query, "count_total"):
        total = len(found)
        if hidden and not faults.totals_count_hidden:
            total -= sum(id_of(one) in hidden for one in found)
        headers = _headers(at(faults.totals, place, total), total)
    return Page(shown, headers, is_usual)


def _headers(habit: Total, total: int) -> dict[str, str]:
    told = habit(total) if callable(habit) else habit
    return {} if told is None else {"X-Total-Count": str(told)}


def _scattered(record_id: object) -> int:
    # An order that has nothing to do with the ids, and in which a record keeps its place.
    return int(str(record_id)) * 2_654_435_761 % 2**32


def _window(query: Mapping[str, str]) -> slice:
    skip = _number(query, "skip", 0, 0)
    return slice(skip, skip + min(_number(query, "top", PAGE_SIZE, 1), LARGEST_PAGE))


def _number(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < least:
        raise Refusal(400, f"{name} is not a number from {least} up.")
    return int(text)
