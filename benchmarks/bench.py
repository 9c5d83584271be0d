"""What all measurements share: how large they are, and how a tap is run."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchmarks.processes import Usage, environment, measure
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.servers import Server

KEY = "sandbox-api-key"  # what a sandbox accepts that is not told another
CONTACTS = "contacts"
PAGE = 500  # records that the API hands out at once, at most
RATE = 10  # requests a second that it allows an account
FASTEST = 100  # requests a second, where the pace is not what is measured

_REPORT = re.compile(
    r"(?P<stream>\w+): (?P<records>[\d,]+)( of [\d,]+)? records, (\d+ deleted, )?"
    r"(?P<requests>\d+) requests, "
    r"(?P<retries>\d+) retries,"
)


class Report(NamedTuple):
    """What the tap said of a stream."""

    records: int
    requests: int
    retries: int


class Bench:
    """Runs taps on an account that is always the same but for its size."""

    def __init__(self, folder: Path, *, is_quick: bool) -> None:
        """Start with nothing.

        Args:
            folder: Where files go.
            is_quick: Whether to measure little, only to see that it works.
        """
        self.folder = folder
        self.is_quick = is_quick

    def size(self, full: int, quick: int) -> int:
        """Choose a size.

        Args:
            full: The one to measure, a number.
            quick: A small one, a number.

        Returns:
            One of them.
        """
        return quick if self.is_quick else full

    @cached_property
    def catalog(self) -> dict[str, Any]:
        """What the tap discovers on the account, whose fields do not depend on its size."""
        path = self.folder / "discovered.json"
        with served(records=10) as server:
            command = ["-m", "tap_insightly", "--config=ENV", "--discover"]
            env = _settings("TAP_INSIGHTLY", server, requests_per_second=100)
            measure(command, env=env, folder=self.folder, stdout=path)
        catalog: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return catalog

    def tap(
        self,
        server: Server,
        *args: str,
        streams: Iterable[str] = (CONTACTS,),
        stdout: Path | None = None,
        **settings: float | str,
    ) -> Usage:
        """Run the tap.

        Args:
            server: What it reads from.
            *args: More arguments, texts.
            streams: The names of the streams to read.
            stdout: The file for its output; None to drop it.
            **settings: Settings that are not as they are by default, by name.

        Returns:
            What it took.
        """
        catalog = self.selected(streams)
        command = ["-m", "tap_insightly", "--config=ENV", f"--catalog={catalog}", *args]
        env = _settings("TAP_INSIGHTLY", server, **settings)
        return measure(command, env=env, folder=self.folder, stdout=stdout)

    def plain(self, server: Server, *, stdout: Path | None = None) -> Usage:
        """Run the plain tap.

        Args:
            server: What it reads from.
            stdout: The file for its output; None to drop it.

        Returns:
            What it took.
        """
        catalog = self.selected((CONTACTS,))
        command = ["-m", "benchmarks.plain", "--config=ENV", f"--catalog={catalog}"]
        env = _settings("TAP_PLAIN", server)
        return measure(command, env=env, folder=self.folder, stdout=stdout)

    @property
    def usual(self) -> list[str]:
        """The names of the streams that are selected by default."""
        return [
            stream["tap_stream_id"]
            for stream in self.catalog["streams"]
            for entry in stream["metadata"]
            if not entry["breadcrumb"] and entry["metadata"]["selected-by-default"]
        ]

    def selected(self, names: Iterable[str]) -> Path:
        """Write a catalog to a file.

        Args:
            names: The names of the streams to select.

        Returns:
            Its path.
        """
        chosen = set(names)
        for stream in self.catalog["streams"]:
            for entry in stream["metadata"]:
                if not entry["breadcrumb"]:
                    entry["metadata"]["selected"] = stream["tap_stream_id"] in chosen
        path = self.folder / "catalog.json"
        path.write_text(json.dumps(self.catalog), encoding="utf-8")
        return path


def reports(usage: Usage) -> dict[str, Report]:
    """Read what the tap said of its streams.

    Args:
        usage: A run of the tap.

    Returns:
        Numbers, by the names of the streams.
    """
    return {
        found["stream"]: Report(*(int(found[name].replace(",", "")) for name in Report._fields))
        for found in _REPORT.finditer(usage.log)
    }


def check_contacts(usage: Usage, count: int) -> None:
    """Make sure that a run of the tap was a run to the end.

    Args:
        usage: The run.
        count: How many contacts there were, a number.

    Raises:
        ClickException: If the tap does not say that it read as many.
    """
    report = reports(usage).get(CONTACTS)
    if report is None or report.records != count:
        msg = f"{count} contacts were to be read, and the tap says: {report}."
        raise click.ClickException(msg)


def _settings(prefix: str, server: Server, **settings: float) -> dict[str, str]:
    given = {"api_key": KEY, "api_url": server.url, **settings}
    return environment(**{f"{prefix}_{name.upper()}": f"{text}" for name, text in given.items()})
