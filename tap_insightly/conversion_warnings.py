"""What was lost of the records of a stream: counted by field, with one warning for each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class ConversionWarnings:
    """Counts what was left out of the records of one stream, so that nothing is lost in silence.

    Fields inside others have a dot in their name, such as ``LINKS.ROLE``.
    """

    def __init__(self, key_properties: Sequence[str] = ()) -> None:
        """Start with nothing counted; a record is named by its primary key."""
        self.record: Mapping[str, Any] = {}
        """The record that is being converted."""
        self.unknown: Counter[str] = Counter()
        """Fields that the schema does not have."""
        self.unknown_custom: Counter[str] = Counter()
        """Custom fields that the schema does not have."""
        self.without_key = 0
        """Records that came without their primary key."""
        self._keys = tuple(key_properties)
        self._failed: Counter[str] = Counter()
        self._example: dict[str, str] = {}

    def attempt(self, field: str, convert: Callable[[Any], Any], value: object) -> Any:  # noqa: ANN401 - whatever `convert` returns
        """Convert a value; None, and counted, if `convert` raises a ValueError."""
        try:
            return convert(value)
        except ValueError:
            self._failed[field] += 1
            if field not in self._example:
                self._example[field] = ", ".join(
                    f"{key} {self.record.get(key)}" for key in self._keys
                )
            return None

    def warnings(self) -> Iterator[str]:
        """Say what was lost: once for each field, not for each record."""
        for field, count in self._failed.items():
            where = f", the first in the record with {self._example[field]}" if self._keys else ""
            yield (
                f"{field}: {count} values are not of the type that the catalog says and were "
                f"left empty{where}."
            )
        if self.unknown:
            yield (
                "The API sent fields that the catalog does not know, which were left out: "
                f"{', '.join(sorted(self.unknown))}."
            )
        if self.unknown_custom:
            yield (
                "Custom fields that the catalog does not know were left out: "
                f"{', '.join(sorted(self.unknown_custom))}. Discover the catalog again to get "
                "them, then load the stream anew for the records of the past."
            )
        if self.without_key:
            yield (
                f"{self.without_key} records came without a primary key "
                f"({', '.join(self._keys)}) and were left out."
            )
