"""The streams that each account has, and their groups: those of Insightly's own menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.streams import STREAMS, RelatedStream

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUPS: Mapping[str, str] = {
    stream.name: "related"
    if issubclass(stream, RelatedStream)
    else stream.__module__.rpartition(".")[2]
    for stream in STREAMS
}
"""The group of each stream, by name of the stream."""

BY_DEFAULT = [name for name, group in GROUPS.items() if group != "related"]
"""What the tap selects by itself, besides custom objects."""

CUSTOM = "custom"
"""The group of custom objects."""
