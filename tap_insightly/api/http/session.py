"""Requests within the rate limit and the quota, sent again if need be, and without the key."""

from __future__ import annotations

import copy
import logging
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import backoff
import requests

from tap_insightly.api.http.auth import ApiKeyAuth
from tap_insightly.api.http.bodies import checked_body
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.download import read_beginning, read_body
from tap_insightly.api.http.errors import (
    ClosedError,
    Facts,
    NotAvailableError,
    QuotaExhaustedError,
    RefusedError,
    RetriesExhaustedError,
    RetryableError,
    UnknownOutcomeError,
    UnresolvedError,
)
from tap_insightly.api.http.failures import NetworkFailures
from tap_insightly.api.http.headers import is_of_gateway, moment, seconds_to_wait, whole_number
from tap_insightly.api.http.quota import Quota
from tap_insightly.api.http.rate_limit import RateLimiter
from tap_insightly.api.http.request import Request
from tap_insightly.api.http.response import Response
from tap_insightly.api.http.server_text import LONGEST, as_sentence, server_message
from tap_insightly.api.http.stats import RequestStats
from tap_insightly.api.http.status_errors import error_of
from tap_insightly.api.http.transport import breakable_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from tap_insightly.api.http.errors import InsightlyError

    RequestListener = Callable[[Request, RequestStats, float, int | None], object]

logger = logging.getLogger(__name__)

LONGEST_WAIT = 60.0  # seconds between two tries, unless the server asks for more
LONGEST_HOLD = 300.0  # seconds for which a server may ask us to wait before we rather give up


