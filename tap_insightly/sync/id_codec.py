"""Ids in a state: small, and plain text.

No step makes a Python object of each id, or of each few bytes of the text, for more than a part of
them at a time: of a million that would be a hundred megabytes.
"""

from __future__ import annotations

import base64
import sys
import zlib
from array import array
from itertools import accumulate, islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_BYTES = 8  # of a number
_PLAIN = 4 * 4096  # bytes that are made text of at once: a multiple of what base 85 takes together
_TEXT = 5 * 4096  # characters of that


class PackedIds(NamedTuple):
    """Ids as a state has them."""

    text: str
    number: int


def pack_ids(ids: Iterable[int]) -> PackedIds:
    """Pack ids in ascending order, in Python's base 85, which JSON need not escape.

    Of each the distance to the one before is kept. All first bytes come first, then all second
    ones, and so on: the higher ones are nearly all alike, and cost next to nothing. That is some
    1.6 bytes an id where ids are 1,000 apart, and 2.3 where they are 10,000 apart.
    """
    distances, last = array("q"), 0
    for one in ids:
        distances.append(one - last)
        last = one
    if sys.byteorder == "big":  # the state may be read by another machine
        distances.byteswap()
    compressor = zlib.compressobj(9)
    with memoryview(distances).cast("B") as plain:
        planes = [compressor.compress(plain[place::_BYTES].tobytes()) for place in range(_BYTES)]
    packed = b"".join([*planes, compressor.flush()])
    parts = (packed[at : at + _PLAIN] for at in range(0, len(packed), _PLAIN))
    return PackedIds("".join(base64.b85encode(part).decode() for part in parts), len(distances))


def encode_ids(ids: Iterable[int]) -> str:
    """Pack ids as `pack_ids` does, where nobody asks how many they are."""
    return pack_ids(ids).text


def decode_ids(text: object) -> array[int] | None:
    """Unpack what `pack_ids` has made; None for anything else that an edited state may hold."""
    if not isinstance(text, str):
        return None
    try:
        distances = _distances(text)
        do_ascend = all(distance > 0 for distance in islice(distances, 1, None))
        if not do_ascend or (distances and distances[0] < 0):
            return None
        return array("q", accumulate(distances))
    except (ValueError, OverflowError, zlib.error):
        return None


def _distances(text: str) -> array[int]:
    parts = (text[at : at + _TEXT] for at in range(0, len(text), _TEXT))
    planes = zlib.decompress(b"".join(map(base64.b85decode, parts)))
    number, rest = divmod(len(planes), _BYTES)
    if rest:
        msg = "They are cut off."
        raise ValueError(msg)
    distances = array("q", [0]) * number
    with memoryview(distances).cast("B") as plain:
        for place in range(_BYTES):
            plain[place::_BYTES] = planes[place * number : (place + 1) * number]
    if sys.byteorder == "big":
        distances.byteswap()
    return distances
