"""Requests that keep the pace, count the quota, try again, and never show the key."""

from __future__ import annotations

import base64
import itertools
import logging
import random
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import backoff
import msgspec
import requests

from tap_insightly.api.auth import ApiKeyAuth
from tap_insightly.api.errors import (
    AuthenticationError,
    GaveUpError,
    NotAvailableError,
    PassingError,
    RefusedError,
)
from tap_insightly.api.limits import Pace, Quota

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from types import TracebackType

    from backoff.types import Details
    from typing_extensions import Self

logger = logging.getLogger(__name__)

LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more

# Decimal keeps every digit of money, which Insightly sends with up to 19 characters (spec).
_decoder = msgspec.json.Decoder(float_hook=Decimal)

# An escaped backslash or a whole pair of surrogates is kept (group 1), half a pair is not.
_HALF_PAIR = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


@dataclass(frozen=True)
class Answer:
    """What the API answered: the parsed body and the moment, by the server's clock."""

    data: Any
    """The JSON body: a list of records, or one object."""

    date: datetime | None
    """When the server answered (``Date`` header), aware; None if it did not say."""

    @property
    def records(self) -> list[dict[str, Any]]:
        """The body as a list of records; one object is a list of one."""
        return self.data if isinstance(self.data, list) else [self.data]


