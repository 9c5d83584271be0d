"""What records are meant: conditions that Insightly searches by, and those compared here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import Fields, InvalidFieldsError, UnsupportedOperationError
from tap_insightly.api.records.diff import is_alike, is_same, normalized
from tap_insightly.api.records.reading import value_of
from tap_insightly.mcp.shapes import chosen_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import Field, InsightlyClient
    from tap_insightly.mcp.arguments import SearchArguments

    Record = Mapping[str, Any]


class Search:
    """The records that are meant, and how to ask for them."""

    def __init__(self, client: InsightlyClient, given: SearchArguments, *names: str) -> None:
        """Understand what was given, before anything is searched; `names` are fields wanted."""
        obj = client.object(given.object)
        # Which custom fields there are takes a request to find out.
        is_needed = bool(given.where or given.contains or any(names))
        self.fields: Fields = client.fields(obj.name) if is_needed else Fields(obj)
        """The fields of the object."""
        self.obj = obj
        """The object."""
        named = chosen_fields(self.fields, [*given.where])
        self._where = list(zip(named, given.where.values(), strict=True))
        self._contains = [
            (field, normalized(text))
            for field, text in zip(
                chosen_fields(self.fields, [*given.contains]), given.contains.values(), strict=True
            )
        ]
        for field, value in self._where:
            _check(self.fields, field, value)
        since = given.query()["since"]
        first = None
        if "search" in self.obj.can:
            # What cannot be searched for by Insightly is compared here, like all others.
            first = next(((f, v) for f, v in self._where if v not in (None, "")), None)
        elif since is not None:
            msg = f"{self.obj.name}: the API cannot search these by date; leave updated_after out."
            raise UnsupportedOperationError(msg)
        where = None if first is None else {first[0].name: first[1]}
        self.conditions: dict[str, Any] = {"updated_after": since, "where": where}
        """What Insightly searches by, as `InsightlyClient.pages` takes it."""
        self.path, self.params = client.list_query(self.obj.name, **self.conditions)
        """What to ask for, and with which parameters."""
        self.compared = len(self._where) - (first is not None) + len(self._contains)
        """How many conditions Insightly does not search by."""

    def has(self, record: Record) -> bool:
        """Tell whether a record is meant, whatever a search finds."""
        return all(_has(field, value, record) for field, value in self._where) and all(
            text in normalized(str(value_of(record, field.name) or ""))
            for field, text in self._contains
        )

    def brief(self, wanted: Iterable[Field]) -> dict[str, str]:
        """Say how to leave out what is not needed of each record, where the API can do so."""
        needed = [*wanted, *(one for one, _ in self._where), *(one for one, _ in self._contains)]
        is_brief = all(not one.is_custom and one.kind != "array" for one in needed)
        return {"brief": "true"} if is_brief and "brief" in self.obj.parameters else {}


def _check(fields: Fields, field: Field, value: object) -> None:
    try:
        field.convert(value)
    except ValueError as error:
        raise InvalidFieldsError(fields.obj.name, [f"{field.name}: {error}."]) from None


def _has(field: Field, value: object, record: Record) -> bool:
    own = value_of(record, field.name)
    return is_same(field, value, own) or is_alike(field.normalize(value), own)
