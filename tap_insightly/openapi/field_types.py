"""The types of custom fields: what the values of each are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELD_TYPES: Mapping[str, Mapping[str, Any]] = COMPONENTS["CustomField"]["properties"][
    "FIELD_TYPE"
]["x-values"]
"""The schema of a value as records carry it, by FIELD_TYPE. The names up to AUTONUMBER were seen
live, the others are assumed."""

ONE, MANY = "one", "many"
"""What ``x-options`` says of a type with options: how many of them a value can hold."""


def value_schema(field_type: str) -> Mapping[str, Any]:
    """Look a type up in whatever spelling; nothing is said of one that is not known."""
    return FIELD_TYPES.get(re.sub(r"[\s_-]", "", field_type).upper(), {})
