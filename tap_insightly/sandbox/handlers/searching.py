"""When a record is one that a search by a field is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.sandbox.account.records import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.account.writing_habits import WritingHabits


class Wanted(NamedTuple):
    """The value that a field must have."""

    name: str
    """The field's name, standard or custom, in any case."""

    value: str
    """The value as text: of a number, the very digits that JSON has."""

    ignores_case: bool = False
    ignores_spaces: bool = False
    """Whether outer spaces of texts make no difference."""

    def test(self, fields: Iterable[str]) -> Callable[[Record], bool]:
        """Make what tells whether a record has it."""
        name = self.name.lower()
        standard = next((one for one in fields if one.lower() == name), None)
        if standard is not None:
            return lambda record: self._is(record.get(standard))
        return lambda record: any(
            self._is(one["FIELD_VALUE"])
            for one in record.get("CUSTOMFIELDS") or ()
            if one["FIELD_NAME"].lower() == name
        )

    def _is(self, own: object) -> bool:
        if own is None:
            return False
        if isinstance(own, bool):
            return str(own).lower() == self.value.lower()
        if not isinstance(own, str):
            return encode(own).decode() == self.value
        if own == self.value or not (self.ignores_case or self.ignores_spaces):
            return own == self.value
        return self._plain(own) == self._plain(self.value)

    def _plain(self, text: str) -> str:
        text = text.strip() if self.ignores_spaces else text
        return text.casefold() if self.ignores_case else text


def wanted(habits: WritingHabits, name: str, value: str) -> Wanted:
    """Make the condition of a search."""
    return Wanted(name, value, habits.search_ignores_case, habits.search_ignores_spaces)
