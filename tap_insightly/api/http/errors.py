"""What can go wrong with the API, each said so that the reader knows what to do."""

from __future__ import annotations

from http import HTTPStatus


class InsightlyError(Exception):
    """Anything that ends a request for good; its text is meant for the person who runs it."""


class AuthenticationError(InsightlyError):
    """The API key was not accepted (401)."""

    def __init__(self, url: str, said: str = "") -> None:
        """Say which address refused the key.

        Args:
            url: The address that was asked, text.
            said: What the server said of it, a sentence without the key; empty for nothing.
        """
        super().__init__(
            f"Insightly did not accept the API key (401 from {url}). Compare api_key and pod with "
            "the key and the API URL shown in Insightly under User Settings > API. If they are "
            "right, ask an administrator whether API access is switched on for this user (System "
            f"Settings > User List > Edit User).{_quoted(said)}"
        )


class NotAvailableError(InsightlyError):
    """This address is not there for this user or plan (403, 404 or 405)."""

    def __init__(self, path: str, status: int, method: str = "GET", said: str = "") -> None:
        """Say what is not available.

        Args:
            path: The path that was asked, text.
            status: The HTTP status of the answer, a number.
            method: What was asked of it, text.
            said: What the server said of it, a sentence without the key; empty for nothing.
        """
        is_read = method == "GET"
        no_access = "the user of this API key has no access to it, or the plan leaves it out"
        missing = "the plan of this account leaves it out, or it does not exist"
        if not is_read:
            no_access = "the user of this API key may not do that, or the plan leaves it out"
            missing = "it does not exist, or the plan of this account leaves it out"
        reason = {403: no_access, 404: missing, 405: "the API does not offer it under this name"}
        what = f"{path} cannot be read" if is_read else f"{method} {path} cannot be done"
        super().__init__(f"{what} ({status}): {reason[status]}.{_quoted(said)}")
        self.status = status
        """The HTTP status: 403, 404 or 405."""

    @property
    def is_missing(self) -> bool:
        """Whether there is no such thing (404)."""
        return self.status == HTTPStatus.NOT_FOUND


class RefusedError(InsightlyError):
    """An answer that trying again will not change: any other 4xx, a redirect, a strange body."""

    def __init__(self, message: str, status: int | None = None) -> None:
        """Say what was refused.

        Args:
            message: The text for the person who runs it.
            status: The HTTP status, a number; None if that was not the matter.
        """
        super().__init__(message)
        self.status = status
        """The HTTP status; None if that was not the matter."""


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


class UnknownOutcomeError(InsightlyError):
    """It is not known whether something was done that must not be done twice."""


class QuotaExhaustedError(InsightlyError):
    """No requests are left for today, or only those that are kept in reserve."""


class RetryableError(InsightlyError):
    """A failure that may pass: time-outs, lost connections, 429, 5xx, broken bodies."""

    def __init__(self, message: str, *, was_not_processed: bool = False) -> None:
        """Say what failed.

        Args:
            message: The cause, a sentence.
            was_not_processed: Whether it is certain that the server did nothing of what was asked.
        """
        super().__init__(message)
        self.was_not_processed = was_not_processed
        """Whether it is certain that the server did nothing of what was asked."""


class BrokenResponseError(RetryableError):
    """What was answered is not what belongs there; such a server may do better the next time."""

    def __init__(self, message: str, *, is_json: bool = True) -> None:
        """Say what is wrong with it.

        Args:
            message: The cause, a sentence.
            is_json: Whether it is JSON, at least.
        """
        super().__init__(message)
        self.is_json = is_json
        """Whether it is JSON, at least."""


class PageTooLargeError(InsightlyError):
    """A page that is larger than is wanted at once, or takes longer: smaller ones may do."""

    def __init__(self, message: str, *, size: int | None = None) -> None:
        """Say why.

        Args:
            message: The cause, a sentence.
            size: How many bytes it has, as far as was read; None if it took too long.
        """
        super().__init__(message)
        self.size = size
        """How many bytes it has, as far as was read; None if it took too long."""


class IncompleteError(InsightlyError):
    """A list that ended before all was read that there is, by what the server says."""


class ClosedError(InsightlyError):
    """The session was closed while something was still asked of it."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The connection to Insightly was closed before all was read.")


def _quoted(said: str) -> str:
    return f" Insightly says: {said}" if said else ""
