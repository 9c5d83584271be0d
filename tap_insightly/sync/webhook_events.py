"""Which streams need not be asked about, as no webhook has told of a change in them.

Webhooks see neither deletions nor imports, and may be lost. So they only save requests: a stream of
which an event came is searched from its bookmark as ever, and one of which none came is asked about
all the same once some time has passed. Whatever makes it doubtful that events would have come, such
as a receiver that was restarted, has every stream asked about at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi.objects import object_name_at, objects_by_path
from tap_insightly.streams import CustomObjectStream, RelatedStream
from tap_insightly.streams.related import parent_of
from tap_insightly.sync.checkpoint import UNFINISHED
from tap_insightly.values import before, parse_moment, utc_text
from tap_insightly.webhooks.event import ANY_CUSTOM_OBJECT_RECORD

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tap_insightly.streams import InsightlyStream
    from tap_insightly.streams.partition import Partition
    from tap_insightly.webhooks.store import Standing

WEBHOOKS = "webhooks"
"""The key in a stream's state, or in that of a part of it. What is under it:

- ``store``, ``generation``: which webhook store was looked into, and which start of its receiver.
- ``taken``: the position up to which its events were taken in.
- ``asked``: when Insightly was last asked about the stream, by the clock of this machine.
"""

SILENCE = timedelta(seconds=60)
"""How long the receiver, which says every 10 seconds that it is alive, may have said nothing."""


def utc_now() -> datetime:
    """Tell the time by the clock of this machine, which the receiver shares."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Seen:
    """What a webhook store held when a run began."""

    mark: Mapping[str, Any]
    """What goes into the state of what is asked about."""
    newest: Mapping[str, int]
    """The newest position of each object's events, by its name in lower case."""
    position: int
    pruned_to: int


class WebhookEvents:
    """What a webhook store says to a run; of a run without one, nothing."""

    def __init__(self, config: Mapping[str, Any], logger: logging.Logger) -> None:
        """Get ready; the store is looked into when it is first asked about a stream."""
        self._config, self._logger = config, logger
        self._trust = timedelta(minutes=config["webhook_trust_minutes"])
        self._is_break_told = False

    @cached_property
    def now(self) -> datetime:
        """When the run began to look."""
        return utc_now()

    @cached_property
    def seen(self) -> Seen | None:
        """What the store says; None if there is none that can be gone by.

        What cannot be trusted is said aloud.
        """
        path, account = self._config.get("webhook_store"), self._config.get("account")
        if not path:
            return None
        # Only here, as SQLite takes time to import.
        from tap_insightly.webhooks.database import StoreError  # noqa: PLC0415 - see above
        from tap_insightly.webhooks.store import EventStore, Selection  # noqa: PLC0415 - as above

        # A search may be late by as much as the look-back: what came since is taken in once more
        # by the next run.
        settled = before(self.now, timedelta(seconds=self._config["lookback_seconds"]))
        late = Selection(account, is_rejected=True, since=before(self.now, self._trust))
        try:
            with EventStore(path) as store:
                standing = store.standing(account)
                taken = store.positions_before(account, settled)
                newest = store.objects_between(account, 0)
                rejected = store.count(late)
        except StoreError as error:
            self._warn(str(error))
            return None
        if (doubt := self._doubt(standing, account)) is not None:
            self._warn(doubt)
            return None
        if rejected:
            self._logger.warning(
                "%d webhooks of late could not be understood, so they name no stream. What they "
                "told of is read within %g minutes (webhook_trust_minutes). See them with: "
                "insightly webhooks list --rejected",
                rejected,
                self._config["webhook_trust_minutes"],
            )
        by_name: dict[str, int] = {}
        for name, position in newest.items():
            by_name[name.casefold()] = max(position, by_name.get(name.casefold(), 0))
        mark = {
            "store": standing.store_id,
            "generation": standing.generation,
            "taken": min(taken, standing.position),
            "asked": utc_text(self.now.replace(microsecond=0)),
        }
        return Seen(mark, by_name, standing.position, standing.pruned_to)

    def _warn(self, doubt: str) -> None:
        self._logger.warning(
            "Insightly is asked about every stream, as without webhooks: %s", doubt
        )

    def _tell_of_break(self, reason: str) -> None:
        """Say once why events since the last sync may be missing, however many streams it has."""
        if not self._is_break_told:
            self._is_break_told = True
            self._logger.info(
                "Insightly is asked about streams this once, as without webhooks: since they were "
                "asked about last, %s.",
                reason,
            )

    def _doubt(self, standing: Standing, account: str | None) -> str | None:
        """Say why events may have been missed; None if there is no reason to think so."""
        if not standing.knows_account:
            whose = "any account" if account is None else f"the account '{account}'"
            return f"no webhook of {whose} has ever come."
        alive_at = standing.alive_at
        if alive_at is None or abs(self.now - alive_at) > SILENCE:
            last = "it was ended" if alive_at is None else f"it last did at {utc_text(alive_at)}"
            return f"nothing receives webhooks into the store ({last}). Start insightly serve."
        return None

    def watch(self, stream: InsightlyStream) -> StreamWatch:
        """Decide about the parts of a stream."""
        return StreamWatch(self, stream)

    def is_due(self, state: Mapping[str, Any], objects: Iterable[str]) -> bool:
        """Tell whether to ask about something whose state this is, and which has these objects."""
        saved, seen = state.get(WEBHOOKS), self.seen
        if seen is None or UNFINISHED in state or not isinstance(saved, dict):
            return True
        taken, mark = saved.get("taken"), seen.mark
        if saved.get("store") != mark["store"]:
            self._tell_of_break("the store of webhooks is another one")
            return True
        if saved.get("generation") != mark["generation"]:
            self._tell_of_break("insightly serve was started anew")
            return True
        if not isinstance(taken, int) or not seen.pruned_to <= taken <= seen.position:
            self._tell_of_break("the store of webhooks lacks events that came")
            return True
        if not self._is_fresh(saved.get("asked")):
            return True
        return any(seen.newest.get(one.casefold(), 0) > taken for one in objects)

    def _is_fresh(self, asked: object) -> bool:
        try:
            age = self.now - parse_moment(asked)  # type: ignore[arg-type]  # or an error
        except (TypeError, ValueError, AttributeError):
            return False  # anyone may have edited the state
        return timedelta(seconds=-1) < age < self._trust

    def note(self, state: dict[str, Any]) -> None:
        """Note that Insightly was asked about what this is the state of, to the end."""
        if self.seen is not None:
            state[WEBHOOKS] = dict(self.seen.mark)
        else:
            state.pop(WEBHOOKS, None)


