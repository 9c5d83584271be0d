"""What the sandbox is asked and what it answers, before that goes over the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.records import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.sandbox.handlers.large import Streamed


@dataclass
class RequestLog:
    """One request that the sandbox received."""

    method: str
    path: str
    query: dict[str, str]
    status: int = 0
    """What it was answered with; 0 if it was not."""
    body: bytes = b""
    if_match: str | None = None
    """The version that the record had to have for this to be done, if any."""


@dataclass(frozen=True)
class Call:
    """A request, taken apart."""

    method: str
    path: str
    """The path of the list that it is about, such as ``/Contacts``."""
    rest: tuple[str, ...]
    """How the address goes on, as it was sent."""
    query: Mapping[str, str]
    body: bytes
    if_match: str | None

    @property
    def key(self) -> int | None:
        """The id of the record in the address, if there is one."""
        return record_id(self.rest[0]) if self.rest else None

    @property
    def place(self) -> str:
        """The path as faults have it, such as ``/Notes/{id}/Comments``, in any case."""
        return "/".join(
            (self.path, *(part if record_id(part) is None else "{id}" for part in self.rest))
        )


@dataclass
class Reply:
    """An answer, before it is compressed and sent."""

    status: int
    body: bytes | Streamed = b""
    headers: dict[str, str] = field(default_factory=dict)
    cache_key: tuple[object, ...] | None = None
    """What the body depends on, if it is worth to be kept once it is compressed."""
    records: int = 0
    """How many records the body holds, if it is a page of a list."""
    message: str | None = None
    """Why something was refused."""
    reason: str | None = None
    """The reason phrase of HTTP; None for the one that belongs to the status."""


class Refusal(Exception):  # noqa: N818 - an answer like any other, not an error of ours
    """Ends the handling of a request with a status."""

    def __init__(self, status: int, message: str) -> None:
        """Say why."""
        super().__init__(message)
        self.reply = Reply(status, encode({"Message": message}), message=message)


def record_id(text: str | None) -> int | None:
    """Read the id of a record out of an address."""
    # int() takes digits of every script; ids are written with ours.
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else None


def flag(query: Mapping[str, str], name: str) -> bool:
    """Tell whether something was asked for."""
    return query.get(name, "").lower() == "true"
