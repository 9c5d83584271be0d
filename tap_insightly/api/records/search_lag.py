"""How far searches are behind what is written."""

from __future__ import annotations

SEARCH_LAG = 8.0  # seconds after which a search shows what was written: assumed