class InsightlySession:
    """One account's API, for any number of threads. Use it as a context manager, or close it."""

    def __init__(  # noqa: PLR0913 - the settings of a session, all by name and all optional
        self,
        base_url: str,
        api_key: str,
        *,
        requests_per_second: float = 10,
        request_timeout: float = 60,
        max_retries: int = 8,
        quota_reserve: int = 0,
        user_agent: str = "tap-insightly",
        pace: Pace | None = None,
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            base_url: Where the API is, text without a slash at its end.
            api_key: The user's API key, text.
            requests_per_second: The most requests to start in any second, a number.
            request_timeout: Seconds to wait for a connection, and for each part of an answer.
            max_retries: How often to repeat a request whose failure may pass, a number.
            quota_reserve: How many of the day's requests to leave unused, a number.
            user_agent: What to call ourselves, text.
            pace: A pace to share with others, instead of one made from `requests_per_second`.
        """
        self.base_url = base_url
        self.quota = Quota(quota_reserve)
        self.requests = 0
        """How many requests were sent, repeated ones included."""
        self._pace = pace or Pace(requests_per_second)
        self._timeout = request_timeout
        self._max_tries = max_retries + 1
        self._date: datetime | None = None
        self._auth = ApiKeyAuth(api_key)
        self._secrets = (api_key, base64.b64encode(f"{api_key}:".encode()).decode())
        self._lock = threading.Lock()
        self._http = requests.Session()
        self._http.headers.update({"User-Agent": user_agent, "Accept": "application/json"})

    def __enter__(self) -> Self:
        """Enter the context; the connections open as they are needed."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Ask for something, again if need be.

        Args:
            path: The path below the base URL, text such as ``/Contacts``.
            params: Query parameters, texts by name.

        Returns:
            The answer.

        Raises:
            AuthenticationError: If the key is not accepted.
            NotAvailableError: If the answer is 403, 404 or 405.
            RefusedError: If the answer is another that trying again will not change.
            QuotaExhaustedError: If no request may be sent any more today.
            GaveUpError: If the request failed on every try.
        """
        tries = backoff.on_exception(
            _waits,
            PassingError,
            max_tries=self._max_tries,
            jitter=None,  # the waits are random already
            on_backoff=self._log_retry,
            logger=None,
        )
        try:
            return tries(self._get_once)(path, params or {})
        except PassingError as error:
            times = "once" if self._max_tries == 1 else f"{self._max_tries} times"
            msg = (
                f"GET {self.base_url}{path} failed {times}, the last time with: {error} "
                "Check the network and Insightly's status, then run again: "
                "the sync goes on from the state written so far."
            )
            raise GaveUpError(msg) from error

    def _get_once(self, path: str, params: Mapping[str, str]) -> Answer:
        self.quota.check(self._date)
        self._pace.wait()
        response = self._send(path, params)
        self.quota.note(response.headers)
        self._date = _date(response.headers.get("Date")) or self._date
        self._raise_for_status(path, response)
        try:
            data = _parsed(response.content)
        except msgspec.DecodeError as error:
            kind = response.headers.get("Content-Type", "no content type")
            msg = f"the answer is not JSON ({kind}): {error}."
            raise PassingError(msg) from error
        if not isinstance(data, list | dict):
            msg = f"GET {self.base_url}{path} answered neither a list nor an object."
            raise RefusedError(msg)
        return Answer(data, _date(response.headers.get("Date")))

    def _send(self, path: str, params: Mapping[str, str]) -> requests.Response:
        with self._lock:
            self.requests += 1
        try:
            return self._http.get(
                self.base_url + path,
                params=dict(params),
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,  # the key goes to the address that was set, to no other
            )
        except requests.exceptions.SSLError as error:
            msg = (
                f"No secure connection to {self.base_url}: {self._clean(_reason(error))}. "
                "Check the address, and whether a proxy on the way needs its certificate trusted."
            )
            raise GaveUpError(msg) from None
        except requests.Timeout:
            msg = f"no answer within {self._timeout:g} seconds (request_timeout)."
            raise PassingError(msg) from None
        except requests.RequestException as error:
            # The chain would print the request, so the cause is told and not attached.
            msg = f"{self._clean(_reason(error))}."
            raise PassingError(msg) from None

    def _raise_for_status(self, path: str, response: requests.Response) -> None:
        status = response.status_code
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return  # some answers to GET are documented as 201 (spec)
        if status == HTTPStatus.UNAUTHORIZED:
            raise AuthenticationError(self.base_url + path)
        if status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            raise NotAvailableError(path, status)
        said = f"{status} {response.reason or ''}".strip()
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.quota.check(self._date)  # a 429 with nothing left today will not pass
            msg = f"{said}."
            raise PassingError(msg, _seconds(response.headers.get("Retry-After"), self._date))
        if status < HTTPStatus.BAD_REQUEST:
            where = self._clean(response.headers.get("Location", "nowhere"))
            msg = f"GET {self.base_url}{path} was redirected to {where}. Check pod and api_url."
            raise RefusedError(msg)
        body = self._clean(" ".join(response.text.split())[:300])
        msg = f"GET {self.base_url}{path} was refused: {said}. {body}".strip()
        raise RefusedError(msg)

    def _clean(self, thing: object) -> str:
        """Say something without the key, whatever a server or a library put into it."""
        text = str(thing)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _log_retry(self, details: Details) -> None:
        logger.warning(
            "GET %s: %s Try %d of %d in %.1f s.",
            details["args"][0],
            details["exception"],
            details["tries"] + 1,
            self._max_tries,
            details["wait"],
        )


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - anything that JSON can be
    """Parse JSON, if need be with U+FFFD for what is no character.

    Half a character can be all that is left of one at the end of a text that was cut to length
    (assumed). As an error it would end each sync at this record, for good.

    Args:
        body: What was answered.

    Returns:
        Its content.

    Raises:
        DecodeError: If it is not JSON.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        whole = _HALF_PAIR.sub(lambda match: match[1] or rb"\ufffd", body)
        return _decoder.decode(whole.decode(errors="replace"))


def _reason(error: BaseException) -> str:
    """Say what went wrong on the network, without the layers that libraries wrap around it.

    Args:
        error: What requests raised.

    Returns:
        Text such as ``Failed to establish a new connection: [Errno 111] Connection refused``.
    """
    where = "the proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    inner: object = error
    while isinstance(inner, BaseException):
        error = inner
        parts = (getattr(error, "reason", None), *error.args)
        inner = next((part for part in parts if isinstance(part, BaseException)), None)
    text = str(error).strip() or type(error).__name__
    return where + re.sub(r"^HTTPS?Connection\(.*?\): ", "", text)


def _waits() -> Generator[float, PassingError, None]:
    """Say how long to wait: what the server asked for, or exponential with full jitter.

    Yields:
        Seconds; takes the failure in exchange.
    """
    error = yield 0.0
    for tries in itertools.count():
        ceiling = min(LONGEST_WAIT, 2.0**tries)
        # random is no secret here: it keeps many clients from trying again at the same moment
        jitter = random.uniform(0, ceiling)  # noqa: S311
        error = yield jitter if error.retry_after is None else error.retry_after


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def _seconds(text: str | None, now: datetime | None) -> float | None:
    """Read Retry-After, which is a number of seconds or a date (RFC 9110).

    Args:
        text: The header, None if there is none.
        now: The server's time.

    Returns:
        Seconds, not below 0; None if the header says nothing.
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    date = _date(text)
    return max(0.0, (date - now).total_seconds()) if date and now else None
