"""One request to the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from tap_insightly.api.http.codec import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

# Whatever was asked for with these is the same if it is asked for twice (RFC 9110).
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Request:
    """One request, which may have to be sent more than once."""

    method: str
    """The method in capitals, such as ``GET``."""

    path: str
    """The path below the base URL, such as ``/Contacts``."""

    params: Mapping[str, str] = field(default_factory=dict)
    """Query parameters."""

    body: bytes | None = None
    """What to send; None for nothing."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers besides those that every request has."""

    is_json: bool = True
    """Whether the response has to be JSON; a file can be anything."""

    largest: int | None = None
    """The most bytes of the response, if it is a page of which a smaller one would do as well."""

    into: IO[bytes] | None = None
    """A file that the body of a success is written to, from its beginning, instead of being kept.

    It is written anew with each try."""

    @classmethod
    def with_json(
        cls,
        method: str,
        path: str,
        content: Any = None,  # noqa: ANN401 - anything that JSON can be
        *,
        if_match: str | None = None,
    ) -> Request:
        """Make a request that sends JSON.

        Args:
            method: The method in capitals.
            path: The path below the base URL, such as ``/Contacts/12/Links``.
            content: Anything that JSON can be, with `decimal.Decimal` for fractions; None to send
                nothing.
            if_match: The ETag that the record must still have; None if any will do.

        Returns:
            The request.
        """
        headers = {} if if_match is None else {"If-Match": if_match}
        if content is None:
            return cls(method, path, headers=headers)
        headers["Content-Type"] = "application/json"
        return cls(method, path, body=encode(content), headers=headers)

    @property
    def content(self) -> Any:  # noqa: ANN401 - anything that JSON can be
        """What it sends as JSON, parsed anew each time; an empty object if it sends nothing."""
        return decode(self.body) if self.body else {}

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _REPEATABLE

    @property
    def is_reading(self) -> bool:
        """Whether it leaves everything as it is."""
        return self.method in _READING
