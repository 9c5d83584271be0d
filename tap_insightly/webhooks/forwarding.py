"""Hands events on, one after the other: at least once, and in order for one record."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from tap_insightly.api.http.codec import encode
from tap_insightly.values import utc_text
from tap_insightly.webhooks.database import StoreError
from tap_insightly.webhooks.events import RejectedError
from tap_insightly.webhooks.locks import locked
from tap_insightly.webhooks.outbox import FIRST_WAIT, Outbox
from tap_insightly.webhooks.records import typed_record
from tap_insightly.webhooks.targets import HandOnError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.webhooks.event import Event
    from tap_insightly.webhooks.outbox import Due
    from tap_insightly.webhooks.store import EventStore
    from tap_insightly.webhooks.targets import Target

Result = TypeVar("Result")

POLL_SECONDS = 0.5
"""How often the store is asked for events."""

_PATIENCE = 3  # events that may fail with none taken in between, before the target has a pause
_LONGEST_PAUSE = 60.0


class Forwarder:
    """Hands the events of a store on to one target."""

    def __init__(  # noqa: PLR0913 - what a test sets
        self,
        store: EventStore,
        target: Target,
        name: str,
        *,
        say: Callable[[str], object],
        is_over: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Get ready. Between two events, and while it waits, `is_over` tells whether to end."""
        self._store = store
        self._target = target
        self._name = name
        self._say = say
        self._is_over = is_over
        self._sleep = sleep
        self._outbox = Outbox(store, name, clock)
        self._failing: set[int] = set()
        self._is_once = False

    def run(self, *, is_once: bool = False, is_from_now: bool = False) -> bool:
        """Hand on until it is over, or only what is there.

        Args:
            is_once: Whether to end when nothing more is due.
            is_from_now: Whether to begin with what comes from now on, if the name is a new one.

        Returns:
            Whether nothing waits to be tried again.

        Raises:
            StoreError: If the store cannot be used from the beginning.
        """
        self._is_once = is_once
        with locked(*lock_of(self._store, self._name)):
            self._key = self._store.standing().store_id
            self._outbox.begin(is_from_now=is_from_now)
            while not self._is_over():
                due = self._persist(self._outbox.next_due)
                if due is not None:
                    self._hand_on(due)
                elif is_once:
                    break
                else:
                    self._wait(POLL_SECONDS)
                if len(self._failing) > _PATIENCE:
                    if is_once:
                        break
                    self._wait(self._pause())
            return self._outbox.count_waiting() == 0

    def _hand_on(self, due: Due) -> None:
        event = due.event
        try:
            content = content_of(event)
            self._target.hand_on(content, f"{self._key}-{due.turn}")
        except (HandOnError, RejectedError) as error:
            self._failing.add(event.seq)
            reason = str(error)
        else:
            self._failing.clear()
            self._persist(lambda: self._outbox.note_done(due))
            return
        wait = self._persist(lambda: self._outbox.note_failed(due, reason))
        then = "It is given up" if wait is None else f"It is tried again in {wait:g} seconds"
        what = f"{event.object_name} {event.record_id} (event {event.seq})"
        self._say(f"{what}: {self._target.shown} {reason}. {then}.")

    def _pause(self) -> float:
        more = len(self._failing) - _PATIENCE - 1
        return min(_LONGEST_PAUSE, FIRST_WAIT * 2.0 ** min(more, 10))

    def _persist(self, do: Callable[[], Result]) -> Result:
        """Do something with the store, as often as it takes.

        What was handed on must not be handed on again because the disk is full for a while. Who
        runs it once will run it again.
        """
        wait = POLL_SECONDS
        while True:
            try:
                return do()
            except StoreError as error:  # noqa: PERF203 - it is the exception
                if self._is_once or self._is_over():
                    raise
                self._say(str(error))
                self._wait(wait)
                wait = min(_LONGEST_PAUSE, wait * 2)

    def _wait(self, seconds: float) -> None:
        until = seconds
        while until > 0 and not self._is_over():
            self._sleep(min(POLL_SECONDS, until))
            until -= POLL_SECONDS


def content_of(event: Event) -> bytes:
    """Write an event as those who are told of it get it.

    Args:
        event: An event that was understood.

    Returns:
        JSON.

    Raises:
        RejectedError: If it is not understood any more.
    """
    return encode(
        {
            "account": event.account,
            "object": event.object_name,
            "id": event.record_id,
            "updated": event.updated,
            "received": utc_text(event.received),
            "record": typed_record(event.body),
        }
    )


def lock_of(store: EventStore, name: str) -> tuple[str, str]:
    """Say which file is locked by who hands on under a name, and what it says to another one."""
    digest = sha256(name.encode(errors="replace")).hexdigest()[:16]
    taken = f"Another process hands events on as {name}. Each needs a --name of its own."
    return f"{store.path}-forward-{digest}", taken
