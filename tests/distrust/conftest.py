"""What the tests with servers that cannot be trusted share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tap_insightly.states import normalize_state
from tap_insightly.streams import STREAMS
from tests.conftest import Run, Tap, entry, new_sandbox, only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

PATHS: dict[str, str] = {one.name: one.path for one in STREAMS if hasattr(one, "path")} | {
    "fruit__c": "/Fruit__c",
    "site_visit__c": "/Site_Visit__c",
}
"""Where the records of a stream are, by its name."""


class Synced(Run):
    """A run whose messages are parsed once."""

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """The Singer messages, in order."""
        return super().messages


@dataclass
class Account:
    """A sandbox, its catalog, and the tap that reads it."""

    sandbox: Sandbox
    tap: Tap
    catalog: dict[str, Any]
    asked: list[Any] = field(default_factory=list)
    """What the last run asked for."""

    def sync(
        self,
        *streams: str,
        state: Any = None,
        faults: Faults | None = None,
        method: str | None = None,
        **settings: Any,
    ) -> Synced:
        """Read some streams, from a server with these faults and no others."""
        catalog = only(self.catalog, *streams)
        if method is not None:
            for stream in catalog["streams"]:
                stream["replication_method"] = method
        self.sandbox.faults = faults or Faults()
        self.sandbox.requests.clear()
        done = self.tap(sandbox=self.sandbox, catalog=catalog, state=state, **settings)
        run = Synced(done.code, done.stdout, done.stderr)
        self.asked = list(self.sandbox.requests)
        self.sandbox.faults = Faults()
        assert normalize_state(run.state).keys() == run.state.keys(), (
            "what it writes it understands"
        )
        return run

    def records(self, stream: str) -> dict[int, dict[str, Any]]:
        """The records that there are, by id."""
        key, table = self.key(stream), self.sandbox.tables[PATHS[stream]]
        return {row[key]: row for row in table.rows}

    def key(self, stream: str) -> str:
        """The name of the field with the id."""
        (name,) = entry(self.catalog, stream)["key_properties"]
        return str(name)

    def bookmark_key(self, stream: str) -> str | None:
        """The name of the field that bookmarks are of; None if it is read whole."""
        found = entry(self.catalog, stream).get("replication_key")
        return str(found) if found else None

    def newest(self, stream: str, ids: Iterable[int] | None = None) -> str | None:
        """The bookmark of whoever has read a stream, or these records of it."""
        key, rows = self.bookmark_key(stream), self.records(stream)
        if key is None:
            return None
        last = max(rows[number][key] for number in (rows if ids is None else ids))
        return f"{last}Z".replace(" ", "T")

    def state(self, moment: str, *streams: str) -> dict[str, Any]:
        """A state of earlier runs, with one bookmark for all streams that have any."""
        keys = {name: self.bookmark_key(name) for name in streams}
        return {
            "bookmarks": {
                name: {"replication_key": key, "replication_key_value": moment}
                for name, key in keys.items()
                if key
            }
        }

    def arrived(self, run: Run, stream: str) -> set[int]:
        """The ids of what a run has sent."""
        return {row[self.key(stream)] for row in run.records(stream)}

    def requests(self, path: str) -> int:
        """How often the last run asked for a list or its search."""
        ends = (path, f"{path}/Search")
        return sum(one.path.removeprefix("/v3.1") in ends for one in self.asked)


def warnings(run: Run, stream: str) -> list[str]:
    """What a run has said of a stream that is more than information."""
    mark = f"{stream}: "
    return [
        line.rpartition(" | ")[2].removeprefix(mark)
        for line in run.stderr.splitlines()
        if mark in line and " INFO " not in line
    ]


def _account(tmp_path_factory: pytest.TempPathFactory, records: int) -> Iterator[Account]:
    with new_sandbox(records=records).serve() as sandbox:
        tap = Tap(tmp_path_factory.mktemp("account"))
        yield Account(sandbox, tap, tap.discover(sandbox))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with several pages of contacts, which no test changes."""
    yield from _account(tmp_path_factory, 1200)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A small one, which no test changes."""
    yield from _account(tmp_path_factory, 60)


@pytest.fixture
def own(small: Account, tmp_path: Path) -> Iterator[Account]:
    """One of the test's own, with two pages of contacts."""
    with new_sandbox(records=600).serve() as sandbox:
        yield Account(sandbox, Tap(tmp_path), small.catalog)
