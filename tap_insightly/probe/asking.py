"""Asking an account a limited number of things, and hearing whatever it answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api import (
    AuthenticationError,
    ClosedError,
    InsightlyError,
    InsightlySession,
    QuotaExhaustedError,
    Request,
    Response,
    UnknownOutcomeError,
)
from tap_insightly.api.http.errors import RetryableError
from tap_insightly.api.http.headers import moment, whole_number
from tap_insightly.api.http.json_repair import repaired, without_byte_order_mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

MOST_READ = 60
"""How many requests a probe may send that only reads."""

MOST_WRITTEN = 50
"""How many more it may send if it writes, too."""

_UNREADABLE = (msgspec.DecodeError, ArithmeticError, RecursionError)

PAUSE = 1.0  # seconds before something that failed is asked once more
TRIES = 2


class ListeningSession(InsightlySession):
    """A session that also tells of answers which are errors to all others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the session has it
        """Get ready; nothing is sent yet.

        Args:
            *args: As for any session.
            **kwargs: As for any session.
        """
        super().__init__(*args, **kwargs)
        self.last: requests.Response | None = None
        """The last answer, whatever its status; None if there was none."""
        self._http.hooks["response"].append(self._hear)

    def _hear(self, response: requests.Response, *_: object, **__: object) -> None:
        self.last = response
        response.content  # noqa: B018 - which keeps it; otherwise it can be read only once


@dataclass(frozen=True)
class Heard:
    """One answer, whatever its status."""

    method: str
    path: str
    params: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: bytes
    at: datetime
    """When it came, by the clock of this machine."""

    data: Any = field(repr=False)
    """The body as JSON; None if it is empty, or no JSON."""

    @property
    def is_done(self) -> bool:
        """Whether it is what was asked for."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_plain(self) -> bool:
        """Whether it can be read as it is, with nothing to be mended."""
        try:
            Response(self.body).data  # noqa: B018 - it is read to see whether it can be
        except _UNREADABLE:
            return False
        return True

    @property
    def is_list(self) -> bool:
        """Whether it is a list, as it was asked for."""
        return self.is_done and isinstance(self.data, list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The records of a list, or the one that was asked for."""
        if not self.is_done:
            return []
        found = self.data if isinstance(self.data, list) else [self.data]
        return [one for one in found if isinstance(one, dict)]

    @property
    def total(self) -> int | None:
        """How many records the whole list has; None if that is not told."""
        return whole_number(self.headers.get("X-Total-Count"))

    @property
    def date(self) -> datetime | None:
        """When it was sent, by the server's clock; None if that is not told."""
        return moment(self.headers.get("Date"))


class NoMoreError(InsightlyError):
    """A probe has sent as many requests as it may."""

    def __init__(self, limit: int) -> None:
        """Say how many.

        Args:
            limit: The number.
        """
        super().__init__(f"The {limit} requests that a probe may send are used up.")


class Asker:
    """Asks each thing once, and no more than it may."""

    def __init__(self, session: ListeningSession, limit: int = MOST_READ) -> None:
        """Get ready; nothing is asked yet.

        Args:
            session: The account. It should try everything once only, as this does the rest.
            limit: How many requests may be sent, a number.
        """
        self.session = session
        self.limit = limit
        self.heard: list[Heard] = []
        """All answers, in order."""
        self._known: dict[object, Heard | None] = {}

    @property
    def sent(self) -> int:
        """How many requests were sent so far."""
        return self.session.stats.requests

    def get(self, path: str, **params: str) -> Heard | None:
        """Ask for something, unless that was asked already.

        Args:
            path: The path below the base URL, text such as ``/Contacts``.
            **params: Query parameters.

        Returns:
            The answer; None if the server could not give one.

        Raises:
            NoMoreError: If no more may be asked.
            InsightlyError: If nothing more can be asked, such as with a wrong key.
        """
        key = (path, *sorted(params.items()))
        if key not in self._known:
            self._known[key] = self.send(Request("GET", path, params, is_json=False))
        return self._known[key]

    def send(self, request: Request) -> Heard | None:
        """Send a request, and once more if it failed in a way that may pass and does no harm.

        Args:
            request: The request.

        Returns:
            The answer; None if the server could not give one.

        Raises:
            NoMoreError: If no more may be asked.
            InsightlyError: As `get` does, or if it is not known whether something was done.
        """
        for number in range(TRIES):
            if number:
                self.session.sleep(PAUSE)
            if self.sent >= self.limit:
                raise NoMoreError(self.limit)
            if (found := self._once(request)) is not None:
                return found
        return None

    def _once(self, request: Request) -> Heard | None:
        self.session.last = None
        try:
            self.session.send(request)
        except (AuthenticationError, ClosedError, QuotaExhaustedError, UnknownOutcomeError):
            raise
        except InsightlyError as error:
            is_passing = isinstance(error.__cause__, RetryableError)
            # Without any answer so far, there may be no account to ask.
            if self.session.last is None and not (self.heard and is_passing):
                raise
            heard = self._take(request)
            return None if is_passing else heard
        return self._take(request)

    def _take(self, request: Request) -> Heard | None:
        response = self.session.last
        if response is None:
            return None
        body = _content(response)
        self.heard.append(
            Heard(
                request.method,
                request.path,
                dict(request.params),
                response.status_code,
                response.headers,
                body,
                datetime.now(timezone.utc),
                _json(body),
            )
        )
        return self.heard[-1]


def _content(response: requests.Response) -> bytes:
    """Give the body of an answer; none if the session broke off before all of it was there."""
    try:
        return response.content or b""
    except (OSError, RuntimeError):  # of the network, and because it was broken off
        return b""


def _json(body: bytes) -> Any:  # noqa: ANN401 - anything that JSON can be
    for text in (body, repaired(without_byte_order_mark(body))):
        with suppress(*_UNREADABLE):
            return Response(text).data
    return None
