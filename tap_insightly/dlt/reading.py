"""One run of the engine, from which all resources of an extraction take their tables.

dlt asks resources in whatever order it likes: in turn, one after the other, or several at once in
threads. The engine reads one stream after the other, over one connection and at one pace. So
whoever is asked first reads to its end, and the others have nothing to say meanwhile.
"""

from __future__ import annotations

import logging
import threading
from contextlib import closing, contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pyarrow as pa

from tap_insightly.api import InsightlyError
from tap_insightly.dlt.incomplete import note_finished, note_unfinished
from tap_insightly.dlt.tap import EmbeddedTap

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, MutableMapping

    from tap_insightly.streams import InsightlyStream

    State = MutableMapping[str, Any]

logger = logging.getLogger("tap-insightly")

ROWS = 5000  # of a table; for each one dlt looks at its schema anew
STATE = "stream_state"
"""The key in the state of a resource, for what is the state of the stream in Singer."""

_MOMENT = 0.05  # seconds that a thread waits before it says that it has nothing


class Progress(NamedTuple):
    """How far a stream was read with some table: goes into the state once that is handed on."""

    resource: str
    state: Mapping[str, Any] | None
    """The state of the stream; None if it is as it was."""
    is_whole: bool | None = None
    """At its end, whether all was read that there is; None before."""
    reason: str | None = None
    """Why it ends though there is more, a sentence; None if it does not, or if that is no error."""

    def keep_in(self, source_state: State) -> None:
        """Take it over into dlt's state of the source."""
        if self.state is not None:
            resources = source_state.setdefault("resources", {})
            resources.setdefault(self.resource, {})[STATE] = self.state
        if self.reason is not None:
            note_unfinished(source_state, self.resource, self.reason)
        elif self.is_whole:
            note_finished(source_state, self.resource)


class Part(NamedTuple):
    """A table of a stream, and how far that was read with it; None if there is only the latter."""

    table: pa.Table | None
    progress: Progress


class Reading:
    """Reads the streams of one extraction, one at a time."""

    def __init__(
        self,
        config: Mapping[str, Any],
        catalog: Mapping[str, Any],
        source_state: State,
        names: Iterable[str],
    ) -> None:
        """Take up the states of the resources `names`; nothing is read yet."""
        self.source_state = source_state
        bookmarks = self._bookmarks({name: name for name in names})
        self._tap = EmbeddedTap(config, catalog, {"bookmarks": bookmarks})
        self._tap.chosen.update(names)
        self._begun: set[str] = set()
        self._turn = threading.Lock()  # of whoever reads a stream
        self._is_idle = threading.Event()  # nobody waits for the engine
        self._is_idle.set()
        self._has_handed_on = False
        self._error: InsightlyError | None = None

    def takes(self, source_state: State, stream_name: str) -> bool:
        """Tell whether a stream is to be read here: in the same extraction, and only once."""
        return self.source_state is source_state and stream_name not in self._begun

    def begin(self, stream_name: str, resource: str) -> None:
        """Note that a stream will be read, for a resource that may have been renamed."""
        self._begun.add(stream_name)
        if stream_name not in self._tap.chosen:
            self._tap.chosen.add(stream_name)
            saved = self._bookmarks({stream_name: resource})
            self._tap.state.setdefault("bookmarks", {}).update(saved)

    def schema_of(self, stream_name: str) -> pa.Schema:
        """Say which columns a stream has."""
        return self._stream(stream_name).arrow_schema

    def _bookmarks(self, streams: Mapping[str, str]) -> dict[str, Any]:
        """Take the states of streams out of those of their resources."""
        resources = self.source_state.get("resources", {})
        found = {name: resources.get(one, {}).get(STATE) for name, one in streams.items()}
        return {name: deepcopy(dict(state)) for name, state in found.items() if state}

    def parts(self, stream_name: str, resource: str) -> Iterator[Part | None]:
        """Read a stream; None while it is not its turn.

        Raises:
            InsightlyError: If the API ends the run before anything was read of any stream.
        """
        while not self._turn.acquire(blocking=False):
            # In a thread of its own, it would ask again at once.
            self._is_idle.wait(_MOMENT)
            yield None
        try:
            if self._error is not None:
                yield Part(None, Progress(resource, None, is_whole=False, reason=str(self._error)))
                return
            with closing(self._read(self._stream(stream_name), resource)) as parts:
                while True:
                    with self._waiting():
                        part = next(parts, None)
                    if part is None:
                        return
                    self._has_handed_on |= part.table is not None
                    yield part
        finally:
            self._turn.release()

    def _stream(self, name: str) -> InsightlyStream:
        return cast("InsightlyStream", self._tap.streams[name])

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._is_idle.clear()
        try:
            yield
        finally:
            self._is_idle.set()

    def _read(self, stream: InsightlyStream, resource: str) -> Generator[Part]:
        """Read a stream in tables of some size, each with the state that has just that much."""
        held: list[pa.Table] = []
        run = self._tap.run
        reason = None
        try:
            with closing(run.tables(stream)) as found:
                for table in found:
                    # All before this one counts as handed on, and this one does not yet.
                    if held and (_count(held) >= ROWS or table.schema != held[0].schema):
                        progress = Progress(resource, self._state_of(stream))
                        yield Part(pa.concat_tables(held), progress)
                        held = []
                    held.append(table)
        except InsightlyError as error:
            if not held and not self._has_handed_on:
                raise
            self._error = error
            reason = str(error)
            logger.error("%s: not read to its end: %s", stream.name, error)  # noqa: TRY400
        progress = Progress(
            resource,
            self._state_of(stream),
            is_whole=reason is None and stream.was_read_whole,
            reason=reason or run.failures.get(stream.name),
        )
        yield Part(pa.concat_tables(held) if held else None, progress)

    def _state_of(self, stream: InsightlyStream) -> Mapping[str, Any]:
        self._tap.write_state()
        return deepcopy(dict(stream.saved_state()))


def _count(parts: Iterable[pa.Table]) -> int:
    return sum(table.num_rows for table in parts)
