"""Writing the records of another account: ids are translated, and what is there is found."""

from __future__ import annotations

from tap_insightly.loader.copying.copier import Copier
from tap_insightly.loader.copying.sink import CopySink

__all__ = ["Copier", "CopySink"]
