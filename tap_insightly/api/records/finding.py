"""Finding records by a value: what a search finds is not always what was asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.api.lists.paged_request import PAGE_SIZE
from tap_insightly.api.records.conversions import search_text
from tap_insightly.api.records.diff import is_alike, is_same
from tap_insightly.api.records.fields import InvalidFieldsError
from tap_insightly.api.records.reading import ReadingClient, id_of, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.api.records.fields import Field

    Record = dict[str, Any]

MOST_FOUND = PAGE_SIZE  # records that a search for one may find: more, and it does not search


class FindingClient(ReadingClient):
    """One account, to be read, by what is in its records."""

    def find(self, object_name: str, field_name: str, value: Any) -> list[Record]:  # noqa: ANN401 - any value
        """Search for the records of which a field has a value.

        Args:
            object_name: The object, by any of its names.
            field_name: A standard or custom field.
            value: The value, as `Field.convert` takes it.

        Returns:
            The records that have exactly this value, whatever the search finds; if there are
            none, those that have it in another case or with other spaces.

        Raises:
            InvalidFieldsError: If there is no such field, or the value is none for it.
            InsightlyError: If the object cannot be searched.
        """
        field, candidates = self._search(object_name, field_name, value)
        return _having(field, value, candidates)

    def find_one(self, object_name: str, field_name: str, value: Any) -> Record | None:  # noqa: ANN401 - any value
        """Search for the one record of which a field has a value.

        Args:
            object_name: The object, by any of its names.
            field_name: A standard or custom field.
            value: The value, as `Field.convert` takes it.

        Returns:
            The record; None if the search finds none.

        Raises:
            InvalidFieldsError: As `find` does, if there are several, and if the search finds
                records that do not have the value: then nobody knows what it would have missed.
            InsightlyError: If the object cannot be searched.
        """
        field, candidates = self._search(object_name, field_name, value, MOST_FOUND)
        obj = self.object(object_name)
        key = obj.key or ""
        by_id = {id_of(one, key): one for one in _having(field, value, candidates)}
        # Nothing could be done with one that has no id.
        found = [{**one, key: number} for number, one in by_id.items() if number is not None]
        shown = found or candidates
        ids = ", ".join(str(one.get(obj.key or "")) for one in shown[:5])
        if len(found) > 1:
            msg = f"{len(found)} records have {field_name} {value!r} ({ids}): which one is meant?"
            raise InvalidFieldsError(obj.name, [msg])
        if candidates and (not found or len(candidates) == MOST_FOUND):
            msg = (
                f"The search for {field_name} {value!r} answers records that do not have it "
                f"({ids}), so it cannot tell whether there is one."
            )
            raise InvalidFieldsError(obj.name, [msg])
        return found[0] if found else None

    def _search(
        self,
        object_name: str,
        field_name: str,
        value: Any,  # noqa: ANN401 - any value
        limit: int | None = None,
    ) -> tuple[Field, list[Record]]:
        """Search, and take all that comes, whether it has the value or not."""
        fields = self.fields(object_name)
        field = fields.find(field_name)
        if field is None:
            raise InvalidFieldsError(fields.obj.name, [fields.unknown(field_name)])
        candidates: list[Record] = []
        for spelling in _spellings(field, value):
            where = {field.name: spelling}
            candidates = list(self.records(fields.obj.name, where=where, limit=limit))
            if candidates:
                break
        return field, candidates


def _spellings(field: Field, value: object) -> list[Any]:
    """Say how a value may be spelled where it is stored: the API searches exactly (spec).

    An account may cut outer spaces, and write e-mail addresses small. Numbers are asked for as they
    are written at their shortest, too.
    """
    try:
        converted = field.convert(value)
    except ValueError:
        return [value]  # which is refused when it is asked for
    found: list[Any] = [converted]
    if isinstance(converted, Decimal):
        found = [search_text(converted), str(converted)]
    elif isinstance(converted, str):
        found.append(converted.strip())
        if "EMAIL" in field.name.upper():
            found.append(converted.strip().lower())
    return list(dict.fromkeys(one for one in found if one != "")) or [value]


def _having(field: Field, value: object, records: Sequence[Record]) -> list[Record]:
    """Choose the records that have a value; without one, those that have one like it."""
    values = [value_of(one, field.name) for one in records]
    exact = [one for one, own in zip(records, values, strict=True) if is_same(field, value, own)]
    if exact:
        return exact
    wanted = field.convert(value)
    return [one for one, own in zip(records, values, strict=True) if is_alike(wanted, own)]
