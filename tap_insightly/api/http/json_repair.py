"""JSON as some servers write it, as far as it can be read without guessing.

What is meant by a byte order mark, by a character that should have been escaped, and by a number
that is none, is certain. An end that is missing is never made up: a response that was cut stays
broken.
"""

from __future__ import annotations

import codecs
import json
import re

# A whole text, or one that has no end; or, between texts, a number that JSON does not have.
_TEXT_OR_NO_NUMBER = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*"?)|\bNaN\b|-?\bInfinity\b', re.DOTALL)
_SUSPECT = re.compile(rb"[\x00-\x1f]|\\u[dD][89a-fA-F]").search
# In a text, escapes that are good are kept (group 1): a whole pair of surrogates among them.
_BAD_CHARACTER = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\x00-\x1f]",
    re.DOTALL,
)
_BEGINNING = re.compile(r"\s*\[\s*")
_GAP = re.compile(r"\s*,\s*")
_ID = re.compile(r'"(\w+_ID)"\s*:\s*(\d+)')


def without_byte_order_mark(body: bytes) -> bytes:
    """Drop a byte order mark, and write in UTF-8 what is in another Unicode encoding."""
    encoding = json.detect_encoding(body)
    if encoding == "utf-8-sig":
        return body.removeprefix(codecs.BOM_UTF8)
    if encoding in {"utf-16", "utf-32"}:  # without a mark, the order of its bytes is named, too
        return body.decode(encoding, errors="replace").encode()
    return body


def repaired(body: bytes) -> bytes:
    """Write properly what is meant; it may still be no JSON.

    A bare ``NaN`` or ``Infinity`` is null, a control character in a text is one. Half a character,
    as it can be all that is left of one at the end of a text that was cut to length (assumed),
    becomes U+FFFD.
    """
    return _TEXT_OR_NO_NUMBER.sub(_repair, body)


def _repair(found: re.Match[bytes]) -> bytes:
    text: bytes | None = found[1]
    if text is None:
        return b"null"
    return _BAD_CHARACTER.sub(_repair_character, text) if _SUSPECT(text) else text


def _repair_character(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return found[1]
    bad = found[0]
    return rb"\ufffd" if bad.startswith(b"\\") else b"\\u%04x" % bad[0]


def where_it_breaks(body: bytes) -> str:
    """Say in which record of a list its JSON breaks, such as `` in record 3 (CONTACT_ID 12)``."""
    text = body.decode(errors="replace").lstrip("\ufeff")
    # This one tells where something ends even if it is not the end of all.
    decoder = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
    number, at, gap = 0, 0, _BEGINNING.match(text)
    while gap is not None:
        at = gap.end()
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        number, gap = number + 1, _GAP.match(text, end)
    if gap is None or text[at : at + 1] != "{":
        return f" after record {number}" if number else ""
    its_id = _ID.search(text, at)
    name = f" ({its_id[1]} {its_id[2]})" if its_id else ""
    return f" in record {number + 1}{name}"
