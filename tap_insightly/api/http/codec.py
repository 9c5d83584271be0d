"""JSON in the three ways that it is read and written here; all keep every digit of a number."""

from __future__ import annotations

from decimal import Decimal

import msgspec

decode = msgspec.json.Decoder(float_hook=Decimal).decode
"""Reads anything; a number with a fraction becomes a Decimal."""

encode = msgspec.json.Encoder(decimal_format="number").encode
"""Writes anything, with names in the order given."""

encode_sorted = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
"""Writes anything, with names in alphabetical order: equal values become equal bytes."""
