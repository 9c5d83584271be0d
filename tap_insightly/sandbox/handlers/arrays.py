"""What a record carries in arrays: custom fields, tags, dates, email domains and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.openapi.field_types import MANY, value_schema
from tap_insightly.openapi.objects import RECORD_TYPES
from tap_insightly.sandbox.account.account import ENTRY_KEYS
from tap_insightly.sandbox.account.table import Table
from tap_insightly.sandbox.handlers.checking import is_a, is_date
from tap_insightly.sandbox.handlers.replies import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.account.records import Record


class Arrays:
    """Puts together what records carry in arrays. Whoever uses it holds the account's lock."""

    def __init__(self, account: Account, faults: Faults) -> None:
        """Go by the habits that hold for this request."""
        self._account, self._faults = account, faults

    def link(self, path: str, key: int, fields: Record) -> Record:
        """Make a link."""
        own = {"OBJECT_NAME": self._account.object_at(path), "OBJECT_ID": key}
        return (
            Table("Link").blank() | fields | own | {"LINK_ID": self._account.next_entry_id("LINKS")}
        )

    def arranged(self, path: str, fields: Record, before: Record | None) -> Record:
        """Turn the arrays that were sent into those that the record has from now on."""
        makers: Mapping[str, Callable[[str, str, list[Record], list[Record]], list[Record]]] = {
            "CUSTOMFIELDS": self._custom_fields,
            "TAGS": self._tags,
            "DATES": self._numbered,
            "EMAILDOMAINS": self._numbered,
        }
        return fields | {
            name: make(path, name, fields[name] or [], (before or {}).get(name) or [])
            for name, make in makers.items()
            if name in fields
        }

    def _tags(
        self, path: str, _name: str, given: list[Record], _before: list[Record]
    ) -> list[Record]:
        # A record has a tag or has it not: that sending it twice changes nothing is assumed.
        names = list(dict.fromkeys(one["TAG_NAME"] for one in given))
        kind = path[1:].lower()
        if kind in RECORD_TYPES:
            table = self._account.tables["/Tags"]
            known = {row["TAG_NAME"] for row in table.rows if row["RECORD_TYPE"] == kind}
            for name in names:
                if name not in known:
                    table.add({"TAG_NAME": name, "RECORD_TYPE": kind})
        return [{"TAG_NAME": name} for name in names]

    def _numbered(
        self, path: str, name: str, given: list[Record], before: list[Record]
    ) -> list[Record]:
        """Replace entries that have ids: assumed, as is that known ones keep theirs."""
        key = ENTRY_KEYS[name]
        inner = self._account.tables[path].fields[name]["items"]["$ref"].rpartition("/")[2]
        blank = Table(inner).blank()
        known = {one[key] for one in before}
        entries = []
        for one in given:
            own = one.get(key)
            number = own if own in known else self._account.next_entry_id(name)
            known.discard(number)
            entries.append(blank | one | {key: number})
        return entries

    def _custom_fields(
        self, path: str, _name: str, given: list[Record], before: list[Record]
    ) -> list[Record]:
        """Change the custom fields that are named, and leave the others as they are: assumed.

        Whether an entry without a value stays is not known. Here it does.
        """
        own = self._account.custom_fields.get(path)
        definitions = {one["FIELD_NAME"]: one for one in own.definitions} if own else {}
        values = {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in before}
        for one in given:
            name = one.get("FIELD_NAME")
            if name not in definitions:
                raise Refusal(400, f"There is no custom field {name}.")
            if "FIELD_VALUE" not in one:
                raise Refusal(400, f"FIELD_VALUE of {name} is missing.")
            value = one["FIELD_VALUE"]
            if value != values.get(name) and not definitions[name]["EDITABLE"]:
                raise Refusal(400, f"{name} cannot be changed.")
            if value is not None and (wrong := self._wrong(definitions[name], value)):
                raise Refusal(400, f"{name} {wrong}.")
            values[name] = self._kept(definitions[name]["FIELD_TYPE"], value)
        return [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in values.items()]

    def _kept(self, kind: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        schema, faults = value_schema(kind), self._faults
        if schema.get("type") == "boolean" and value is None and faults.nulls_are_false:
            return False
        if schema.get("x-options") == MANY and value is not None and faults.sorts_options:
            return ";".join(sorted(value.split(";")))
        return value

    def _wrong(self, definition: Record, value: Any) -> str | None:  # noqa: ANN401 - any JSON value
        """Say what is wrong with the value of a custom field.

        What types Insightly has besides those in its documents is not known, nor what it
        makes of values of a calculated field: those are taken if they are no array or object.
        Whether it looks at what another field rules out is not known either. Here it does not.
        """
        kind = definition["FIELD_TYPE"]
        schema = value_schema(kind)
        types = schema.get("type", "string")
        expected = [types] if isinstance(types, str) else types
        if not is_a(value, *expected):
            return f"is not of the type {' or '.join(expected)}"
        if schema.get("format") == "date-time" and not is_date(value):
            return "is not a date like 2025-04-19 00:49:32"
        if "x-options" in schema:
            options = {one["OPTION_VALUE"] for one in definition["CUSTOM_FIELD_OPTIONS"]}
            chosen = value.split(";") if schema["x-options"] == MANY else [value]
            unknown = [one for one in chosen if one not in options]
            return f"has no option {unknown[0]}" if unknown else None
        if kind == "LOOKUP":  # that lookups hold ids, and must lead somewhere, is assumed
            path = self._account.path_of_object(definition["JOIN_OBJECT"] or "")
            if path is None or self._account.tables[path].find(value) is None:
                return f"leads to nothing: there is no {definition['JOIN_OBJECT']} {value}"
        return None
