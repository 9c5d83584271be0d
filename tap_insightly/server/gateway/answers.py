"""What the gateway answers itself, in the form that Insightly gives to its own errors."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_insightly.api.http.codec import encode
from tap_insightly.api.http.headers import GATEWAY, PROXY_STATUS
from tap_insightly.server.gateway.headers import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT, REMAINING = "X-RateLimit-Limit", "X-RateLimit-Remaining"
_CHALLENGE = (
    (b"www-authenticate", b'Basic realm="insightly", charset="UTF-8"'),
    (b"www-authenticate", b'Bearer realm="insightly"'),
)
# Clients would take it for an answer of Insightly, and compare their keys and plans.
_DENIED = (PROXY_STATUS.lower().encode(), f"{GATEWAY}; error=http_request_denied".encode())


class Refusal(Exception):  # noqa: N818 - an answer like any other, not an error of ours
    """Ends a request with an answer of the gateway's own."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after: float | None = None,
        allow: str | None = None,
        share: Mapping[str, int | None] | None = None,
    ) -> None:
        """Say why.

        Args:
            status: The HTTP status.
            message: A sentence or more for the person who runs the client.
            retry_after: Seconds after which it may be tried again; None to say nothing of it.
            allow: The methods that there are, if this one is not.
            share: What the client has of the day's requests, by the names of headers.
        """
        super().__init__(message)
        self.status = status
        self.body = encode({"Message": message})
        self.headers: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
        self.headers.append((b"content-length", str(len(self.body)).encode()))
        self.headers += counted(share or {})
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.headers.append(_DENIED)
        if status == 401:  # noqa: PLR2004 - HTTP's number is its name
            self.headers += _CHALLENGE
        if retry_after is not None:
            self.headers.append((b"retry-after", str(max(1, math.ceil(retry_after))).encode()))
        if allow is not None:
            self.headers.append((b"allow", allow.encode()))
