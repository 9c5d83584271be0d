"""Asking an account, within a limited number of requests, and keeping every answer."""

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

PAUSE = 1.0  # seconds before the second try
TRIES = 2


class ProbeSession(InsightlySession):
    """A session that also keeps the answers that are errors to other sessions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the session has it
        super().__init__(*args, **kwargs)
        self.last: requests.Response | None = None
        """The last answer, whatever its status; None if there was none."""
        self._http.hooks["response"].append(self._keep)

    def _keep(self, response: requests.Response, *_: object, **__: object) -> None:
        self.last = response
        response.content  # noqa: B018 - reads it now; later it could not be read again


@dataclass(frozen=True)
class ProbeResponse:
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
        """Whether the request was carried out."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_plain(self) -> bool:
        """Whether it is JSON as it is, with nothing to repair."""
        try:
            Response(self.body).data  # noqa: B018 - raises what is wrong with it
        except _UNREADABLE:
            return False
        return True

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return self.is_done and isinstance(self.data, list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The records of a list, or the one record."""
        if not self.is_done:
            return []
        found = self.data if isinstance(self.data, list) else [self.data]
        return [one for one in found if isinstance(one, dict)]

    @property
    def total(self) -> int | None:
        """How many records the whole list has; None if the server does not say."""
        return whole_number(self.headers.get("X-Total-Count"))

    @property
    def date(self) -> datetime | None:
        """When it was sent, by the server's clock; None if the server does not say."""
        return moment(self.headers.get("Date"))


class ProbeLimitError(InsightlyError):
    """A probe has sent as many requests as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The {limit} requests that a probe may send are used up.")


class ProbeClient:
    """Asks each thing once, and sends no more requests than it may.

    The session should try everything once; this client does the rest. Where the server gives no
    answer, methods return None.
    """

    def __init__(self, session: ProbeSession, limit: int = MOST_READ) -> None:
        self.session = session
        self.limit = limit
        self.responses: list[ProbeResponse] = []
        """All answers, in order."""
        self._known: dict[object, ProbeResponse | None] = {}

    @property
    def sent(self) -> int:
        """How many requests were sent so far."""
        return self.session.stats.requests

    def get(self, path: str, **params: str) -> ProbeResponse | None:
        """Ask for something; what was asked before is not asked again."""
        key = (path, *sorted(params.items()))
        if key not in self._known:
            self._known[key] = self.send(Request("GET", path, params, is_json=False))
        return self._known[key]

    def send(self, request: Request) -> ProbeResponse | None:
        """Send a request, and once more if it failed in a way that may pass."""
        for number in range(TRIES):
            if number:
                self.session.sleep(PAUSE)
            if self.sent >= self.limit:
                raise ProbeLimitError(self.limit)
            if (found := self._once(request)) is not None:
                return found
        return None

    def _once(self, request: Request) -> ProbeResponse | None:
        self.session.last = None
        try:
            self.session.send(request)
        except (AuthenticationError, ClosedError, QuotaExhaustedError, UnknownOutcomeError):
            raise
        except InsightlyError as error:
            is_passing = isinstance(error.__cause__, RetryableError)
            # If nothing was ever answered, there may be no account at all.
            if self.session.last is None and not (self.responses and is_passing):
                raise
            response = self._kept(request)
            return None if is_passing else response
        return self._kept(request)

    def _kept(self, request: Request) -> ProbeResponse | None:
        response = self.session.last
        if response is None:
            return None
        body = _content(response)
        self.responses.append(
            ProbeResponse(
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
        return self.responses[-1]


def _content(response: requests.Response) -> bytes:
    """Give the body of an answer; nothing if the session broke off before its end."""
    try:
        return response.content or b""
    except (OSError, RuntimeError):  # of the network, or because it was broken off
        return b""


def _json(body: bytes) -> Any:  # noqa: ANN401 - anything that JSON can be
    for text in (body, repaired(without_byte_order_mark(body))):
        with suppress(*_UNREADABLE):
            return Response(text).data
    return None
