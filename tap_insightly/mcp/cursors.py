"""Places in lists that go to the assistant and come back: signed, and for one search only.

A place is the id of the last record that was passed, and where that was. So it holds although
records are added or deleted meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import NamedTuple

import msgspec

from tap_insightly.api import InsightlyError
from tap_insightly.api.http.codec import encode_sorted

_SIGNATURE = 16  # bytes


class CursorError(InsightlyError):
    """A cursor is none of this server's, or not of this search."""


class Place(NamedTuple):
    """How far a list was read."""

    skip: int
    """Where the last record that was passed is, as far as is known."""
    last: int | None
    """Its id; None where records have none, and the place is all that is known."""


class Cursors:
    """Makes cursors, and reads those that it has made."""

    def __init__(self, secret: bytes) -> None:
        """Take what nobody else knows."""
        self._secret = secret

    def write(self, query: object, place: Place) -> str:
        """Write a place as a cursor for a search."""
        content = encode_sorted(place)
        return base64.urlsafe_b64encode(self._sign(query, content) + content).decode().rstrip("=")

    def read(self, query: object, cursor: str) -> Place:
        """Read a cursor that was made for this search."""
        try:
            padding = "=" * (-len(cursor) % 4)
            raw = base64.b64decode(cursor.encode() + padding.encode(), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        signature, content = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(query, content)):
            msg = (
                "This cursor is not of this search: give it as next_cursor had it, with the same "
                "other arguments. Those of a server that was started anew since are void; search "
                "again without a cursor then."
            )
            raise CursorError(msg)
        return msgspec.json.decode(content, type=Place)

    def _sign(self, query: object, content: bytes) -> bytes:
        text = encode_sorted(query) + b"\n" + content
        return hmac.digest(self._secret, text, "sha256")[:_SIGNATURE]
