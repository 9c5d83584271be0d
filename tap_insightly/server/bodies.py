"""Bodies as receiver and gateway both have them: sent as a whole, and unpacked within a limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Send

_EITHER_HEADER = zlib.MAX_WBITS | 32  # that of gzip or of zlib


class TooLargeError(ValueError):
    """What is packed has more bytes than are wanted."""


def unpacked(packed: bytes, most: int) -> bytes | None:
    """Unpack gzip or deflate, no further than wanted; None if it is not one of them, and whole.

    Raises:
        TooLargeError: If there are more than so many bytes.
    """
    unpacker = zlib.decompressobj(_EITHER_HEADER)
    try:
        plain = unpacker.decompress(packed, most + 1)
    except zlib.error:
        return None
    if len(plain) > most:
        raise TooLargeError
    return plain if unpacker.eof and not unpacker.unused_data else None


async def send_whole(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    """Send an answer that is here as a whole."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
