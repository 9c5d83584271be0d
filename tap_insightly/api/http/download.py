"""Reading the body of a response: piece by piece, held once, no further than is wanted."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import requests

from tap_insightly.api.http.errors import PageTooLargeError
from tap_insightly.api.http.headers import whole_number

if TYPE_CHECKING:
    from tap_insightly.api.http.request import Request

PIECE = 2**16  # bytes that are read at once
BEGINNING = 2**16  # bytes of an error that are read at most, about


def read_body(request: Request, response: requests.Response) -> bytes:
    """Read a body to its end, unpacked, unless it has more bytes than the request says."""
    largest = request.largest
    announced = 0 if "Content-Encoding" in response.headers else _announced_size(response)
    if largest is not None and announced > largest:
        raise _too_large(request, response, announced)
    if request.into is not None:
        request.into.seek(0)
        request.into.truncate()
        request.into.writelines(response.iter_content(PIECE))
        return b""
    # This buffer becomes the body without being copied. Once closed it holds nothing, even if
    # the frames of an error keep it.
    with BytesIO() as body:
        for piece in response.iter_content(PIECE):
            body.write(piece)
            if largest is not None and body.tell() > largest:
                raise _too_large(request, response, max(announced, body.tell()))
        return body.getvalue()


def read_beginning(_: Request, response: requests.Response) -> bytes:
    """Read as much of a body as tells what is wrong, be it whole or not."""
    with BytesIO() as body:
        try:
            for piece in response.iter_content(PIECE):
                body.write(piece)
                if body.tell() >= BEGINNING:
                    break
        except requests.RequestException:
            pass  # the status says enough
        return body.getvalue()


def _announced_size(response: requests.Response) -> int:
    return whole_number(response.headers.get("Content-Length")) or 0


def _too_large(request: Request, response: requests.Response, size: int) -> PageTooLargeError:
    msg = (
        f"GET {request.path} was answered with {size:,} bytes or more, of which no more than "
        f"{request.largest:,} are wanted at once."
    )
    return PageTooLargeError(msg, size=size, request=request, status=response.status_code)
