"""Copies the records of another account: ids are translated, and what is here already is found."""

from __future__ import annotations

from tap_insightly.loader.copying.copier import Copier

__all__ = ["Copier"]
