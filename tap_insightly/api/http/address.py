"""The address of an account's API."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from tap_insightly.api.http.errors import UsageError

API_VERSION = "v3.1"

_POD = re.compile(r"[a-z][a-z0-9]{1,15}", re.IGNORECASE)
_POD_HOST = re.compile(r"api\.(?P<pod>[^.]+)\.insightly\.com", re.IGNORECASE)
_VERSION = re.compile(r"v[0-9]+\.[0-9]+", re.IGNORECASE)

POD_ACCEPTED = (
    "the pod alone, such as na1, or the API URL as Insightly shows it under User Settings > API, "
    "such as https://api.na1.insightly.com/v3.1"
)
URL_ACCEPTED = (
    "a base URL up to and including the version, such as https://api.na1.insightly.com/v3.1, "
    "without user name, query or fragment; plain http only to this machine, such as "
    "http://127.0.0.1:8080/v3.1"
)


class InvalidAddressError(UsageError, ValueError):
    """Neither a pod nor an API URL of Insightly; `accepted` says what would be."""

    def __init__(self, accepted: str) -> None:
        """Say what would have been accepted.

        Args:
            accepted: What valid addresses look like, to go on with after "accepted is".
        """
        super().__init__(f"The address of the API is not accepted; accepted is {accepted}.")
        self.accepted = accepted


def pod_name(pod: str) -> str:
    """Find the pod, in lower case, in what a user pasted: the pod, or the API URL in any form.

    A version in the URL is not used: the tap reads its own. What is neither is an
    `InvalidAddressError`.
    """
    text = pod.strip()
    if not _POD.fullmatch(text):
        text = _pod_of_url(text if "://" in text else f"https://{text}")
    return text.lower()


def _pod_of_url(text: str) -> str:
    url = _split(text, POD_ACCEPTED)
    host = _POD_HOST.fullmatch(url.netloc)  # netloc, so that a port or a user name is no match
    rest = url.path.strip("/")
    if (
        host is None
        or not _POD.fullmatch(host["pod"])
        or url.scheme != "https"
        or (rest and not _VERSION.fullmatch(rest))
        or url.query
        or url.fragment
    ):
        raise InvalidAddressError(POD_ACCEPTED)
    return host["pod"]


def base_url(pod: str = "na1", api_url: str | None = None, api_version: str = API_VERSION) -> str:
    """Say where the API of an account is.

    Args:
        pod: The pod (``na1``) or the API URL of the account, in any form.
        api_url: A base URL that overrides the pod and the version; None for none.
        api_version: The version in the URL of a pod, such as ``v3.1``.

    Returns:
        The base URL, up to and including the version, without a slash at its end.

    Raises:
        InvalidAddressError: If the pod or the URL is none, or the URL would send the key over
            plain http to another machine.
    """
    if not api_url:
        return f"https://api.{pod_name(pod)}.insightly.com/{api_version}"
    url = _split(api_url.strip(), URL_ACCEPTED)
    if (
        url.scheme not in {"http", "https"}
        or not url.hostname
        or "@" in url.netloc
        or not _VERSION.fullmatch(url.path.rstrip("/").rpartition("/")[2])
        or url.query
        or url.fragment
        or (url.scheme == "http" and not _is_this_machine(url.hostname))
    ):
        raise InvalidAddressError(URL_ACCEPTED)
    return url.geturl().rstrip("/")


def origin_of(pod: str, api_url: str | None) -> str:
    """Name the setting that an address is made of, with the pod.

    Args:
        pod: As `base_url` takes it.
        api_url: As `base_url` takes it.

    Returns:
        Text to go on with after "compare".
    """
    return "api_url" if api_url else f"pod ('{pod_name(pod)}')"


def _split(text: str, accepted: str) -> SplitResult:
    if not text.isascii() or any(c.isspace() for c in text):
        raise InvalidAddressError(accepted)
    try:
        url = urlsplit(text)
        _ = url.port  # a port that is no number shows only when it is asked for
    except ValueError:
        raise InvalidAddressError(accepted) from None
    return url


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
