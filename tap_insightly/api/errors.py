"""What can go wrong with the API, each said so that the reader knows what to do."""

from __future__ import annotations


class InsightlyError(Exception):
    """Anything that ends a request for good; its text is meant for the person who runs the tap."""


class AuthenticationError(InsightlyError):
    """The API key was not accepted (401)."""

    def __init__(self, url: str) -> None:
        """Say which address refused the key.

        Args:
            url: The address that was asked, text.
        """
        super().__init__(
            f"Insightly did not accept the API key (401 from {url}). Compare api_key and pod with "
            "the key and the API URL shown in Insightly under User Settings > API."
        )


class NotAvailableError(InsightlyError):
    """This address is not there for this user or plan (403, 404 or 405)."""

    def __init__(self, path: str, status: int) -> None:
        """Say what is not available.

        Args:
            path: The path that was asked, text.
            status: The HTTP status of the answer, a number.
        """
        reason = {
            403: "the user of this API key has no access to it, or the plan leaves it out",
            404: "the plan of this account leaves it out, or it does not exist",
            405: "the API does not offer it under this name",
        }[status]
        super().__init__(f"{path} cannot be read ({status}): {reason}.")
        self.status = status


class RefusedError(InsightlyError):
    """An answer that trying again will not change: any other 4xx, a redirect, a strange body."""


class GaveUpError(InsightlyError):
    """A request failed on every try that it may have, or in a way that no try will mend."""


class QuotaExhaustedError(InsightlyError):
    """No requests are left for today, or only those that are kept in reserve."""


class PassingError(InsightlyError):
    """A failure that may pass: time-outs, lost connections, 429, 5xx, broken bodies."""


class ClosedError(InsightlyError):
    """The session was closed while something was still asked of it."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The connection to Insightly was closed before all was read.")
