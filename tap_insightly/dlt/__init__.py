"""A source for dlt: Insightly in twenty destinations, without Singer.

`insightly` is the source. It reads as the tap does, with the same settings, streams and bookmarks,
and hands on Arrow tables. `unfinished` and `raise_if_unfinished` tell after a load what was not
read to its end.
"""

from __future__ import annotations

from tap_insightly.dlt.incomplete import raise_if_unfinished, unfinished
from tap_insightly.dlt.source import insightly

__all__ = ["insightly", "raise_if_unfinished", "unfinished"]
