"""What can go wrong with the API, each said so that the reader knows what to do.

::

    InsightlyError                    every error has .status, .method, .path and .said
    ├── AuthenticationError           401: the key was not accepted
    ├── NotAvailableError             403, 404, 405: not there for this user or plan
    ├── RefusedError                  any other 4xx, a redirect, a list that never ends
    │   ├── InvalidError              400: the values are not valid
    │   │   └── ConflictError         400: someone else has changed the record
    │   ├── LimitReachedError         402: the plan has no room for more
    │   └── UndeletableError          417: Insightly could not delete the record
    ├── QuotaExhaustedError           the requests of the day are used up
    ├── RetriesExhaustedError         every try failed
    │   └── UnreachableError          no such host, or one that must not be trusted
    ├── UnknownOutcomeError           it may have been done, and must not be done twice
    ├── IncompleteError               a list ended before its total
    ├── PageTooLargeError             a page is larger than wanted, or takes too long
    ├── ClosedError                   the session was closed meanwhile
    ├── UsageError                    it cannot be done as it was put; it was not sent
    │   ├── InvalidAddressError       the pod or URL is none (auth)
    │   ├── InvalidFieldsError        values that cannot be written (fields)
    │   ├── UnknownObjectError        no object has that name (objects)
    │   └── UnsupportedOperationError the API has no way to do it (objects)
    └── RetryableError                a failure that may pass; a session tries again, and raises
        │                             another error at last
        ├── BrokenResponseError       a body that is not what belongs there
        └── UnresolvedError           nobody says whether there is such a host
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tap_insightly.api.http.request import Request


class Facts(TypedDict, total=False):
    """What an error knows besides its text, as `InsightlyError` takes it."""

    request: Request | None
    status: int | None
    said: str | None


class InsightlyError(Exception):
    """Anything that ends a request for good; its text is meant for the person who runs it."""

    def __init__(
        self,
        message: str = "",
        *,
        request: Request | None = None,
        status: int | None = None,
        said: str | None = None,
    ) -> None:
        """Keep the facts apart from the text.

        Args:
            message: The text for the person who runs it.
            request: What was asked.
            status: The HTTP status of the response.
            said: What the server said of it, without the key.
        """
        super().__init__(message)
        self.status = status
        """The HTTP status of the response; None if there was none, or it was not the matter."""
        self.method = request.method if request else None
        """The method that was asked, such as ``POST``; None if nothing was asked."""
        self.path = request.path if request else None
        """The path that was asked, below the base URL; None if nothing was asked."""
        self.said = said or None
        """What the server said, without the key; None if it said no more than the status."""

    def set_request(self, method: str, path: str) -> None:
        """Name the request, where an error comes from something that does not know of it.

        Args:
            method: The method that was asked, in capitals.
            path: The path that was asked, below the base URL.
        """
        self.method, self.path = method, path


class AuthenticationError(InsightlyError):
    """The API key was not accepted (401)."""

    def __init__(
        self,
        url: str,
        *,
        request: Request | None = None,
        said: str | None = None,
        is_of_gateway: bool = False,
    ) -> None:
        """Say which address refused the key.

        Args:
            url: The address that was asked.
            request: What was asked.
            said: What the server said of it, without the key.
            is_of_gateway: Whether a gateway refused it, which takes tokens in place of keys.
        """
        text = (
            f"Insightly did not accept the API key (401 from {url}). Compare api_key and pod with "
            "the key and the API URL shown in Insightly under User Settings > API. If they are "
            "right, ask an administrator whether API access is switched on for this user (System "
            f"Settings > User List > Edit User).{_quoted(said)}"
        )
        if is_of_gateway:
            text = f"The gateway does not let this in (401 from {url}).{_quoted(said, 'It')}"
        status = HTTPStatus.UNAUTHORIZED
        super().__init__(text, request=request, status=status, said=said)


class NotAvailableError(InsightlyError):
    """This address is not there for this user or plan (403, 404 or 405)."""

    status: int

    def __init__(
        self,
        path: str,
        status: int,
        method: str = "GET",
        said: str | None = None,
        *,
        is_of_gateway: bool = False,
    ) -> None:
        """Say what is not available.

        Args:
            path: The path that was asked, below the base URL.
            status: The HTTP status: 403, 404 or 405.
            method: The method that was asked, in capitals.
            said: What the server said of it, without the key.
            is_of_gateway: Whether a gateway refused it, and Insightly was not asked.
        """
        is_read = method == "GET"
        what = f"{path} cannot be read" if is_read else f"{method} {path} cannot be done"
        text = f"{what} ({status}): {_not_available(method, path, status)}.{_quoted(said)}"
        if is_of_gateway:
            text = f"{what} ({status}): the gateway refused it.{_quoted(said, 'It')}"
        super().__init__(text, status=status, said=said)
        self.is_of_gateway = is_of_gateway
        """Whether a gateway refused it, and Insightly was not asked."""
        self.set_request(method, path)

    @property
    def is_missing(self) -> bool:
        """Whether there is no such thing (404)."""
        return self.status == HTTPStatus.NOT_FOUND


class RefusedError(InsightlyError):
    """A refusal that trying again will not change: any other 4xx, a redirect, a strange list."""


class InvalidError(RefusedError):
    """What was to be written is not valid (400), or the record has changed since (see below).

    If the request named the version that it was for (``If-Match``), it may be that the record has
    another one by now: the API answers 400 to both (seen live).
    """


class ConflictError(InvalidError):
    """The record was changed by someone else since the version that the request was for."""


class LimitReachedError(RefusedError):
    """The account holds as many records, or as much data, as its plan allows (402)."""


class UndeletableError(RefusedError):
    """Insightly could not delete the record (417)."""


class RetriesExhaustedError(InsightlyError):
    """A request failed on every try that it may have, or in a way that no try will mend."""


class UnreachableError(RetriesExhaustedError):
    """There is no such host, or its certificate or the proxy on the way does not let us through.

    Somebody has to change something before a request can do better.
    """


class UsageError(InsightlyError):
    """It cannot be done as it was put: a setting, a name, a value or a file is wrong."""


class UnknownOutcomeError(InsightlyError):
    """It is not known whether something was done that must not be done twice."""


class QuotaExhaustedError(InsightlyError):
    """No requests are left for today, or only those that are kept in reserve."""


class RetryableError(InsightlyError):
    """A failure that may pass: time-outs, lost connections, 429, 5xx, broken bodies."""

    def __init__(
        self, message: str, *, was_not_processed: bool = False, **facts: Unpack[Facts]
    ) -> None:
        """Say what failed, and whether it is certain that the server did nothing of it."""
        super().__init__(message, **facts)
        self.was_not_processed = was_not_processed
        """Whether it is certain that the server did nothing of what was asked."""


class BrokenResponseError(RetryableError):
    """The body is not what belongs there; such a server may do better the next time."""

    def __init__(self, message: str, *, is_json: bool = True, **facts: Unpack[Facts]) -> None:
        """Say what is wrong with it."""
        super().__init__(message, **facts)
        self.is_json = is_json
        """Whether it is JSON, at least."""


class UnresolvedError(RetryableError):
    """No name server says where the host is, or whether there is one, before anything was sent."""


class PageTooLargeError(InsightlyError):
    """A page that is larger than is wanted at once, or takes longer: smaller ones may do."""

    def __init__(self, message: str, *, size: int | None = None, **facts: Unpack[Facts]) -> None:
        """Say why.

        Args:
            message: The text for the person who runs it.
            size: How many bytes the page has, as far as was read; None if it took too long.
            **facts: As `InsightlyError` takes them.
        """
        super().__init__(message, **facts)
        self.size = size
        """How many bytes the page has, as far as was read; None if it took too long."""


class IncompleteError(InsightlyError):
    """A list that ended before all was read that there is, by what the server says."""


class ClosedError(InsightlyError):
    """The session was closed while something was still asked of it."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The connection to Insightly was closed before all was read.")


