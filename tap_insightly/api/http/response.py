"""One response of the API, which is parsed only where it is needed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api.http.codec import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

# Decimal keeps every digit of money, which Insightly sends with up to 19 characters (spec).
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True)
class Response:
    """A response that was a success."""

    body: bytes
    """The JSON, whole; parsed where it is needed, because text takes a fifth of the memory.

    What was asked for as it is may be anything, and what was deleted has an empty one.
    """

    date: datetime | None = None
    """When the server responded (``Date`` header), aware; None if it did not say."""

    total: int | None = None
    """How many records the whole list has (``X-Total-Count``); None if the server did not say."""

    status: int = 200
    """The HTTP status."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """All headers, by name in any case."""

    counted: int | None = None
    """How many records it has, if they were counted when it was checked."""

    @cached_property
    def data(self) -> Any:  # noqa: ANN401 - anything that JSON can be
        """The parsed body: a list of records, or one object; None if it is empty."""
        if not self.body.strip():
            return None
        try:
            return decode(self.body)
        except UnicodeDecodeError:  # bytes that are no characters become U+FFFD
            return decode(self.body.decode(errors="replace"))

    @property
    def records(self) -> list[dict[str, Any]]:
        """The body as a list of records; one object is a list of one."""
        data = self.data
        return data if isinstance(data, list) else [data]

    def records_by(
        self, decode: Callable[[bytes], Sequence[Mapping[str, Any]]] | None
    ) -> Sequence[Mapping[str, Any]]:
        """Read the records in another way, if there is one that can.

        Args:
            decode: Reads a list of records; a ValueError if it cannot.

        Returns:
            What `decode` returns, or else `records`.
        """
        if decode is not None:
            with suppress(ValueError):
                return decode(self.body)
        return self.records

    @cached_property
    def count(self) -> int:
        """How many records the list has, without making anything of them; 1 for an object."""
        if self.counted is not None:
            return self.counted
        try:
            return len(_split(self.body))
        except msgspec.ValidationError:
            return 1

    @property
    def etag(self) -> str | None:
        """The version of the record, to be given as ``If-Match`` (seen live); None if not told."""
        return self.headers.get("ETag")
