"""What a status means, for what was asked."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_insightly.api.http.errors import (
    AuthenticationError,
    Facts,
    InsightlyError,
    InvalidError,
    LimitReachedError,
    NotAvailableError,
    RefusedError,
    RetryableError,
    UndeletableError,
)
from tap_insightly.api.http.server_text import usual_words

if TYPE_CHECKING:
    from tap_insightly.api.http.request import Request

_NOT_AVAILABLE = frozenset(
    {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
)
NOT_PROCESSED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.TOO_EARLY})
"""With these, what was asked for is certain not to be done (RFC 9110, RFC 8470). That a request
came too late to be done (408) is what a proxy on the way may say after it was."""
_RETRYABLE = frozenset({HTTPStatus.REQUEST_TIMEOUT, *NOT_PROCESSED})
# What else the API answers to what it does not do (spec), and what that means to the reader.
_REFUSALS: dict[int, tuple[type[RefusedError], str]] = {
    400: (InvalidError, ""),
    402: (LimitReachedError, "The account holds as much as its plan allows."),
    409: (RefusedError, "Something else still uses it, or was changed at the same time."),
    417: (UndeletableError, "Insightly could not delete it."),
}
STALE = (
    "Either the record was changed since the version that this was meant for, or the data is not "
    "valid: Insightly answers 400 to both."
)


def is_retryable(status: int) -> bool:
    """Tell whether the same request may be answered better the next time."""
    return status in _RETRYABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def error_of(
    request: Request, status: int, said: str, base_url: str, *, is_of_gateway: bool = False
) -> InsightlyError:
    """Make the error of a response that is none of the 2xx; of a redirect, it says where to."""
    url = base_url + request.path
    if status == HTTPStatus.UNAUTHORIZED:
        return AuthenticationError(url, request=request, said=said, is_of_gateway=is_of_gateway)
    if status in _NOT_AVAILABLE:
        return NotAvailableError(
            request.path, status, request.method, said, is_of_gateway=is_of_gateway
        )
    facts = Facts(request=request, status=status, said=said)
    words = f"{status} {usual_words(status)}".strip()
    if is_retryable(status):
        is_certain = status in NOT_PROCESSED
        return RetryableError(f"{words}. {said}".strip(), was_not_processed=is_certain, **facts)
    what = f"{request.method} {url}"
    if status < HTTPStatus.BAD_REQUEST:
        msg = f"{what} was redirected to {said or 'nowhere'}. Check pod and api_url."
        return RefusedError(msg, **facts)
    kind, meaning = _REFUSALS.get(status, (RefusedError, ""))
    if kind is InvalidError and "If-Match" in request.headers:
        meaning = STALE
    parts = (f"{what} was refused: {words}.", meaning, said)
    return kind(" ".join(part for part in parts if part), **facts)
