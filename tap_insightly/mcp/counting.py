"""Counting and adding up: exact, or said to be not; never a number too small in silence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.api import IncompleteError, InvalidFieldsError
from tap_insightly.api.lists.paginator import PAGE_SIZE
from tap_insightly.api.records.conversions import to_number
from tap_insightly.api.records.reading import value_of
from tap_insightly.mcp.limits import CallError
from tap_insightly.mcp.reading import names_in
from tap_insightly.mcp.searching import Search
from tap_insightly.mcp.shapes import chosen_fields, plain
from tap_insightly.openapi.objects import references_of
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.api import Field, Response
    from tap_insightly.mcp.arguments import CountArguments
    from tap_insightly.mcp.call import Call

    Answer = dict[str, Any]

_MOST_GROUPS = 40  # that are told one by one
_LONGEST_VALUE = 100  # characters of the value of a group
_NO_VALUE = ""
_MONTHS_IN_QUARTER = 3


@dataclass
class _Group:
    count: int = 0
    sums: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """By currency, if there are currencies."""
    without: int = 0
    """Records without a number to add."""

    def add(self, other: _Group) -> None:
        self.count += other.count
        self.without += other.without
        for currency, number in other.sums.items():
            self.sums[currency] += number


def count(call: Call, given: CountArguments) -> Answer:
    """Count records, in groups and with sums if that is wanted."""
    counting = _Counting(call, given)
    total = counting.total()
    answer: Answer = {"object": counting.search.obj.name}
    if total is not None and not counting.must_read:
        return answer | {"count": total, "is_complete": True, "requests": call.stats.requests}
    pages = None if total is None else -(-total // PAGE_SIZE)
    if pages is not None and pages > call.left:
        if counting.can_count_options(total or 0):
            return answer | counting.by_option(total or 0)
        msg = (
            f"There are {total:,} records to read, which takes {pages:,} requests, and a call may "
            f"send {call.left:,} more. Nothing was counted, as a number of a part would mislead. "
            "Narrow it down by where or updated_after, count without group_by, sum and contains, "
            "or have the server started with a higher --call-requests."
        )
        raise CallError(msg)
    call.require(1, "Reading the records")
    return answer | counting.by_reading(total)


class _Counting:
    """One count."""

    def __init__(self, call: Call, given: CountArguments) -> None:
        self._call = call
        self._given = given
        self.search = Search(call.client, given, given.group_by, given.sum)
        fields = self.search.fields
        self._by, self._sum = (
            chosen_fields(fields, [name])[0] if name else None
            for name in (given.group_by, given.sum)
        )
        if self._sum is not None and self._sum.kind not in {"number", "integer"}:
            numbers = ", ".join(one.name for one in fields if one.kind == "number")
            msg = f"{self._sum.name} is no number that can be added up. Those are: {numbers}."
            raise InvalidFieldsError(self.search.obj.name, [msg])
        if self._by is not None and self._by.kind == "array":
            msg = f"{self._by.name} is a list, of which a record may have several; use contains."
            raise InvalidFieldsError(self.search.obj.name, [msg])
        self._is_doubtful = False  # whether a search found what was not asked for
        self._whole = _Group()
        self._groups: defaultdict[str, _Group] = defaultdict(_Group)
        self._currency: Field | None = None
        if self._sum is not None and self._sum.kind == "number":
            self._currency = next((one for one in fields if "CURRENCY" in one.name), None)

    @property
    def must_read(self) -> bool:
        """Whether a total does not suffice."""
        is_compared = self.search.compared > 0 or self._is_doubtful
        return is_compared or self._by is not None or self._sum is not None

    def total(self) -> int | None:
        """How many records Insightly finds; None if it does not say."""
        response = self._ask(self.search.path, self.search.params)
        found = [one for one in response.records if isinstance(one, dict)] if response else []
        if self.search.compared == 0:
            # The one record that comes with the total tells whether the search can be believed.
            self._is_doubtful = not all(map(self.search.has, found))
        return response.total if response else None

    def can_count_options(self, total: int) -> bool:
        """Tell whether the groups can be counted by a search for each, without reading."""
        by = self._by
        return (
            by is not None
            and self._sum is None
            and not self.search.compared
            and not self._is_doubtful
            and not self._given.where
            and by.kind == "string"
            and "search" in self.search.obj.can
            and 0 < len(by.options) <= self._call.left
            and total > 0
        )

    def by_option(self, total: int) -> Answer:
        """Count by searching for each option of a field."""
        by = self._by
        counts: dict[str, int] = {}
        for option in by.options if by is not None else ():
            path, params = self._call.client.list_query(
                self.search.obj.name,
                updated_after=self._given.query()["since"],
                where={str(by and by.name): option},
            )
            response = self._ask(path, params)
            counts[option] = (response.total if response else None) or 0
        ranked = sorted(counts.items(), key=lambda pair: -pair[1])
        groups = [{"value": value, "count": number} for value, number in ranked if number]
        return {
            "count": total,
            "group_by": str(by and by.name),
            "groups": groups[:_MOST_GROUPS],
            "none_or_other": total - sum(number for _, number in ranked[:_MOST_GROUPS]),
            "is_complete": True,
            "note": "Each option was counted by a search of its own, one after the other; what "
            "changed meanwhile may be counted twice or not at all.",
            "requests": self._call.stats.requests,
        }

    def by_reading(self, total: int | None) -> Answer:
        """Count by reading all records."""
        most = self._call.left * PAGE_SIZE
        read, shortfall = 0, None
        try:
            for record in self._records(most if total is None else None):
                read += 1
                if self.search.has(record):
                    self._count(record)
        except IncompleteError as error:
            shortfall = str(error)
        if total is None and read >= most:
            shortfall = (
                f"Insightly does not say how many there are, and only the first {read:,} were "
                "read, with the requests that one call may send. There may be more."
            )
        whole = self._whole
        answer: Answer = {"count": whole.count, "is_complete": shortfall is None}
        answer |= self._sums(whole)
        if self._by is not None:
            answer |= self._told(self._by)
        notes = [] if shortfall is None else [shortfall]
        if whole.without:
            notes.append(f"{whole.without:,} records have no {self._given.sum}.")
        if len(whole.sums) > 1:
            notes.append("Sums are by currency, as different ones cannot be added up.")
        if notes:
            answer["note"] = " ".join(notes)
        told: Answer = plain(answer)
        return told | {"requests": self._call.stats.requests}

    def _count(self, record: Mapping[str, Any]) -> None:
        one = _Group(1)
        if self._sum is not None:
            self._add(one, record)
        self._whole.add(one)
        if self._by is not None:
            self._groups[self._value(record)].add(one)

    def _records(self, limit: int | None) -> Iterator[Mapping[str, Any]]:
        search = self.search
        wanted = [one for one in (self._by, self._sum, self._currency) if one is not None]
        params = {**search.obj.needs, **search.brief(wanted)}
        yield from self._call.client.records(
            search.obj.name, params=params, limit=limit, **search.conditions
        )

    def _ask(self, path: str, params: Mapping[str, str]) -> Response | None:
        """Ask for a total; None of what comes whole."""
        if not self.search.obj.is_paged:
            return None
        self._call.require(1, "Counting")
        query = {**self.search.obj.needs, **params, "top": "1", "count_total": "true"}
        return self._call.client.session.get(path, query)

    def _add(self, group: _Group, record: Mapping[str, Any]) -> None:
        try:
            number = to_number(value_of(record, self._sum.name if self._sum else ""))
        except ValueError:
            number = None
        if number is None:
            group.without += 1
            return
        currency = value_of(record, self._currency.name) if self._currency else ""
        group.sums[str(currency or "")] += Decimal(number)

    def _sums(self, group: _Group) -> Answer:
        if self._sum is None:
            return {}
        if len(self._whole.sums) <= 1:
            return {"sum": next(iter(group.sums.values()), Decimal(0))}
        return {"sum": {name or "no currency": number for name, number in group.sums.items()}}

    def _value(self, record: Mapping[str, Any]) -> str:
        by = self._by
        value = None if by is None else value_of(record, by.name)
        if by is None or value in (None, "", []):
            return _NO_VALUE
        if by.kind in {"date", "date-time"}:
            return _period(str(value), self._given.period)
        if isinstance(value, bool):
            return str(value).lower()
        return str(value)[:_LONGEST_VALUE]

    def _told(self, by: Field) -> Answer:
        groups = self._groups
        is_time = by.kind in {"date", "date-time"}
        ranked = sorted(groups.items(), key=lambda pair: (-pair[1].count, pair[0]))
        shown, rest = ranked[:_MOST_GROUPS], ranked[_MOST_GROUPS:]
        path = references_of(self.search.obj.component).get(by.name)
        ids = {int(value) for value, _ in shown if value.isascii() and value.isdigit()}
        names = names_in(self._call, path, ids) if path else {}
        told = []
        for value, group in sorted(shown) if is_time else shown:
            one: Answer = {"value": value or None, "count": group.count, **self._sums(group)}
            if value.isdigit() and int(value) in names:
                one["name"] = names[int(value)]
            told.append(one)
        answer: Answer = {"group_by": by.name, "groups": told}
        if rest:
            other = _Group()
            for _, group in rest:
                other.add(group)
            answer["other_groups"] = {
                "groups": len(rest),
                "count": other.count,
                **self._sums(other),
            }
        return answer


def _period(text: str, period: str) -> str:
    """Write in which day, month, quarter or year a date is; what is no date as it is."""
    try:
        moment = parse_moment(text)
    except ValueError:
        return text[:_LONGEST_VALUE]
    if period == "quarter":
        return f"{moment.year:04}-Q{(moment.month - 1) // _MONTHS_IN_QUARTER + 1}"
    return moment.strftime({"day": "%Y-%m-%d", "month": "%Y-%m"}.get(period, "%Y"))
