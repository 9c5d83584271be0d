"""What is read: lists, searches, single records, and some of what is below them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.sandbox.replies import Refusal, Reply, encode, flag
from tap_insightly.sandbox.store import RECORD_TYPES, timestamp
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.sandbox.children import ChildKind
    from tap_insightly.sandbox.replies import Call
    from tap_insightly.sandbox.server import Sandbox
    from tap_insightly.sandbox.store import Table

PAGE_SIZE = 100  # docs
LARGEST_PAGE = 500  # docs; what a larger top does is not known, it is taken as 500 here


class Reader:
    """Reads what is in a sandbox. Whoever uses it holds the sandbox's lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Read from a sandbox.

        Args:
            sandbox: The account.
        """
        self._sandbox = sandbox

    def read(self, call: Call) -> Reply:
        """Read a list, what a search finds, or one record.

        Args:
            call: The request.

        Returns:
            The answer.

        Raises:
            Refusal: If there is none.
        """
        path, query, table = call.path, call.query, self._sandbox.tables[call.path]
        rest = call.rest[0].lower() if call.rest else None
        if path in {"/Instance", "/Permissions"}:
            return Reply(200, encode(table.rows[0]))
        if rest is None:
            return self._list(path, table, query, range(len(table.rows)))
        if rest == "search" and table.updated:
            return self._list(path, table, query, table.matches(*_conditions(query)))
        if rest == "me" and path == "/Users":
            return Reply(200, encode(table.rows[0]))
        if call.key is None or not table.has_id or (record := table.find(call.key)) is None:
            raise Refusal(404, "There is no such record.")
        return Reply(200, encode(record), {"ETag": self._sandbox.etag(path, record)})

    def kind_below(self, call: Call) -> ChildKind | None:
        """Find out what a request below a record is about.

        Args:
            call: The request.

        Returns:
            What records have there, or None if it is nothing that is only read.
        """
        try:
            return self._sandbox.below.kind(call.path, "/".join(call.rest[1:]))
        except KeyError:
            return None

    def children(self, call: Call, kind: ChildKind) -> Reply:
        """Read what is below a record, such as comments.

        Args:
            call: The request.
            kind: What it is about.

        Returns:
            The answer.

        Raises:
            Refusal: If there is no such record.
        """
        query = call.query
        if call.key is None or self._sandbox.tables[call.path].find(call.key) is None:
            raise Refusal(404, "There is no such record.")
        rows = self._sandbox.below.of(call.path, kind).get(call.key, [])
        if not kind.is_paged:
            return Reply(kind.status, encode(rows))
        since, _ = _conditions(query)
        if since is not None:
            # Strictly after, for the reason that searches have.
            rows = [row for row in rows if (row[str(kind.updated)] or "") > since]
        reply = Reply(kind.status, encode(rows[_window(query)]))
        if flag(query, "count_total"):
            reply.headers["X-Total-Count"] = str(len(rows))
        return reply

    def custom_fields(self, name: str) -> Reply:
        """Read the definitions of custom fields.

        Args:
            name: The name of an object in any case, in the singular or plural.

        Returns:
            The answer.
        """
        fields, names = self._sandbox.custom_fields, {name.lower(), *other_forms(name)}
        for path in fields:
            if {path[1:].lower(), fields[path].singular.lower()} & names:
                return Reply(200, encode(fields[path].definitions))
        # An object that cannot have any, or is not known: every field there is (seen live).
        return Reply(200, encode([one for own in fields.values() for one in own.definitions]))

    def _list(self, path: str, table: Table, query: Mapping[str, str], places: Any) -> Reply:  # noqa: ANN401 - a range or a list
        if path in {"/Countries", "/Currencies", "/CustomObjects"}:
            return Reply(200, encode(table.rows))
        if path == "/Tags":
            places = self._tags(table, query)
        if path == "/LeadStatuses" and not flag(query, "include_converted"):
            places = [at for at in places if not self._sandbox.is_converted(table.rows[at])]
        is_brief = flag(query, "brief")
        rows = [table.encoded(at, is_brief=is_brief) for at in places[_window(query)]]
        key = (path, table.version, tuple(sorted(query.items())))
        reply = Reply(200, b"[" + b",".join(self._public(path, rows)) + b"]", {}, key)
        if flag(query, "count_total"):
            reply.headers["X-Total-Count"] = str(len(places))
        return reply

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
        return [at for at, row in enumerate(table.rows) if row["RECORD_TYPE"] == kind]


def _conditions(query: Mapping[str, str]) -> tuple[str | None, tuple[str, str] | None]:
    since = query.get("updated_after_utc")
    name, value = query.get("field_name"), query.get("field_value")
    if (name is None) != (value is None):
        raise Refusal(400, "field_name and field_value go together.")  # spec
    if since is not None:
        try:
            since = timestamp(parse_moment(since))
        except ValueError:
            raise Refusal(400, "updated_after_utc is not a date.") from None
    return since, None if name is None or value is None else (name, value)


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


def other_forms(name: str) -> set[str]:
    """Guess the singular of a plural and the other way round.

    Args:
        name: An object's name, text.

    Returns:
        Forms of it, in lower case.
    """
    low = name.lower()
    return {
        f"{low}s",
        low.removesuffix("s"),
        re.sub(r"y$", "ies", low),
        re.sub(r"ies$", "y", low),
        re.sub(r"es$", "", low),
    } - {low}
