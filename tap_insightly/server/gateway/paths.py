"""Where a client's request may go: below the base URL of its account, and nowhere else.

What is not plainly the path of something in the API is refused. What is passed on is written anew
from the parts that were checked, so that Insightly reads the same out of it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes, urlsplit

from yarl import URL

from tap_insightly.openapi.objects import all_objects

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_PATH, LONGEST_QUERY = 2_000, 16_000
"""Bytes; servers such as Insightly's take no more, either."""

_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_PLAIN = re.compile(rb"[!-~]*")
_CUSTOM_FIELDS = "customfields"
_AMERICAN = {"organisations": "organizations", "organisation": "organization"}


class BadPathError(Exception):
    """The path is none of the API; the text says what is wrong with it."""


@dataclass(frozen=True)
class Target:
    """What a client asks for, checked."""

    version: str
    """Such as ``v3.1``, in lower case."""

    parts: tuple[str, ...]
    """The parts of the path below the version, decoded. One at the end may be empty."""

    query: str
    """What comes after the question mark, as it came."""

    @property
    def path(self) -> str:
        """The path below the base URL, as it is sent and shown to people."""
        return "/" + "/".join(quote(part, safe="") for part in self.parts)

    def url(self, base_url: str) -> URL:
        """Write the address, which begins with the base URL whatever the client sent."""
        query = f"?{self.query}" if self.query else ""
        return URL(f"{base_url}{self.path}{query}", encoded=True)


def checked_target(raw_path: bytes, query: bytes) -> Target:
    """Take a request's address apart.

    Args:
        raw_path: The path as it came, without the query.
        query: The query as it came.

    Returns:
        What is asked for.

    Raises:
        BadPathError: If it is not plainly an address of the API.
    """
    if len(raw_path) > LONGEST_PATH or len(query) > LONGEST_QUERY:
        msg = "The address is longer than Insightly takes."
        raise BadPathError(msg)
    if not _PLAIN.fullmatch(raw_path) or not _PLAIN.fullmatch(query) or b"#" in query:
        msg = "The address holds characters that have to be encoded."
        raise BadPathError(msg)
    text = raw_path.decode("ascii")
    first, _, rest = text.removeprefix("/").partition("/")
    if not text.startswith("/") or not re.fullmatch(r"[vV][0-9]\.[0-9]", first):
        msg = "There is nothing here but the API below /v3.1/, such as /v3.1/Contacts."
        raise BadPathError(msg)
    parts = rest.split("/")
    checked = tuple(_checked_part(part) for part in parts[:-1])
    last = parts[-1]
    checked += (_checked_part(last) if last or len(parts) == 1 else "",)
    if not _OBJECT.fullmatch(checked[0]):
        msg = "The path does not begin with an object, such as /v3.1/Contacts."
        raise BadPathError(msg)
    return Target(first.lower(), checked, query.decode("ascii"))


def _checked_part(text: str) -> str:
    """Decode a part of the path, once; refuse what another reader could understand otherwise."""
    try:
        part = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        msg = "The path holds bytes that are no text in UTF-8."
        raise BadPathError(msg) from None
    if "%" in _ESCAPED.sub("", text) or _ESCAPED.search(part):
        msg = "The path is encoded twice, or not well."
        raise BadPathError(msg)
    # As some servers read look-alikes, such as a full-width slash.
    for reading in (part, unicodedata.normalize("NFKC", part)):
        bare = reading.partition(";")[0].strip()
        if not bare.strip(".") or any(c in "/\\" or not c.isprintable() for c in reading):
            msg = (
                "The path leads elsewhere, or one of its parts is empty, or has a slash or a "
                "control character in it. A path is one such as /v3.1/Contacts/301."
            )
            raise BadPathError(msg)
    return part


def names_of_objects(names: Iterable[str]) -> frozenset[str]:
    """List how the path of a request may name objects, in lower case.

    Args:
        names: Names of objects as the registry has them, such as ``Contact``; what is none of
            these is a custom object.

    Returns:
        First parts of paths, such as ``contacts``.
    """
    wanted = {name.casefold() for name in names}
    found = set(wanted)
    for one in all_objects():
        path = one.path[1:].lower()
        if one.name.casefold() in wanted:
            found |= {path, (one.custom_fields_for or path).lower()}
    return frozenset(found | {_AMERICAN[name] for name in found if name in _AMERICAN})


def is_about(target: Target, allowed: frozenset[str]) -> bool:
    """Tell whether a request is about one of these objects, as `names_of_objects` lists them."""
    first, *rest = (part.lower() for part in target.parts)
    if first == _CUSTOM_FIELDS and rest and rest[0]:
        return rest[0] in allowed
    return first in allowed


def version_of(base_url: str) -> str:
    """Say which version a base URL ends with, such as ``v3.1``."""
    return urlsplit(base_url).path.rpartition("/")[2].lower()
