"""Records: what they are made of, and how they are written down."""

from __future__ import annotations

from typing import Any

import msgspec

Record = dict[str, Any]

STAMPS = ("DATE_CREATED_UTC", "DATE_UPDATED_UTC")
"""What a record gets by itself when it is made."""

NESTED = frozenset({"CUSTOMFIELDS", "TAGS", "LINKS", "DATES", "EMAILDOMAINS", "TEAMMEMBERS"})
"""What ``brief=true`` leaves out (spec)."""

encode = msgspec.json.Encoder(decimal_format="number").encode
"""Turns values into JSON, with every digit of a number."""
