"""An account whose workflows tell of changes, and a tap that runs against it by a clock of ours."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Sandbox
from tap_insightly.sync import webhook_events
from tap_insightly.tap import TapInsightly
from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.writer import EventWriter
from tests.syncing import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tap_insightly.sandbox.handlers.replies import RequestLog

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)
ACCOUNT, OTHER = "acme", "beta"
_NO_GAP = 1e9
"""Our clock leaps, which the receiver would take for a time in which it slept."""
CHANGING: Mapping[str, tuple[str, str]] = {
    "/Contacts": ("CONTACT_ID", "FIRST_NAME"),
    "/Leads": ("LEAD_ID", "FIRST_NAME"),
    "/Opportunities": ("OPPORTUNITY_ID", "OPPORTUNITY_DETAILS"),
    "/Tasks": ("TASK_ID", "DETAILS"),
    "/Organisations": ("ORGANISATION_ID", "ORGANISATION_NAME"),
    "/Projects": ("PROJECT_ID", "PROJECT_DETAILS"),
}
"""The key of each object that changes, and a field that is changed."""


class Office:
    """A sandbox, the webhooks of it, a tap that is run now and then, and a warehouse."""

    def __init__(self, sandbox: Sandbox, folder: Path, **config: Any) -> None:
        self.sandbox = sandbox
        self.now = NOON
        sandbox.clock = lambda: self.now
        self.store = folder / "webhooks.sqlite"
        self.writer = EventWriter(self.store, understand, clock=self._time, alive_seconds=_NO_GAP)
        self.writer.start()
        self.accounts = folder / "config.toml"
        self.accounts.touch(mode=0o600)
        self.accounts.write_text("".join(_account(name, sandbox) for name in (ACCOUNT, OTHER)))
        self.config = {
            "account": ACCOUNT,
            "requests_per_second": 100,
            "webhook_store": str(self.store),
            **config,
        }
        with self._environment():
            self.catalog = TapInsightly(config=self.config).catalog_dict
        self.state: dict[str, Any] = {}
        self.rows: dict[tuple[str, Any], dict[str, Any]] = {}
        """What the warehouse holds, by stream and key."""
        self.log: list[str] = []

    def _time(self) -> float:
        return self.now.timestamp()

    def close(self) -> None:
        self.writer.close()

    def tell(self, path: str, record: Mapping[str, Any]) -> None:
        """Have a webhook of a record come."""
        key = CHANGING[path][0]
        entity = {key: record[key], "DATE_UPDATED_UTC": _date(record["DATE_UPDATED_UTC"])}
        self.deliver(json.dumps({"entity": entity}).encode())

    def deliver(self, body: bytes, account: str = ACCOUNT) -> None:
        """Have something come as a webhook."""
        asyncio.run(self.writer.add(account, body))

    def be_alive(self) -> None:
        """Have the receiver say that it is alive, as it does every ten seconds."""
        asyncio.run(self.writer.check())

    def change(self, path: str, key: int, text: str, *, is_told: bool = True) -> None:
        """Change a record; the webhook of it comes a second later, or is lost."""
        record = self.sandbox.update(path, key, **{CHANGING[path][1]: text})
        assert record is not None
        self.now += timedelta(seconds=1)
        if is_told:
            self.tell(path, record)

    def change_any(self, rng: random.Random, text: str, *, is_told: bool = True) -> tuple[str, int]:
        """Change some record of some object."""
        path = rng.choice(list(CHANGING))
        key = rng.choice(self.sandbox.records(path))[CHANGING[path][0]]
        self.change(path, key, text, is_told=is_told)
        return path, key

    def text(self, path: str, key: int) -> Any:
        """What the warehouse has of what `change` changes."""
        row = self.rows.get((path[1:].lower(), key))
        return row and row[CHANGING[path][1]]

    def run(
        self, load: Callable[[list[dict[str, Any]]], None] | None = None, **config: Any
    ) -> list[RequestLog]:
        """Run the tap once, and load what it sends; what it asked for."""
        self.be_alive()
        count, memory = len(self.sandbox.requests), Memory()
        logs = _Log(self.log)
        with self._environment():
            tap = TapInsightly(
                config={**self.config, **config},
                catalog=deepcopy(self.catalog),
                state=deepcopy(self.state),
                message_writer=memory,
            )
        tap.logger.addHandler(logs)
        tap.logger.setLevel(logging.INFO)  # as the SDK has it, where it sets up the log
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(webhook_events, "utc_now", lambda: self.now)
                tap.sync_all()
        finally:
            tap.logger.removeHandler(logs)
            (load or self.load)(memory.messages)
        return self.sandbox.requests[count:]

    @contextmanager
    def _environment(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("INSIGHTLY_CONFIG", str(self.accounts))
            patch.setenv("OFFICE_KEY", self.sandbox.api_key)
            yield

    def load(self, messages: list[dict[str, Any]]) -> None:
        """Load up to the last state; what comes after it is lost."""
        last = max((n for n, one in enumerate(messages) if one["type"] == "STATE"), default=-1)
        keys: dict[str, list[str]] = {}
        for message in messages[: last + 1]:
            if message["type"] == "SCHEMA":
                keys[message["stream"]] = message["key_properties"]
            elif message["type"] == "STATE":
                self.state = message["value"]
            elif message["type"] == "RECORD":
                names = keys[message["stream"]]
                if len(names) == 1:
                    key = message["record"][names[0]]
                    self.rows[message["stream"], key] = message["record"]


class _Log(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


class Day:
    """A day with 2,000 changes, and a run of the tap each minute."""

    def __init__(self, office: Office, lost: int | None = None) -> None:
        self.office = office
        self.minute = 0
        self.requests = 0
        self.late_told = 0
        """The most minutes for which the warehouse lacked a change of which an event came."""
        self.late_lost = 0
        """The same of those whose event was lost: every so many-th."""
        self._lost = lost
        self._begin = office.now
        self._rng = random.Random(1)
        self._number = 0
        self._truth: dict[tuple[str, int], tuple[str, int, bool]] = {}

    def pass_minute(self) -> None:
        """Change as much as in a minute of the day, and run the tap."""
        office, minute = self.office, self.minute
        for _ in range(2000 * (minute + 1) // 1440 - 2000 * minute // 1440):
            self._number += 1
            is_told = self._lost is None or self._number % self._lost > 0
            office.now += timedelta(seconds=self._rng.random() * 20)
            text = f"text {self._number}"
            changed = office.change_any(self._rng, text, is_told=is_told)
            self._truth[changed] = (text, minute, is_told)
        self.minute += 1
        office.now = self._begin + timedelta(minutes=self.minute)
        self.requests += len(office.run())
        for changed, (text, since, is_told) in self._truth.items():
            if office.text(*changed) == text:
                continue
            if is_told:
                self.late_told = max(self.late_told, self.minute - since)
            else:
                self.late_lost = max(self.late_lost, self.minute - since)


@contextmanager
def open_office(folder: Path, **config: Any) -> Iterator[Office]:
    """An office with a small account, for as long as the context lasts."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(60).serve())
        office = Office(sandbox, folder, **config)
        stack.callback(office.close)
        yield office


def lists(requests: list[RequestLog]) -> set[str]:
    """The lists that were asked for."""
    return {request.path.removeprefix("/v3.1").removesuffix("/Search") for request in requests}


def _account(name: str, sandbox: Sandbox) -> str:
    return f"""
[accounts.{name}]
api_url = "{sandbox.api_url}"
api_key_env = "OFFICE_KEY"
"""


def _date(text: str) -> str:
    moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return f"/Date({int(moment.timestamp() * 1000)}-0800)/"
