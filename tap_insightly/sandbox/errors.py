"""The shapes in which a server says why it refuses something (all of them seen live)."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from tap_insightly.sandbox.account.faults import ErrorShape
from tap_insightly.sandbox.account.records import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.handlers.replies import Reply

SHAPES: tuple[ErrorShape, ...] = get_args(ErrorShape)
"""All shapes."""


def shaped(reply: Reply, faults: Faults) -> Reply:
    """Tell the reason of a refusal as a server does that has this habit."""
    if reply.message is None:
        return reply
    message = reply.message if faults.error_text is None else faults.error_text
    body, content_type = _WRITTEN[faults.error_shape](message)
    reason = _phrase(message) if faults.error_shape == "reason" else None
    headers = {**reply.headers, "Content-Type": content_type}
    return replace(reply, body=body, headers=headers, reason=reason)


_JSON = "application/json; charset=utf-8"
_WRITTEN: Mapping[ErrorShape, Callable[[str], tuple[bytes, str]]] = {
    "Message": lambda text: (encode({"Message": text}), _JSON),
    "message": lambda text: (encode({"message": text}), _JSON),
    "text": lambda text: (text.encode(), "text/plain; charset=utf-8"),
    "string": lambda text: (encode(text), _JSON),
    "html": lambda text: (_page(text), "text/html"),
    "empty": lambda _text: (b"", _JSON),
    "reason": lambda _text: (b"", _JSON),
}


def _phrase(text: str) -> str:
    # The first line of an answer is one line, and in Latin-1.
    return re.sub(r"[^ -~\xa0-\xff]", "?", text).strip()


def _page(text: str) -> bytes:
    title = html.escape(text)
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()