def _not_available(method: str, path: str, status: int) -> str:
    """Say why: what is asked of one record has nothing to do with the plan, if lists are read."""
    parts = path.strip("/").split("/")
    is_read = method == "GET"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return "the API does not offer it under this name"
    if len(parts) > 1 and parts[1].isdigit():
        record = f"record {parts[1]}"
        if status == HTTPStatus.FORBIDDEN:
            verb = "see" if is_read else "change"
            below = "" if len(parts) == 2 else ", or what belongs to it"  # noqa: PLR2004 - /Contacts/1
            return f"the user of this API key may not {verb} {record}{below}"
        below = "" if len(parts) == 2 else f", or it has no {'/'.join(parts[2:])}"  # noqa: PLR2004 - as above
        return f"there is no {record}, or none that the user of this API key may see{below}"
    if status == HTTPStatus.FORBIDDEN:
        no_access = "has no access to it" if is_read else "may not do that"
        return f"the user of this API key {no_access}, or the plan leaves it out"
    if parts[0].lower().endswith("__c"):
        return "the account has no such custom object"
    first, second = "the plan of this account leaves it out", "it does not exist"
    return f"{first}, or {second}" if is_read else f"{second}, or {first}"


def _quoted(said: str | None, who: str = "Insightly") -> str:
    return f" {who} says: {said}" if said else ""
