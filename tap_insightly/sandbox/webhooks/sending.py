"""The webhooks of an account: what is sent for each record that is made or changed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from tap_insightly.sandbox.webhooks.delivery import Delivery, Event
from tap_insightly.sandbox.webhooks.entity import body_of
from tap_insightly.sandbox.webhooks.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from random import Random

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.records import Record

_PATIENCE = 60.0  # seconds


class Webhooks:
    """Sends events to receivers, each in a thread of its own: no write waits for them.

    There is one for each record that is made or changed, over HTTP or by `Sandbox.create` and
    `Sandbox.update`, for all that counts as an update of it; none for what is deleted, restored
    or `put`, nor for the made-up data.
    """

    def __init__(self, account: Account, rng: Random) -> None:
        """Begin with no receivers."""
        self.pause: Callable[[float], object] | None = None
        """What waits before further attempts, given the seconds; None to wait for real."""
        self.on_drop: Callable[[str], object] = lambda _: None
        """Told of each event that is dropped, a sentence; from another thread."""
        self._account, self._rng = account, rng
        self._deliveries: list[Delivery] = []
        self._numbers = count(1)
        self._written = self._lost = self._delivered = self._dropped = 0
        self._counting = threading.Lock()
        self._silent = threading.local()
        account.observers.append(self._note)

    @property
    def receivers(self) -> Sequence[str]:
        """The addresses, without user and password."""
        return [one.receiver.url for one in self._deliveries]

    @property
    def delivered(self) -> int:
        """How many events were answered 2xx."""
        return self._delivered

    @property
    def dropped(self) -> int:
        """How many events were given up after the last attempt."""
        return self._dropped

    @property
    def lost(self) -> int:
        """How many events were never sent, as a fault."""
        return self._lost

    def add(self, url: str) -> None:
        """Send what is written from now on to an address, too.

        It may have user and password: ``http://user:password@127.0.0.1:8750/webhooks/acme``.

        Raises:
            ReceiverError: If it is no address that webhooks can go to.
        """
        receiver = Receiver.at(url)
        with self._account.lock:
            self._deliveries.append(self._delivery(receiver))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Write without webhooks, as a bulk import does; in this thread only."""
        before = self._is_silent()
        self._silent.is_on = True
        try:
            yield
        finally:
            self._silent.is_on = before

    def flush(self, seconds: float = _PATIENCE) -> None:
        """Send all that waits, without waiting for delays and pauses, until nothing is left.

        Raises:
            TimeoutError: If something is left after these seconds, such as when a receiver hangs.
        """
        self._wait([one.flush for one in self._deliveries], seconds)

    def catch_up(self, seconds: float = _PATIENCE) -> None:
        """Send what is due by the sandbox's clock, until nothing of that is left.

        Raises:
            TimeoutError: If something is left after these seconds.
        """
        self._wait([one.catch_up for one in self._deliveries], seconds)

    def stop(self) -> None:
        """Forget what was not sent yet."""
        with self._account.lock:
            stopped = self._deliveries
            self._deliveries = [self._delivery(one.receiver) for one in stopped]
        for one in stopped:
            one.stop()

    def _delivery(self, receiver: Receiver) -> Delivery:
        return Delivery(
            receiver,
            self._now,
            lambda seconds, wait: (self.pause or wait)(seconds),
            self._done,
        )

    def _now(self) -> datetime:
        return self._account.clock()  # the one that is set by then

    def _done(self, dropped: str | None) -> None:
        with self._counting:
            self._delivered += dropped is None
            self._dropped += dropped is not None
        if dropped is not None:
            self.on_drop(dropped)

    @staticmethod
    def _wait(waits: Sequence[Callable[[float], bool]], seconds: float) -> None:
        if not all(wait(seconds) for wait in waits):
            msg = f"After {seconds:g} s there are webhooks that could not be sent."
            raise TimeoutError(msg)

    def _note(self, path: str, record: Record) -> None:
        """Send what has to be sent of a record that was written; the account is locked."""
        account = self._account
        faults, table = account.faults, account.tables[path]
        if not self._deliveries or self._is_silent() or not table.has_id or table.updated is None:
            return
        if faults.webhook_objects is not None and path not in faults.webhook_objects:
            return
        self._written += 1
        if self._is_lost():
            self._lost += 1
            return
        body = body_of(path, table, record, account.now(), faults)
        what = f"{path}/{record[table.keys[0]]}"
        for _ in range(1 + (self._rng.random() < faults.webhook_repeats)):
            late = faults.webhook_delay + self._rng.uniform(0, faults.webhook_jitter)
            due = self._now() + timedelta(seconds=late)
            timeout, pauses = faults.webhook_timeout, faults.webhook_pauses
            event = Event(due, next(self._numbers), what, body, timeout, pauses)
            for delivery in self._deliveries:
                delivery.put(event)

    def _is_silent(self) -> bool:
        return getattr(self._silent, "is_on", False)

    def _is_lost(self) -> bool:
        faults = self._account.faults
        every = faults.webhook_lost_every
        return self._rng.random() < faults.webhook_loss or (
            every is not None and self._written % every == 0
        )