class StreamWatch:
    """Which parts of one stream one run asks about."""

    def __init__(self, events: WebhookEvents, stream: InsightlyStream) -> None:
        """Find out nothing yet."""
        self._events, self._stream = events, stream
        self._parts_left = 1
        self.has_skipped = False
        """Whether anything of the stream is not asked about."""
        # A new version stands for the whole stream; and what it consists of may cost a request.
        self._is_whole = (
            not (isinstance(stream, RelatedStream) and stream.has_kinds)
            or stream.is_new_version
            or stream.needs_custom_objects
        )

    @property
    def skips_all(self) -> bool:
        """Whether nothing of the stream is asked about, as far as is known without asking."""
        if self._stream.is_dry_run or not self._is_whole:
            return False
        return not self._events.is_due(self._stream.saved_state(), set(self._objects()))

    def due(self, partitions: Callable[[], Iterable[Partition]]) -> list[Partition]:
        """Say which lists to read; what they are is found out only if it matters."""
        if self.skips_all:
            self.has_skipped = True
            return []
        found = list(partitions())
        self._parts_left = len(found)
        if self._stream.is_dry_run or self._is_whole:
            return found
        due = [one for one in found if self._is_due(one)]
        self.has_skipped = len(due) < len(found)
        return due

    def note(self, partition: Partition) -> None:
        """Note that a list was asked about, to its end."""
        self._parts_left -= 1
        if not self._is_whole:
            self._events.note(self._stream.get_context_state(partition.context))
        elif self._parts_left <= 0:
            self._events.note(self._stream.stream_state)

    def _is_due(self, partition: Partition) -> bool:
        state = self._stream.saved_state(partition.context)
        return self._events.is_due(state, {object_name_at(partition.owner.path)})

    def _objects(self) -> Iterator[str]:
        """Name the objects whose changes the stream shows."""
        stream = self._stream
        if isinstance(stream, RelatedStream):
            yield from (parent_of(parent).kind for parent in stream.parents)
            if stream.needs_custom_objects:
                standard = {one.name.casefold() for one in objects_by_path().values()}
                seen = self._events.seen
                yield from set(seen.newest if seen else ()) - standard
            return
        yield object_name_at(stream.path)
        if isinstance(stream, CustomObjectStream):
            yield ANY_CUSTOM_OBJECT_RECORD
