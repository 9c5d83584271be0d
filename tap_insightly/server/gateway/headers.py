"""Which headers go on to Insightly, and which come back to the client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Raw = Iterable[tuple[bytes, bytes]]

_ONWARD = {
    b"accept": "Accept",
    b"accept-language": "Accept-Language",
    b"content-type": "Content-Type",
    b"if-match": "If-Match",
    b"if-none-match": "If-None-Match",
    b"if-modified-since": "If-Modified-Since",
    b"if-unmodified-since": "If-Unmodified-Since",
    b"range": "Range",
}
_HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
# Cookies are those of the gateway with Insightly; what kind of server it is tells nobody anything.
_NOT_BACK = _HOP_BY_HOP | {
    *(b"set-cookie", b"set-cookie2", b"server", b"www-authenticate", b"location", b"alt-svc"),
    b"proxy-status",
    *(b"strict-transport-security", b"x-ratelimit-limit", b"x-ratelimit-remaining"),
}
_CODINGS = frozenset({"gzip", "deflate", "identity"})
_VALUE = re.compile(rb"[\t -~\x80-\xff]*")
_LONGEST_AGENT = 200


def onward(headers: Raw, agent: str) -> dict[str, str]:
    """Choose what goes on to Insightly.

    Args:
        headers: What the client sent.
        agent: What the gateway adds to the name of the client.

    Returns:
        Headers by name.
    """
    given: dict[bytes, bytes] = {}
    named: set[bytes] = set()
    for raw, value in headers:
        name = raw.lower()
        if name == b"connection":
            named |= {part.strip().lower() for part in value.split(b",")}
        if _VALUE.fullmatch(value):
            given.setdefault(name, value)
    found = {
        shown: given[name].decode("latin-1")
        for name, shown in _ONWARD.items()
        if name in given and name not in named
    }
    client = given.get(b"user-agent", b"").decode("latin-1")[:_LONGEST_AGENT]
    found["User-Agent"] = f"{client} {agent}".strip()
    found["Accept-Encoding"] = _codings(given.get(b"accept-encoding", b"").decode("latin-1"))
    found.setdefault("Accept", "*/*")
    return found


def back(headers: Raw, share: Mapping[str, int | None]) -> list[tuple[bytes, bytes]]:
    """Choose what goes back to the client.

    Args:
        headers: What Insightly sent.
        share: What the client has of the day's requests, by the names of headers.

    Returns:
        Headers, in lower case.
    """
    whole = [(name.lower(), value) for name, value in headers]
    named = {
        part.strip().lower()
        for name, value in whole
        if name == b"connection"
        for part in value.split(b",")
    }
    found = [
        (name, value)
        for name, value in whole
        if name not in _NOT_BACK and name not in named and _VALUE.fullmatch(value)
    ]
    return found + counted(share)


def counted(share: Mapping[str, int | None]) -> list[tuple[bytes, bytes]]:
    """Write numbers as headers; what is None is left out."""
    return [
        (name.lower().encode(), str(number).encode())
        for name, number in share.items()
        if number is not None
    ]


def _codings(accepted: str) -> str:
    """Choose encodings that the gateway can look into, too; what is not accepted is not asked."""
    found = []
    for one in accepted.split(","):
        coding, _, weight = one.strip().lower().partition(";")
        is_refused = re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
        if coding.strip() in _CODINGS and not is_refused:
            found.append(coding.strip())
    return ", ".join(dict.fromkeys(found)) or "identity"
