"""The lists that a stream is read from: one for most streams, several for some."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Parent:
    """A kind of record that others belong to."""

    kind: str
    """Its name, as links have it (seen live): ``Contact``."""
    path: str
    key: str
    updated: str | None
    """The field that says when a record was updated; None if the API cannot search by it."""

    def path_of(self, record: Mapping[str, Any]) -> str:
        """Return the path of one record, such as ``/Contacts/301``."""
        return f"{self.path}/{record[self.key]}"


@dataclass(frozen=True)
class Partition:
    """One list or search."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    is_paged: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What to add to each record, such as the kind of record that a tag belongs to."""
    since: str | None = None
    """The moment that a search is asked for; None if the list is read whole."""
    context: Mapping[str, str] | None = None
    """Which part of the stream's state belongs to it; None if the stream has one state."""
    parent: Parent | None = None
    """What the list consists of, if that is not what the stream consists of."""

    @property
    def owner(self) -> Parent:
        """The `parent`, where there must be one.

        Raises:
            TypeError: If the list consists of the stream's own records.
        """
        if self.parent is None:
            msg = f"{self.path} holds the stream's own records."
            raise TypeError(msg)
        return self.parent
