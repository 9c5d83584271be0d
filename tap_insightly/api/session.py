"""Requests that keep the pace, count the quota, try again, and never show the key."""

from __future__ import annotations

import base64
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

from tap_insightly.api.answer import Answer
from tap_insightly.api.auth import ApiKeyAuth
from tap_insightly.api.bodies import checked_body
from tap_insightly.api.closing import Closing
from tap_insightly.api.errors import (
    ClosedError,
    GaveUpError,
    NotAvailableError,
    PageTooLargeError,
    PassingError,
    RefusedError,
    UnknownOutcomeError,
)
from tap_insightly.api.headers import moment, seconds_to_wait, whole_number
from tap_insightly.api.limits import Pace
from tap_insightly.api.outcome import error_of
from tap_insightly.api.quota import Quota
from tap_insightly.api.receiving import beginning, received
from tap_insightly.api.request import Request
from tap_insightly.api.said import LONGEST, sentence, told
from tap_insightly.api.tally import Tally
from tap_insightly.api.transport import (
    breakable_session,
    reason_of,
    took_too_long,
    was_never_sent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from tap_insightly.api.errors import InsightlyError

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
        self._date: list[tuple[datetime, float]] = []  # one: of the last answer, and our clock then
        self._timeout = request_timeout
        self._max_tries = max_retries + 1
        self._auth = ApiKeyAuth(api_key)
        self._secrets = (api_key, base64.b64encode(f"{api_key}:".encode()).decode().rstrip("="))
        self._closed = threading.Event()
        self._ending = threading.Event()
        self.sleep = sleep or self._pause
        """Waits for a number of seconds, or until the session is closed."""
        self._http, self._connections = breakable_session(max_concurrency)
        self._http.headers.update({"User-Agent": user_agent, "Accept": "application/json"})

    def counting(self, tally: Tally) -> InsightlySession:
        """Share this session, but count apart what is sent through it.

        Args:
            tally: Where to count: a part of `total`.

        Returns:
            A session with the same connections, pace and quota. It need not be closed.
        """
        other = copy.copy(self)
        other.total = tally
        return other

    def close(self) -> None:
        """End all that is under way or waits, in whatever thread, and close the connections."""
        self._closed.set()
        self._ending.set()
        self.pace.close()
        self.quota.close()
        self._connections.break_off()
        self._http.close()

    def stop_waiting(self) -> None:
        """Let nothing wait for another try or look any more: what waits ends, the rest goes on."""
        self._ending.set()

    def _pause(self, seconds: float) -> None:
        if self._ending.wait(seconds):
            raise ClosedError

    def now(self) -> datetime | None:
        """Say what time it is by the server's clock.

        Returns:
            An aware datetime, reckoned from the last answer; None if none has told yet.
        """
        if not self._date:
            return None
        ((date, at),) = self._date
        return date + timedelta(seconds=time.monotonic() - at)

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        tally: Tally | None = None,
        *,
        largest: int | None = None,
    ) -> Answer:
        """Ask for something, again if need be.

        Args:
            path: The path below the base URL, text such as ``/Contacts``.
            params: Query parameters, texts by name.
            tally: Where to count what is sent: a part of `total`, or nothing for `total` itself.
            largest: The most bytes that are wanted, unpacked, if it is a page of a list, and a
                smaller one would do as well; None for any number.

        Returns:
            The answer.

        Raises:
            InsightlyError: As `send` does.
        """
        return self.send(Request("GET", path, params or {}, largest=largest), tally)

    def send(self, request: Request, tally: Tally | None = None) -> Answer:
        """Send a request, again if need be and if that does no harm.

        Args:
            request: The request.
            tally: Where to count what is sent: a part of `total`, or nothing for `total` itself.

        Returns:
            The answer.

        Raises:
            AuthenticationError: If the key is not accepted.
            NotAvailableError: If the answer is 403, 404 or 405.
            RefusedError: If the answer is another that trying again will not change.
            QuotaExhaustedError: If no request may be sent any more today.
            GaveUpError: If the request failed on every try.
            UnknownOutcomeError: If it may have been done, and must not be done twice.
            PageTooLargeError: If the request says how large its answer may be, and it is larger,
                or does not come in time.
            ClosedError: If the session is closed meanwhile.
        """
        tally = tally or self.total
        waits = backoff.expo(max_value=LONGEST_WAIT)
        next(waits)  # the generator's first value is not a wait
        number, may_be_done = 1, False
        while True:
            try:
                return self._send_once(request, tally)
            except PassingError as error:
                may_be_done |= not error.is_undone
                if may_be_done and not request.is_repeatable:
                    raise self._unknown(request, error) from error
                if number >= self._max_tries:
                    raise self._given_up(request, error, may_be_done=may_be_done) from error
                wait = backoff.full_jitter(waits.send(None))
                self._log_retry(request, error, number, wait)
            except NotAvailableError as error:
                if may_be_done and request.method == "DELETE" and error.is_missing:
                    return Answer(b"", status=HTTPStatus.ACCEPTED)  # by the try before
                raise
            except RefusedError as error:
                if may_be_done and "If-Match" in request.headers:
                    # The try before may have changed the version itself.
                    raise self._unknown(request, error) from error
                raise
            self.sleep(wait)
            number += 1
            tally.count(retries=1)

    def _send_once(self, request: Request, tally: Tally) -> Answer:
        self.quota.take()
        headers: Mapping[str, str] | None = None
        date, hold, is_refused = None, None, None
        try:
            start = self.pace.start()
            try:
                with self._exchange(request, tally) as response:
                    headers = response.headers
                    date = moment(headers.get("Date"))
                    if date is not None:
                        self._date[:] = [(date, time.monotonic())]
                    is_refused = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
                    hold = self._hold(request, response, date)
                    is_good = response.status_code < HTTPStatus.MULTIPLE_CHOICES
                    content = received(request, response) if is_good else beginning(response)
            finally:
                self.pace.answer(start, is_refused=is_refused, hold=hold)
        finally:
            self.quota.give(headers, date)
        tally.count(refused=int(is_refused))
        if not is_good:  # some answers to GET are documented as 201 (spec)
            raise self._error(request, response, content)
        total = whole_number(headers.get("X-Total-Count"))
        counted = None
        if request.is_json and (request.method == "GET" or content.strip()):
            kind = headers.get("Content-Type", "no content type")
            content, counted = checked_body(request, content, kind, self._clean)
        return Answer(content, date, total, response.status_code, headers, counted)

    @contextmanager
    def _exchange(self, request: Request, tally: Tally) -> Iterator[requests.Response]:
        """Send a request, and say what is wrong if that fails, or the reading of the answer."""
        tally.count(requests=1)
        started = time.monotonic()
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
                yield response
        except requests.exceptions.SSLError as error:
            self._raise_if_closed()
            msg = (
                f"No secure connection to {self.base_url}: {self._clean(reason_of(error))}. "
                "Check the address, and whether a proxy on the way needs its certificate trusted."
            )
            raise GaveUpError(msg) from None
        except requests.RequestException as error:
            self._raise_if_closed()
            raise self._failure(request, error) from None
        except Exception:
            self._raise_if_closed()  # whatever a connection says that is broken off
            raise
        tally.time(time.monotonic() - started, response.status_code)

    def _failure(self, request: Request, error: requests.RequestException) -> InsightlyError:
        """Say what went wrong on the network; chained, the cause would print the request."""
        is_late = took_too_long(error)
        if is_late and request.largest is not None:
            msg = (
                f"GET {self.base_url}{request.path} was not answered in whole within "
                f"{self._timeout:g} seconds (request_timeout)."
            )
            return PageTooLargeError(msg)
        msg = f"{self._clean(reason_of(error))}."
        if is_late or isinstance(error, requests.Timeout):
            msg = f"no answer within {self._timeout:g} seconds (request_timeout)."
        return PassingError(msg, is_undone=was_never_sent(error))

    def _raise_if_closed(self) -> None:
        if self._closed.is_set():
            raise ClosedError from None

    def _error(
        self, request: Request, response: requests.Response, content: bytes
    ) -> InsightlyError:
        status = response.status_code
        if status < HTTPStatus.BAD_REQUEST:
            said = self._clean(response.headers.get("Location", ""))[:LONGEST]
        else:
            said = sentence(self._clean(told(content, status, response.reason)))
        error = error_of(request, status, said, self.base_url)
        if isinstance(error, PassingError):
            self.quota.check()  # a 429 with nothing left today will not pass
        return error

    def _hold(
        self, request: Request, response: requests.Response, date: datetime | None
    ) -> float | None:
        """Say how long the server wants to be left alone.

        Args:
            request: What was asked.
            response: The answer.
            date: The server's time; None if it is not known.

        Returns:
            Seconds; None if it does not say, or nothing is left for today, which is another matter.

        Raises:
            GaveUpError: If it is longer than anybody should wait.
            UnknownOutcomeError: If it is, and what was asked may have been done.
        """
        seconds = seconds_to_wait(response.headers.get("Retry-After"), date)
        if seconds is None or response.headers.get("X-RateLimit-Remaining", "").strip() == "0":
            return None
        if seconds > LONGEST_HOLD:
            msg = (
                f"{request.method} {self.base_url}{request.path} was answered "
                f"{response.status_code}, with the wish to "
                f"be left alone for {seconds:,.0f} seconds (Retry-After). Run it again after that."
            )
            is_undone = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
            if is_undone or request.is_repeatable:
                raise GaveUpError(msg)
            raise self._unknown(request, PassingError(msg))
        return seconds

    def _clean(self, thing: object) -> str:
        """Say something without the key, whatever a server or a library put into it."""
        text = str(thing)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _given_up(self, request: Request, error: PassingError, *, may_be_done: bool) -> GaveUpError:
        times = "once" if self._max_tries == 1 else f"{self._max_tries} times"
        outcome = ""
        if not request.is_reading:
            outcome = " It may have been done." if may_be_done else " Nothing was done."
        return GaveUpError(
            f"{request.method} {self.base_url}{request.path} failed {times}, the last time with: "
            f"{error}{outcome} Check the network and Insightly's status, then run it again."
        )

    def _unknown(self, request: Request, error: InsightlyError) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            f"{request.method} {self.base_url}{request.path} may have been done, or not: {error} "
            "Look at what is there before you do it again."
        )

    def _log_retry(self, request: Request, error: PassingError, number: int, wait: float) -> None:
        what = f"{request.method} {request.path}"
        tries = (number + 1, self._max_tries)
        logger.warning("%s: %s Try %d of %d in %.1f s.", what, error, *tries, wait)
