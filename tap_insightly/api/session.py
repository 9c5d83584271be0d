"""Requests that keep the pace, count the quota, try again, and never show the key."""

from __future__ import annotations

import base64
import logging
import re
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import backoff
import msgspec
import requests

from tap_insightly.api.answer import Answer, checked_body
from tap_insightly.api.auth import ApiKeyAuth
from tap_insightly.api.closing import Closing
from tap_insightly.api.errors import (
    AuthenticationError,
    ClosedError,
    GaveUpError,
    NotAvailableError,
    PassingError,
    RefusedError,
)
from tap_insightly.api.headers import moment, seconds_to_wait, whole_number
from tap_insightly.api.limits import Pace
from tap_insightly.api.quota import Quota
from tap_insightly.api.tally import Tally
from tap_insightly.api.transport import breakable_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

logger = logging.getLogger(__name__)

LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more
LONGEST_HOLD = 300.0  # seconds for which a server may ask us to wait before we rather give up


class InsightlySession(Closing):
    """One account's API, for any number of threads. Use it as a context manager, or close it."""

    def __init__(  # noqa: PLR0913 - the settings of a session, all by name and all optional
        self,
        base_url: str,
        api_key: str,
        *,
        requests_per_second: float = 10,
        max_concurrency: int = 20,
        request_timeout: float = 60,
        max_retries: int = 8,
        quota_reserve: int = 0,
        user_agent: str = "tap-insightly",
        pace: Pace | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            base_url: Where the API is, text without a slash at its end.
            api_key: The user's API key, text.
            requests_per_second: The most requests to start in any second, a number.
            max_concurrency: The most requests under way, a number.
            request_timeout: Seconds to wait for a connection, and for each part of an answer.
            max_retries: How often to repeat a request whose failure may pass, a number.
            quota_reserve: How many of the day's requests to leave unused, a number.
            user_agent: What to call ourselves, text.
            pace: A pace to share with others, instead of one made from the numbers above.
            sleep: How to wait between two tries, given seconds; closing ends the wait if this is
                not given.
        """
        self.base_url = base_url
        self.max_concurrency = max_concurrency
        self.quota = Quota(quota_reserve)
        self.total = Tally()
        """What was sent by all together."""
        self.pace = pace or Pace(requests_per_second, max_concurrency)
        self._timeout = request_timeout
        self._max_tries = max_retries + 1
        self._auth = ApiKeyAuth(api_key)
        self._secrets = (api_key, base64.b64encode(f"{api_key}:".encode()).decode())
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._http, self._connections = breakable_session(max_concurrency)
        self._http.headers.update({"User-Agent": user_agent, "Accept": "application/json"})

    def close(self) -> None:
        """End all that is under way or waits, in whatever thread, and close the connections."""
        self._closed.set()
        self.pace.close()
        self.quota.close()
        self._connections.break_off()
        self._http.close()

    def get(
        self, path: str, params: Mapping[str, str] | None = None, tally: Tally | None = None
    ) -> Answer:
        """Ask for something, again if need be.

        Args:
            path: The path below the base URL, text such as ``/Contacts``.
            params: Query parameters, texts by name.
            tally: Where to count what is sent: a part of `total`, or nothing for `total` itself.

        Returns:
            The answer.

        Raises:
            AuthenticationError: If the key is not accepted.
            NotAvailableError: If the answer is 403, 404 or 405.
            RefusedError: If the answer is another that trying again will not change.
            QuotaExhaustedError: If no request may be sent any more today.
            GaveUpError: If the request failed on every try.
            ClosedError: If the session is closed meanwhile.
        """
        tally = tally or self.total
        waits = backoff.expo(max_value=LONGEST_WAIT)
        next(waits)  # the generator's first value is not a wait
        number = 1
        while True:
            try:
                return self._get_once(path, params or {}, tally)
            except PassingError as error:
                if number >= self._max_tries:
                    raise self._given_up(path, error) from error
                wait = backoff.full_jitter(waits.send(None))
                self._log_retry(path, error, number, wait)
            self._sleep(wait)
            number += 1
            tally.count(retries=1)

    def _get_once(self, path: str, params: Mapping[str, str], tally: Tally) -> Answer:
        self.quota.take()
        headers: Mapping[str, str] | None = None
        date, hold, is_refused = None, None, None
        try:
            start = self.pace.start()
            try:
                response = self._send(path, params, tally)
                headers = response.headers
                date = moment(headers.get("Date"))
                is_refused = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
                hold = self._hold(path, response, date)
            finally:
                self.pace.answer(start, is_refused=is_refused, hold=hold)
        finally:
            self.quota.give(headers, date)
        tally.count(refused=int(is_refused))
        self._raise_for_status(path, response)
        try:
            body = checked_body(response.content)
        except msgspec.DecodeError as error:
            kind = headers.get("Content-Type", "no content type")
            msg = f"the answer is not JSON ({kind}): {error}."
            raise PassingError(msg) from error
        if not re.match(rb"\s*[\[{]", body):
            msg = f"GET {self.base_url}{path} answered neither a list nor an object."
            raise RefusedError(msg)
        return Answer(body, date, whole_number(headers.get("X-Total-Count")))

    def _send(self, path: str, params: Mapping[str, str], tally: Tally) -> requests.Response:
        tally.count(requests=1)
        started = time.monotonic()
        try:
            response = self._http.get(
                self.base_url + path,
                params=dict(params),
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,  # the key goes to the address that was set, to no other
            )
        except requests.exceptions.SSLError as error:
            self._raise_if_closed()
            msg = (
                f"No secure connection to {self.base_url}: {self._clean(_reason(error))}. "
                "Check the address, and whether a proxy on the way needs its certificate trusted."
            )
            raise GaveUpError(msg) from None
        except requests.Timeout:
            msg = f"no answer within {self._timeout:g} seconds (request_timeout)."
            raise PassingError(msg) from None
        except requests.RequestException as error:
            self._raise_if_closed()
            # The chain would print the request, so the cause is told and not attached.
            msg = f"{self._clean(_reason(error))}."
            raise PassingError(msg) from None
        except Exception:
            self._raise_if_closed()  # whatever a connection says that is broken off
            raise
        tally.time(time.monotonic() - started, response.status_code)
        return response

    def _raise_if_closed(self) -> None:
        if self._closed.is_set():
            raise ClosedError from None

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
            self.quota.check()  # a 429 with nothing left today will not pass
            msg = f"{said}."
            raise PassingError(msg)
        if status < HTTPStatus.BAD_REQUEST:
            where = self._clean(response.headers.get("Location", "nowhere"))
            msg = f"GET {self.base_url}{path} was redirected to {where}. Check pod and api_url."
            raise RefusedError(msg)
        body = self._clean(" ".join(response.text.split())[:300])
        msg = f"GET {self.base_url}{path} was refused: {said}. {body}".strip()
        raise RefusedError(msg)

    def _hold(self, path: str, response: requests.Response, date: datetime | None) -> float | None:
        """Say how long the server wants to be left alone.

        Args:
            path: What was asked for, text.
            response: The answer.
            date: The server's time; None if it is not known.

        Returns:
            Seconds; None if it does not say, or nothing is left for today, which is another matter.

        Raises:
            GaveUpError: If it is longer than a sync should wait.
        """
        seconds = seconds_to_wait(response.headers.get("Retry-After"), date)
        if seconds is None or response.headers.get("X-RateLimit-Remaining", "").strip() == "0":
            return None
        if seconds > LONGEST_HOLD:
            msg = (
                f"GET {self.base_url}{path} was answered {response.status_code}, with the wish to "
                f"be left alone for {seconds:,.0f} seconds (Retry-After). Run again after that: "
                "the sync goes on from the state written so far."
            )
            raise GaveUpError(msg)
        return seconds

    def _clean(self, thing: object) -> str:
        """Say something without the key, whatever a server or a library put into it."""
        text = str(thing)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _given_up(self, path: str, error: PassingError) -> GaveUpError:
        times = "once" if self._max_tries == 1 else f"{self._max_tries} times"
        return GaveUpError(
            f"GET {self.base_url}{path} failed {times}, the last time with: {error} "
            "Check the network and Insightly's status, then run again: "
            "the sync goes on from the state written so far."
        )

    def _log_retry(self, path: str, error: PassingError, number: int, wait: float) -> None:
        logger.warning(
            "GET %s: %s Try %d of %d in %.1f s.", path, error, number + 1, self._max_tries, wait
        )


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
    return where + re.sub(r"^\w+\(.*?\): ", "", text)
