"""What went wrong on the way to a server, with the setting that the reader should look at."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy

from tap_insightly.api.http.errors import (
    PageTooLargeError,
    RetriesExhaustedError,
    RetryableError,
    UnreachableError,
    UnresolvedError,
)
from tap_insightly.api.http.transport import (
    lookup_failure,
    reason_of,
    took_too_long,
    was_never_sent,
    will_last,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tap_insightly.api.http.errors import InsightlyError
    from tap_insightly.api.http.lookup import HostLookup
    from tap_insightly.api.http.request import Request

PROXY_VARIABLES = "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"


class NetworkFailures:
    """Makes errors of what requests raises, for one address."""

    def __init__(
        self,
        base_url: str,
        origin: str,
        timeout: float,
        lookup: HostLookup,
        hide: Callable[..., str],
    ) -> None:
        """Take what the errors tell of.

        Args:
            base_url: The address.
            origin: The settings that it is made of.
            timeout: Seconds for which each part of a response is waited for.
            lookup: What has looked the host up.
            hide: Takes the key out of a text.
        """
        self._base_url = base_url
        self._compare = (
            f"Compare {origin} with the API URL shown in Insightly under User Settings > API."
        )
        self._timeout = timeout
        self._lookup = lookup
        self._hide = hide

    def error_of(
        self, request: Request, error: requests.RequestException, *, was_answered: bool
    ) -> InsightlyError:
        """Say what went wrong with a request.

        Args:
            request: What was asked.
            error: What requests has raised. It must not be chained, as it would print the request.
            was_answered: Whether anything was ever answered from there.

        Returns:
            The error; a `RetryableError` if it may pass.
        """
        if isinstance(error, requests.exceptions.SSLError):
            msg = (
                f"No secure connection to {self._base_url}: {self._hide(reason_of(error))}. "
                "Check the address, and whether a proxy on the way needs its certificate trusted."
            )
            kind = UnreachableError if will_last(error) else RetriesExhaustedError
            return kind(msg, request=request)
        is_late = took_too_long(error)
        if is_late and request.largest is not None:
            msg = (
                f"GET {self._base_url}{request.path} was not answered in whole within "
                f"{self._timeout:g} seconds (request_timeout)."
            )
            return PageTooLargeError(msg, request=request)
        failure = lookup_failure(error)
        # A host that was found once will be found again, and so will a proxy that let us through.
        was_reached = self._lookup.has_found if failure is not None else was_answered
        if failure is not None and not was_reached:
            return self._unresolved(request, error, failure)
        if will_last(error) and not was_reached:
            msg = f"{self._base_url} cannot be reached: {self._hide(reason_of(error))}."
            return UnreachableError(f"{msg} {self._compare}", request=request)
        msg = f"{self._hide(reason_of(error))}."
        if is_late or isinstance(error, requests.Timeout):
            msg = f"no answer within {self._timeout:g} seconds (request_timeout)."
        return RetryableError(msg, was_not_processed=was_never_sent(error), request=request)

    def _unresolved(
        self, request: Request, error: requests.RequestException, failure: socket.gaierror
    ) -> InsightlyError:
        """Say that a name is not known, or that nobody says whether it is."""
        what, compare = f"the host name {urlsplit(self._base_url).hostname}", self._compare
        if isinstance(error, requests.exceptions.ProxyError):
            what = f"the host name of the proxy, {proxy_of(self._base_url)},"
            compare = f"It is set by {PROXY_VARIABLES}: correct that, or remove it."
        if will_last(error):
            msg = f"{self._base_url} cannot be reached: {what} does not exist ({failure.strerror})."
            return UnreachableError(f"{msg} {compare}", request=request)
        msg = f"{what} cannot be looked up: {failure.strerror}. {compare}"
        return UnresolvedError(msg, was_not_processed=True, request=request)


def proxy_of(url: str) -> str:
    """Say which proxy the environment sets for an address, without a password."""
    proxy = select_proxy(url, get_environ_proxies(url)) or ""
    return urlsplit(proxy).netloc.rpartition("@")[2]