class InsightlySession(Closeable):
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
        rate_limiter: RateLimiter | None = None,
        sleep: Callable[[float], object] | None = None,
        address_origin: str = "pod and api_url",
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            base_url: Where the API is, as `base_url` returns it.
            api_key: The user's API key.
            requests_per_second: The most requests to start in any one second.
            max_concurrency: The most requests under way at the same time.
            request_timeout: Seconds to wait for a connection, and for each part of a response.
            max_retries: How often to repeat a request whose failure may pass.
            quota_reserve: How many of the day's requests to leave unused.
            user_agent: The ``User-Agent`` header.
            rate_limiter: A rate limiter to share with other sessions; by default, one is made of
                `requests_per_second` and `max_concurrency`.
            sleep: Waits between two tries, for a number of seconds; by default until that time is
                over or the session is closed.
            address_origin: The settings that the address is made of, to be named in errors.
        """
        self.base_url = base_url
        self.max_concurrency = max_concurrency
        self.quota = Quota(quota_reserve)
        self.stats = RequestStats()
        """What all threads have sent together."""
        self.rate_limiter = rate_limiter or RateLimiter(requests_per_second, max_concurrency)
        # One: of the last response, and our clock then.
        self._date: list[tuple[datetime, float]] = []
        self._timeout = request_timeout
        self._max_tries = max_retries + 1
        self._auth = ApiKeyAuth(api_key)
        self._closed = threading.Event()
        self._ending = threading.Event()
        self.sleep = sleep or self._pause
        """Waits for a number of seconds, or until the session is closed."""
        self.listener: RequestListener | None = None
        """Is told of each request that has ended, as long as its error is being handled."""
        self._http, self._connections = breakable_session(max_concurrency)
        self._failures = NetworkFailures(
            base_url, address_origin, request_timeout, self._connections.lookup, self._auth.hide
        )
        self._http.headers.update({"User-Agent": user_agent, "Accept": "application/json"})

    def with_stats(self, stats: RequestStats) -> InsightlySession:
        """Share this session, but count apart what is sent through it.

        Args:
            stats: Where to count: a part of the `stats` of this one.

        Returns:
            A session with the same connections, rate limiter and quota. It need not be closed.
        """
        other = copy.copy(self)
        other.stats = stats
        return other

    def close(self) -> None:
        """End all that is under way or waits, in whatever thread, and close the connections."""
        self._closed.set()
        self._ending.set()
        self.rate_limiter.close()
        self.quota.close()
        self._connections.break_off()
        self._http.close()

    def stop_waiting(self) -> None:
        """End what waits for another try or lookup, with a `ClosedError`; the rest goes on."""
        self._ending.set()

    def _pause(self, seconds: float) -> None:
        if self._ending.wait(seconds):
            raise ClosedError

    def now(self) -> datetime | None:
        """Say what time it is by the server's clock.

        Returns:
            An aware datetime, reckoned from the ``Date`` of the last response; None before that.
        """
        if not self._date:
            return None
        ((date, at),) = self._date
        return date + timedelta(seconds=time.monotonic() - at)

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        stats: RequestStats | None = None,
        *,
        largest: int | None = None,
    ) -> Response:
        """Send a GET, again if need be.

        Args:
            path: The path below the base URL, such as ``/Contacts``.
            params: Query parameters by name.
            stats: Where to count what is sent: a part of those of the session; by default these.
            largest: The most bytes that are wanted, unpacked, if it is a page of a list, and a
                smaller one would do as well; by default any number.

        Returns:
            The response, which is one of the 2xx, and has JSON of the shape that belongs there.

        Raises:
            InsightlyError: As `send` does.
        """
        return self.send(Request("GET", path, params or {}, largest=largest), stats)

    def send(self, request: Request, stats: RequestStats | None = None) -> Response:
        """Send a request, again if need be and if that does no harm.

        Args:
            request: The request.
            stats: Where to count what is sent: a part of those of the session; by default these.

        Returns:
            The response, which is one of the 2xx.

        Raises:
            AuthenticationError: If the key is not accepted.
            NotAvailableError: If the status is 403, 404 or 405.
            RefusedError: If it is another that trying again will not change.
            QuotaExhaustedError: If no request may be sent any more today.
            UnreachableError: If there is no way to the server before somebody changes something.
            RetriesExhaustedError: If the request failed on every try.
            UnknownOutcomeError: If it may have been done, and must not be done twice.
            PageTooLargeError: If the response is larger than the request says, or does not come in
                time.
            ClosedError: If the session is closed meanwhile.
        """
        try:
            return self._send_and_retry(request, stats or self.stats)
        except (QuotaExhaustedError, ClosedError) as error:
            error.set_request(request.method, request.path)
            raise

    def _send_and_retry(self, request: Request, stats: RequestStats) -> Response:
        waits = backoff.expo(max_value=LONGEST_WAIT)
        next(waits)  # the generator's first value is not a wait
        number, may_be_done = 1, False
        while True:
            try:
                return self._send_once(request, stats)
            except RetryableError as error:
                may_be_done |= not error.was_not_processed
                if may_be_done and not request.is_repeatable:
                    raise self._unknown(request, error) from error
                wait = backoff.full_jitter(waits.send(None))
                if number >= self._max_tries or self._is_hopeless(error, wait):
                    raise self._given_up(request, error, number, may_be_done) from error
                self._log_retry(request, error, number, wait)
            except NotAvailableError as error:
                if may_be_done and request.method == "DELETE" and error.is_missing:
                    return Response(b"", status=HTTPStatus.ACCEPTED)  # by the try before
                raise
            except RefusedError as error:
                if may_be_done and "If-Match" in request.headers:
                    # The try before may have changed the version itself.
                    raise self._unknown(request, error) from error
                raise
            self.sleep(wait)
            number += 1
            stats.count(retries=1)

    def _send_once(self, request: Request, stats: RequestStats) -> Response:
        self.quota.acquire()
        headers: Mapping[str, str] | None = None
        date, retry_after, is_refused = None, None, None
        try:
            permit = self.rate_limiter.acquire()
            try:
                with self._exchange(request, stats) as response:
                    headers = response.headers
                    date = moment(headers.get("Date"))
                    if date is not None:
                        self._date[:] = [(date, time.monotonic())]
                    is_refused = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
                    retry_after = self._retry_after(request, response, date)
                    # Some responses to GET are documented as 201 (spec).
                    is_success = response.status_code < HTTPStatus.MULTIPLE_CHOICES
                    read = read_body if is_success else read_beginning
                    content = read(request, response)
            finally:
                self.rate_limiter.release(permit, is_refused=is_refused, retry_after=retry_after)
        finally:
            self.quota.release(headers, date)
        stats.count(refused=int(is_refused))
        if not is_success:
            raise self._error(request, response, content)
        status = response.status_code
        total = whole_number(headers.get("X-Total-Count"))
        counted = None
        if request.is_json and (request.method == "GET" or content.strip()):
            kind = headers.get("Content-Type", "no content type")
            content, counted = checked_body(request, content, kind, self._auth.hide, status)
        return Response(content, date, total, status, headers, counted)

    @contextmanager
    def _exchange(self, request: Request, stats: RequestStats) -> Iterator[requests.Response]:
        """Send a request; say what is wrong if that fails, or the reading of the response."""
        stats.count(requests=1)
        started, status = time.monotonic(), None
        try:
            with self._http.request(
                request.method,
                self.base_url + request.path,
                params=dict(request.params),
                data=request.body,
                headers=dict(request.headers),
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,  # the key goes to the address that was set, to no other
                stream=True,
            ) as response:
                status = response.status_code
                yield response
        except requests.RequestException as error:
            self._raise_if_closed()
            was_answered = bool(self._date)
            raise self._failures.error_of(request, error, was_answered=was_answered) from None
        except Exception:
            self._raise_if_closed()  # whatever a connection says that is broken off
            raise
        finally:
            if self.listener is not None:
                self.listener(request, stats, time.monotonic() - started, status)
        stats.time(time.monotonic() - started, response.status_code)

    def _raise_if_closed(self) -> None:
        if self._closed.is_set():
            raise ClosedError from None

    def _error(
        self, request: Request, response: requests.Response, content: bytes
    ) -> InsightlyError:
        status = response.status_code
        if status < HTTPStatus.BAD_REQUEST:
            said = self._auth.hide(response.headers.get("Location", ""))[:LONGEST]
        else:
            said = as_sentence(self._auth.hide(server_message(content, status, response.reason)))
        is_own = is_of_gateway(response.headers)
        error = error_of(request, status, said, self.base_url, is_of_gateway=is_own)
        # A 429 with nothing left today will not pass.
        shortage = self.quota.shortage() if isinstance(error, RetryableError) else None
        if shortage is not None:
            return QuotaExhaustedError(shortage, request=request, status=status, said=said)
        return error

    def _retry_after(
        self, request: Request, response: requests.Response, date: datetime | None
    ) -> float | None:
        """Say for how many seconds the server wants to be left alone.

        If nothing is left for today, that is another matter. If it is longer than anybody should
        wait, that is an error.
        """
        seconds = seconds_to_wait(response.headers.get("Retry-After"), date)
        if seconds is None or response.headers.get("X-RateLimit-Remaining", "").strip() == "0":
            return None
        if seconds > LONGEST_HOLD:
            status = response.status_code
            msg = (
                f"{request.method} {self.base_url}{request.path} was answered {status}, "
                "with the wish to "
                f"be left alone for {seconds:,.0f} seconds (Retry-After). Run it again after that."
            )
            was_not_processed = status == HTTPStatus.TOO_MANY_REQUESTS
            if was_not_processed or request.is_repeatable:
                raise RetriesExhaustedError(msg, request=request, status=status)
            raise self._unknown(request, RetryableError(msg, status=status))
        return seconds

    def _is_hopeless(self, error: RetryableError, wait: float) -> bool:
        """Tell whether it is rather told now than tried again, as a setting may be wrong."""
        return isinstance(error, UnresolvedError) and self._connections.lookup.is_over(wait)

    def _given_up(
        self,
        request: Request,
        error: RetryableError,
        tries: int,
        may_be_done: bool,  # noqa: FBT001 - as it is known there
    ) -> RetriesExhaustedError:
        times = "once" if tries == 1 else f"{tries} times"
        outcome = ""
        if not request.is_reading:
            outcome = " It may have been done." if may_be_done else " Nothing was done."
        msg = (
            f"{request.method} {self.base_url}{request.path} failed {times}, the last time with: "
            f"{error}{outcome} Check the network and Insightly's status, then run it again."
        )
        facts = Facts(request=request, status=error.status, said=error.said)
        return RetriesExhaustedError(msg, **facts)

    def _unknown(self, request: Request, error: InsightlyError) -> UnknownOutcomeError:
        msg = (
            f"{request.method} {self.base_url}{request.path} may have been done, or not: {error} "
            "Look at what is there before you do it again."
        )
        facts = Facts(request=request, status=error.status, said=error.said)
        return UnknownOutcomeError(msg, **facts)

    def _log_retry(self, request: Request, error: RetryableError, number: int, wait: float) -> None:
        what = f"{request.method} {request.path}"
        tries = (number + 1, self._max_tries)
        logger.warning("%s: %s Try %d of %d in %.1f s.", what, error, *tries, wait)
