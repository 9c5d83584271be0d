"""What is read: lists, searches, single records, and some of what is below them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tap_insightly.openapi.objects import RECORD_TYPES
from tap_insightly.sandbox.account.habits import at, by_path
from tap_insightly.sandbox.account.moments import read_moment, timestamp
from tap_insightly.sandbox.account.records import encode
from tap_insightly.sandbox.handlers.access import Access
from tap_insightly.sandbox.handlers.large import Padded, padding_of
from tap_insightly.sandbox.handlers.pages import page
from tap_insightly.sandbox.handlers.replies import Refusal, Reply, flag
from tap_insightly.sandbox.handlers.searching import wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.children import ChildKind
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.account.table import Table
    from tap_insightly.sandbox.handlers.large import Padding
    from tap_insightly.sandbox.handlers.replies import Call


class Reader:
    """Reads what is in an account. Whoever uses it holds the account's lock."""

    def __init__(self, account: Account, faults: Faults) -> None:
        """Go by what goes wrong with this request."""
        self._account, self._faults = account, faults
        self._access = Access(account, faults)

    def read(self, call: Call) -> Reply:
        """Read a list, what a search finds, or one record."""
        path, table = call.path, self._account.tables[call.path]
        rest = call.rest[0].lower() if call.rest else None
        if self._account.is_single(path):
            return Reply(200, encode(table.rows[0]))
        if rest is None:
            return self._list(call, table, range(len(table.rows)))
        if rest == "search" and table.updated:
            return self._found(call, table)
        if rest == "me" and path == "/Users":
            return Reply(200, encode(table.rows[0]))
        record = self._access.find(path, call.key if table.has_id else None)
        padding = self._padding(call, table)
        body = encode(record) if padding is None else padding.padded(encode(record))
        return Reply(200, body, {"ETag": self._account.etag(path, record)})

    def kind_below(self, call: Call) -> ChildKind | None:
        """Find out what a request below a record is about."""
        try:
            return self._account.below.kind(call.path, "/".join(call.rest[1:]))
        except KeyError:
            return None

    def children(self, call: Call, kind: ChildKind) -> Reply:
        """Read what is below a record, such as comments."""
        parent = self._access.find(call.path, call.key)
        key = parent[self._account.tables[call.path].keys[0]]
        rows = self._account.below.of(call.path, kind).get(key, [])
        if not kind.is_paged:
            return Reply(kind.status, encode(rows))
        since, _ = _conditions(call.query)
        if since is not None:
            # Strictly after, for the reason that searches have.
            rows = [row for row in rows if (row[str(kind.updated)] or "") > since]
        cut = page(self._faults, call, rows, lambda row: row[str(kind.key)])
        return Reply(kind.status, encode(cut.shown), cut.headers, records=len(cut.shown))

    def custom_fields(self, name: str) -> Reply:
        """Read the definitions of custom fields."""
        fields, names = self._account.custom_fields, {name.lower(), *other_forms(name)}
        for path in fields:
            if {path[1:].lower(), fields[path].singular.lower()} & names:
                return Reply(200, encode(fields[path].definitions))
        # An object that cannot have any, or is not known: every field there is (seen live).
        return Reply(200, encode([one for own in fields.values() for one in own.definitions]))

    def _found(self, call: Call, table: Table) -> Reply:
        faults, query = self._faults, call.query
        if faults.search_ignores_field:
            query = {key: query[key] for key in query if not key.startswith("field_")}
        since, field = _conditions(query)
        table = table.as_searched(faults.search_lag)
        has = wanted(faults, *field).test(table.fields) if field else None
        matching = table.matches(since, has)
        return self._list(call, table, matching)

    def _list(self, call: Call, table: Table, places: Sequence[int]) -> Reply:
        path, query, faults = call.path, call.query, self._faults
        if not self._account.is_paged(path):
            return Reply(200, encode(table.rows))
        if path == "/Tags":
            places = self._tags(table, query)
        if path == "/LeadStatuses" and not flag(query, "include_converted"):
            statuses = table.rows
            places = [one for one in places if not self._account.is_converted(statuses[one])]
        is_brief = flag(query, "brief")
        cut = page(faults, call, places, table.id_at)
        rows = [table.encoded(one, is_brief=is_brief) for one in cut.shown]
        padding = self._padding(call, table)
        if padding is not None:
            return Reply(200, Padded(rows, padding), cut.headers, records=len(rows))
        is_usual = cut.is_usual and not faults.searches_oddly
        key = (path, table.version, tuple(sorted(query.items()))) if is_usual else None
        body = b"[" + b",".join(self._public(path, rows)) + b"]"
        return Reply(200, body, cut.headers, key, len(rows))

    def _padding(self, call: Call, table: Table) -> Padding | None:
        size = at(by_path(self._faults.record_bytes), call.path, None)
        return None if size is None else padding_of(table, size)

    @staticmethod
    def _public(path: str, rows: list[bytes]) -> list[bytes]:
        if path != "/Tags":
            return rows
        # A tag's kind of record is how the sandbox files it, not a field of the API.
        return [encode({"TAG_NAME": msgspec.json.decode(row)["TAG_NAME"]}) for row in rows]

    @staticmethod
    def _tags(table: Table, query: Mapping[str, str]) -> list[int]:
        kind = query.get("record_type", "").lower()
        if kind not in RECORD_TYPES:
            raise Refusal(400, "record_type is missing or not known.")
        return [place for place, row in enumerate(table.rows) if row["RECORD_TYPE"] == kind]


def _conditions(query: Mapping[str, str]) -> tuple[str | None, tuple[str, str] | None]:
    since = query.get("updated_after_utc")
    name, value = query.get("field_name"), query.get("field_value")
    if (name is None) != (value is None):
        raise Refusal(400, "field_name and field_value go together.")  # spec
    if since is not None:
        try:
            since = timestamp(read_moment(since))
        except ValueError:
            raise Refusal(400, "updated_after_utc is not a date.") from None
    return since, None if name is None or value is None else (name, value)


def other_forms(name: str) -> set[str]:
    """Guess the singular of a plural and the other way round."""
    low = name.lower()
    return {
        f"{low}s",
        low.removesuffix("s"),
        re.sub(r"y$", "ies", low),
        re.sub(r"ies$", "y", low),
        re.sub(r"es$", "", low),
    } - {low}
