"""How the sandbox can misbehave, and who decides which request it hits."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tap_insightly.sandbox.account.webhook_habits import WebhookHabits
from tap_insightly.sandbox.account.writing_habits import WritingHabits

if TYPE_CHECKING:
    from random import Random

Body = bytes | Callable[[bytes], bytes]
"""What is answered, or what makes that of the right answer."""

Total = int | None | Callable[[int], object]
"""What X-Total-Count says: a number, nothing, or what is made of the right number."""

ErrorShape = Literal["Message", "message", "text", "string", "html", "empty", "reason"]
"""How the reason of a refusal is told: ``{"Message": …}``, ``{"message": …}``, plain text, a JSON
string, an HTML page, nothing at all, or nothing but the reason phrase of HTTP."""

DAILY_QUOTA = 100_000  # seen live, on an Enterprise account


@dataclass
class Faults(WritingHabits, WebhookHabits):
    """What goes wrong, and how often. Nothing does by default.

    What is a dictionary by path has entries as `habits.at` reads them: ``/Contacts`` is the list
    and its search, ``/Contacts/Search`` the search alone, ``*`` everything else.
    """

    latency: float = 0
    """Seconds that every answer takes longer."""

    requests_per_second: float | None = None
    """Answer 429 to more than this many in a second."""

    max_in_flight: int | None = None
    """Answer 429 to more than this many at once."""

    retry_after: float | None = None
    """Seconds to ask for with a 429 or a 503, in Retry-After."""

    daily_quota: int = DAILY_QUOTA
    """Requests answered before everything is 429, with nothing remaining."""

    forbidden: set[str] = field(default_factory=set)
    """Paths that answer 403: ``/Notes`` and all below it, or only ``/Notes/{id}/Comments``."""

    missing: set[str] = field(default_factory=set)
    """Paths that answer 404, written in the same way."""

    not_allowed: set[str] = field(default_factory=set)
    """Paths that answer 405, written in the same way."""

    read_only: set[str] = field(default_factory=set)
    """Paths that answer 403 to POST, PUT and DELETE, written in the same way."""

    undeletable: set[str] = field(default_factory=set)
    """Paths that answer 417 to DELETE: ``/Contacts``, or ``/Contacts/{id}/Links``."""

    error_rate: float = 0
    """The share of requests that answer 500, 502 or 503, from 0 to 1."""

    reset_rate: float = 0
    """The share whose connection is reset."""

    truncate_rate: float = 0
    """The share whose body is cut off."""

    hang_rate: float = 0
    """The share that are answered `hang_seconds` late."""

    lost_rate: float = 0
    """The share that are carried out, and then have their connection reset."""

    faults_only_on: set[str] = field(default_factory=set)
    """The methods, such as POST, of the requests that these rates are shares of; none for all."""

    hang_seconds: float = 30
    """How long a request hangs, in seconds."""

    html_rate: float = 0
    """The share that answer an HTML page, with status 200."""

    user_denied: bool = False
    """Whether every key is answered 401, as if an administrator had switched off API access."""

    error_shape: ErrorShape = "Message"
    """How the reason of a refusal is told: `errors.ErrorShape` lists the ways."""

    error_text: str | None = None
    """The reason of every refusal, such as ``No Access to Data``; None for the true one."""

    body: bytes | None = None
    """What every answer holds instead of data or of a reason, as JSON."""

    location: str | None = None
    """Where a status from `script`, such as 302, sends the client."""

    no_date_header: bool = False
    """Whether answers come without a Date header."""

    page_cap: int | dict[str, int] | None = None
    """The most records of a page, whatever is asked for: for all lists, or by path."""

    hidden: dict[str, set[int]] = field(default_factory=dict)
    """Ids of records that this user may not see, by path. They are left out of a page after it
    was cut, so that it is shorter, and cannot be read one by one either."""

    hidden_status: int = 404
    """What a request for a hidden record answers."""

    totals_count_hidden: bool = True
    """Whether X-Total-Count counts the records that are hidden."""

    totals: dict[str, Total] = field(default_factory=dict)
    """What X-Total-Count says, by path: None for no such header."""

    readable_up_to: dict[str, int] = field(default_factory=dict)
    """The place in a list from which on nothing is answered, by path. The total counts all."""

    shuffled: set[str] = field(default_factory=set)
    """Paths of lists in which ids do not ascend."""

    bodies: dict[str, Body | list[Body | None]] = field(default_factory=dict)
    """What is answered to a GET instead of the right body, by path: always, or with a list to one
    of the next requests each, None being the right body. The module `bodies` makes some."""

    statuses: dict[str, int | list[int | None]] = field(default_factory=dict)
    """What is answered instead of doing anything, by path and in the same way."""

    record_bytes: int | dict[str, int] | None = None
    """How large each record is made by a long text: for all lists, or by path."""

    hang_above_records: int | None = None
    """Pages of more records than this are answered `hang_seconds` late."""

    hang_above_bytes: int | None = None
    """Bodies of more bytes than this are answered `hang_seconds` late."""

    bytes_per_second: float | None = None
    """How fast a body drips in, as it is sent."""

    script: list[str] = field(default_factory=list)
    """What happens to the next requests, one each: a status, reset, truncate, hang, html or ok.

    Nothing is done of a request that meets a status, reset or html. With lost, lost-500 and
    lost-hang it is done, and then the connection is reset, the answer is 500, or it comes
    `hang_seconds` late.
    """

    used: int = field(default=0, init=False)
    """How many of the day's requests are used."""

    in_flight: int = field(default=0, init=False)
    """How many requests are being answered."""

    _starts: deque[float] = field(default_factory=deque, init=False, repr=False)

    def next_fault(self, rng: Random, method: str) -> str:
        """Decide what happens to a request."""
        if self._is_too_fast():
            return "429"
        if self.script:
            return self.script.pop(0)
        if self.faults_only_on and method not in self.faults_only_on:
            return "ok"
        chance = rng.random()
        for rate, fault in (
            (self.error_rate, rng.choice(("500", "502", "503")) if self.error_rate else ""),
            (self.reset_rate, "reset"),
            (self.truncate_rate, "truncate"),
            (self.hang_rate, "hang"),
            (self.html_rate, "html"),
            (self.lost_rate, "lost"),
        ):
            if chance < rate:
                return fault
            chance -= rate
        return "ok"

    def _is_too_fast(self) -> bool:
        if self.max_in_flight is not None and self.in_flight > self.max_in_flight:
            return True
        if self.requests_per_second is None:
            return False
        now = time.monotonic()
        while self._starts and self._starts[0] <= now - 1:
            self._starts.popleft()
        if len(self._starts) >= self.requests_per_second:
            return True
        self._starts.append(now)
        return False
