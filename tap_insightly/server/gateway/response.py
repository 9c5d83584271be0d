"""Answers of Insightly: a short one is held and looked into, a long one streams to the client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_insightly.api.http.codec import encode
from tap_insightly.api.http.server_text import server_message
from tap_insightly.server.bodies import TooLargeError, send_whole, unpacked
from tap_insightly.server.gateway.headers import back

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp
    from starlette.types import Send

HELD = 64_000
"""Bytes of an answer that are held: what is cut off before that can be asked for again."""

HELD_ERROR = 1_000_000
"""Bytes of an error that are held, to take the key out of it."""

_SLOWEST = 10_000  # bytes a second, on an average, that a client has to take
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class BrokenOffError(Exception):
    """An answer broke off after its beginning had been passed on; the text says why."""


@dataclass(frozen=True)
class Answer:
    """An answer that is held as a whole, or was passed on already."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    is_passed_on: bool = False

    async def send(self, send: Send, extra: list[tuple[bytes, bytes]]) -> None:
        """Pass it on, with more headers."""
        await send_whole(send, self.status, self.headers + extra, self.body)


async def hold(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Read the beginning of an answer; tell whether that is all."""
    most = HELD if response.status < HTTPStatus.BAD_REQUEST else HELD_ERROR
    pieces: list[bytes] = []
    size = 0
    while size < most:
        piece = await response.content.readany()
        if not piece:
            return b"".join(pieces), True
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), response.content.at_eof()


def held_answer(
    response: aiohttp.ClientResponse, body: bytes | None, clean: Callable[[bytes], bytes]
) -> Answer:
    """Make an answer of what was read as a whole: of an error, without the key.

    None if that was too long to be read.
    """
    headers = [(n, clean(v)) for n, v in back(response.raw_headers, {})]
    if body is not None and response.status < HTTPStatus.BAD_REQUEST:
        return Answer(response.status, headers, body)
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    plain = None if body is None else _unpacked(body, coding)
    said = server_message(b"", response.status, response.reason)
    is_head = response.method == "HEAD"
    if plain is None:
        why = "at too great a length" if body is None else "in a strange coding"
        cleaned = clean(
            encode({"Message": said or f"Insightly answered {response.status}, {why}."})
        )
    elif not plain.strip() and said and not is_head:
        # The reason phrase of HTTP, which holds all that is said here, gets lost on the way.
        cleaned = clean(encode({"Message": said}))
    else:
        cleaned = clean(plain)
        if cleaned == plain:
            return Answer(response.status, headers, body or b"")
    return Answer(response.status, _as_json(headers, len(cleaned)), cleaned)


async def pass_on(
    response: aiohttp.ClientResponse,
    beginning: bytes,
    send: Send,
    headers: list[tuple[bytes, bytes]],
    idle_seconds: float,
) -> None:
    """Stream an answer to the client, no faster than it takes it.

    Raises:
        BrokenOffError: If it breaks off, or the client takes nothing.
    """
    loop = asyncio.get_running_loop()
    blocked, size = 0.0, 0

    async def give(piece: bytes, *, is_last: bool = False) -> None:
        nonlocal blocked, size
        began = loop.time()
        message = {"type": "http.response.body", "body": piece, "more_body": not is_last}
        try:
            await asyncio.wait_for(send(message), idle_seconds)
        except asyncio.TimeoutError:
            msg = f"the client took nothing for {idle_seconds:g} seconds"
            raise BrokenOffError(msg) from None
        blocked += loop.time() - began
        size += len(piece)
        if blocked > idle_seconds + size / _SLOWEST:
            msg = "the client took it too slowly"
            raise BrokenOffError(msg)

    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await give(beginning)
    while piece := await response.content.readany():
        await give(piece)
    await give(b"", is_last=True)


def _unpacked(body: bytes, coding: str) -> bytes | None:
    """Unpack what is an error; None if that cannot be done."""
    if coding in {"", "identity"}:
        return body
    if coding not in {"gzip", "deflate"}:
        return None
    try:
        return unpacked(body, HELD_ERROR)
    except TooLargeError:
        return None


def _as_json(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    replaced = {b"content-type", b"content-length", b"content-encoding"}
    kept = [(name, value) for name, value in headers if name not in replaced]
    return [
        *kept,
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
    ]
