"""Bodies that are not what the API describes, made out of the right ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tap_insightly.sandbox.account.records import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.sandbox.account.faults import Body
    from tap_insightly.sandbox.handlers.large import Streamed

ERROR = b'{"message": "An error has occurred."}'
"""An object where a list belongs."""


def byte_order_mark(body: bytes) -> bytes:
    """Put a byte order mark before a body."""
    return b"\xef\xbb\xbf" + body


def among(*values: bytes) -> Callable[[bytes], bytes]:
    """Put values among the records of a list, after the first of them."""

    def change(body: bytes) -> bytes:
        records = msgspec.json.decode(body, type=list[msgspec.Raw])
        return encode([*records[:1], *map(msgspec.Raw, values), *records[1:]])

    return change


def with_value(field: str, value: bytes, number: int = 1) -> Callable[[bytes], bytes]:
    r"""Put something in place of a field's value."""
    pattern = re.compile(rb'("%s":)("(?:[^"\\]|\\.)*"|[^,\]}"]+)' % re.escape(field.encode()))

    def change(body: bytes) -> bytes:
        for count, match in enumerate(pattern.finditer(body), 1):
            if count == number:
                return body[: match.start(2)] + value + body[match.end(2) :]
        return body

    return change


def changed(body: bytes | Streamed, by: Body) -> bytes:
    """Make the body that is sent."""
    if not callable(by):
        return by
    return by(body if isinstance(body, bytes) else b"".join(body))
