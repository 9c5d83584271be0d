"""Records of a page without a dictionary for each, as tables are made of them.

They take less time and less memory. Pages that are not as usual are not read like that:
then records are dictionaries, as they are for rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class UnusualPageError(ValueError):
    """A page is not as usual, and has to be read in another way."""


class FieldEntry(msgspec.Struct, gc=False):
    """An entry of ``CUSTOMFIELDS``."""

    FIELD_NAME: str
    FIELD_VALUE: object = None


class PageRecord(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A record; what it lacks is None. To be used as a mapping."""

    attributes: ClassVar[Mapping[str, str]] = {}
    """Those that hold the values of fields, by the names of the fields."""

    def get(self, name: str) -> Any:  # noqa: ANN401 - anything that JSON has
        """Return the value of a field; None if there is none."""
        attribute = self.attributes.get(name)
        return None if attribute is None else getattr(self, attribute)

    __getitem__ = get

    def keys(self) -> Iterable[str]:
        """Return the names of all fields."""
        return self.attributes.keys()

    def items(self) -> Iterator[tuple[str, Any]]:
        """Return all fields, custom ones as they come in JSON."""
        for name, attribute in self.attributes.items():
            value = getattr(self, attribute)
            if name == CUSTOM_FIELDS and isinstance(value, list):
                value = [
                    msgspec.structs.asdict(one) if isinstance(one, FieldEntry) else one
                    for one in value
                ]
            yield name, value


Mapping.register(PageRecord)


class PageDecoder:
    """Reads pages of one stream."""

    def __init__(self, names: Iterable[str], key: Sequence[str], *, has_entries: bool) -> None:
        """Take the names of all fields, and of those that identify a record.

        `has_entries` says whether custom fields are read for nothing but their values.
        """
        attributes = {name: f"field_{number}" for number, name in enumerate(names)}
        self.attributes: Mapping[str, str] = attributes
        kinds = {CUSTOM_FIELDS: list[FieldEntry] | None} if has_entries else {}
        self._type = msgspec.defstruct(
            "PageRecord",
            [(at, kinds.get(name, object), None) for name, at in attributes.items()],
            bases=(PageRecord,),
            namespace={"attributes": attributes},
            rename={at: name for name, at in attributes.items()},
        )
        self._decode = msgspec.json.Decoder(list[self._type], float_hook=Decimal).decode  # type: ignore[name-defined]
        self._keys = [attrgetter(attributes[name]) for name in key]

    def __call__(self, body: bytes) -> Sequence[Mapping[str, Any]]:
        """Read a page.

        Raises:
            UnusualPageError: If it has what is not in the catalog, or records without their key.
        """
        try:
            records = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnusualPageError from error
        for key in self._keys:
            if not {int, str}.issuperset(map(type, map(key, records))):
                raise UnusualPageError
        return cast("Sequence[Mapping[str, Any]]", records)

    def values(
        self, records: Sequence[Mapping[str, Any]], names: Sequence[str]
    ) -> dict[str, Sequence[Any]]:
        """Collect the values of some fields of its records, of which there is one at least."""
        if not names:
            return {}
        # Twice the first one, as for a single name there would be no tuples.
        take = attrgetter(*(self.attributes[name] for name in (*names, names[0])))
        return dict(zip(names, zip(*map(take, records), strict=True), strict=False))


entry_of = attrgetter("FIELD_NAME", "FIELD_VALUE")
"""Returns the name and the value of a `FieldEntry`."""
