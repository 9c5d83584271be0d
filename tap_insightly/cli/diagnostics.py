"""Why an account cannot be reached, and what to do about it."""

from __future__ import annotations

import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from tap_insightly.api import QuotaExhaustedError, RefusedError
from tap_insightly.api.http.address import pod_name
from tap_insightly.api.http.errors import BrokenResponseError, RetryableError
from tap_insightly.api.http.failures import PROXY_VARIABLES, proxy_of
from tap_insightly.api.http.transport import reason_of, took_too_long, wrapped_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.api import InsightlyError, InsightlySession

_ADDRESS_SHOWN = "the API URL that Insightly shows under User Settings > API"


class Explainer:
    """Explains what ended a request for good, to the user of this address."""

    def __init__(self, config: Mapping[str, Any], session: InsightlySession) -> None:
        url = urlsplit(session.base_url)
        self._session = session
        self._host = url.hostname
        self._address = url.netloc
        self._compare = f"Compare api_url with {_ADDRESS_SHOWN}."
        if not (url.hostname or "").endswith(".insightly.com"):
            self._compare = f"Compare api_url with {_ADDRESS_SHOWN}, or with that of your gateway."
        if not config.get("api_url"):
            self._compare = f"Compare the pod, '{pod_name(config['pod'])}', with {_ADDRESS_SHOWN}."

    def __call__(self, error: InsightlyError) -> str:
        """Say what happened and what to do about it, a sentence each."""
        url = self._session.base_url
        for cause in _causes(error):
            if isinstance(cause, requests.RequestException):
                return self._unreached(cause)
            if isinstance(cause, BrokenResponseError):
                return self._broken(cause)
        if isinstance(error, RefusedError) and _is_strange(error):
            return f"{url} does not answer as Insightly's API does: {error} {self._compare}"
        if isinstance(error, QuotaExhaustedError):
            return self._used_up()
        if isinstance(error.__cause__, RetryableError):
            return (
                f"{url} fails at the moment: {error.__cause__} Look at Insightly's status, and "
                "try again later."
            )
        return str(error)

    def _broken(self, error: BrokenResponseError) -> str:
        """Explain an answer that cannot come from Insightly."""
        url = self._session.base_url
        if error.is_json:
            return f"{url} does not answer as Insightly's API does: {error} {self._compare}"
        return (
            f"{url} does not answer as Insightly's API does: the answer is not JSON. "
            f"{self._compare} If it is right, then a proxy or a page to sign in to the "
            "network answers in its place."
        )

    def _unreached(self, error: requests.RequestException) -> str:
        """Explain why there was no answer."""
        reason = reason_of(error).removeprefix("the proxy: ")
        if isinstance(error, requests.exceptions.ProxyError):
            proxy = proxy_of(self._session.base_url)
            return (
                f"The proxy {proxy} does not let us through to {self._host} ({reason}). "
                f"It is set by {PROXY_VARIABLES}: correct that, or name the host in NO_PROXY."
            )
        causes = tuple(_causes(error))
        if isinstance(error, requests.exceptions.SSLError):
            if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
                return (
                    f"The certificate of {self._address} is not trusted ({reason}). If a proxy or "
                    "a gateway of your own answers there, name a file with its certificate in "
                    "REQUESTS_CA_BUNDLE. If not, do not send your key there."
                )
            return f"There is no secure connection to {self._address} ({reason}). {self._compare}"
        for one in causes:
            if isinstance(one, socket.gaierror):
                return self._unnamed(one)
        if took_too_long(error):
            return (
                f"{self._address} takes the request, but does not answer it in time "
                "(request_timeout). Look at Insightly's status, and try again later."
            )
        return (
            f"There is no connection to {self._address} ({reason}). Check the network and whatever "
            f"firewall or proxy is on the way. {self._compare}"
        )

    def _unnamed(self, error: socket.gaierror) -> str:
        if error.errno == socket.EAI_AGAIN:
            return (
                f"The host name {self._host} cannot be looked up, because no name server answers "
                f"({error.strerror}). Check the network. {self._compare}"
            )
        return f"The host name {self._host} does not exist ({error.strerror}). {self._compare}"

    def _used_up(self) -> str:
        quota = self._session.quota
        limit = f" of {quota.limit:,}" if quota.limit is not None else ""
        return (
            f"The day's API requests are used up: {quota.remaining or 0:,}{limit} are left, beyond "
            "which nothing can be asked. Check again tomorrow: Insightly is reported to start a "
            "new day at midnight UTC."
        )


def _is_strange(error: RefusedError) -> bool:
    """Tell whether it was a redirect, or a body that does not come from Insightly."""
    return error.status is None or error.status < HTTPStatus.BAD_REQUEST


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Go through all errors that led to this one, also those that are not shown with it."""
    found = [error]
    for one in found:  # it grows meanwhile
        yield one
        for inner in (one.__cause__, one.__context__, *wrapped_errors(one)):
            if inner is not None and not any(inner is other for other in found):
                found.append(inner)
