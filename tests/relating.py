"""What tests of related records share: syncs in this process, and what should arrive."""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections import Counter
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tap_insightly.api import (
    InsightlyError,
    InsightlySession,
    Quota,
    RequestStats,
    Response,
    RetriesExhaustedError,
)
from tap_insightly.api.http.errors import NotAvailableError
from tap_insightly.api.http.headers import moment
from tap_insightly.tap import TapInsightly
from tap_insightly.values import parse_moment, utc_text
from tests.conftest import KEY, entry, new_sandbox, only
from tests.syncing import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.sandbox import Sandbox

FILES = {
    "/Contacts": "Contact",
    "/Leads": "Lead",
    "/Organisations": "Organisation",
    "/Opportunities": "Opportunity",
    "/Projects": "Project",
    "/Emails": "Email",
    "/Notes": "Note",
    "/Fruit__c": "Fruit__c",
    "/Site_Visit__c": "Site_Visit__c",
}
STREAMS: dict[str, tuple[str, dict[str, str | None]]] = {
    "opportunity_state_history": ("StateHistory", {"/Opportunities": None}),
    "ticket_comments": ("Comments", {"/Ticket": None}),
    "note_comments": ("Comments", {"/Notes": None}),
    "task_comments": ("Comments", {"/Tasks": None}),
    "email_comments": ("Comments", {"/Emails": None}),
    "quote_documents": ("QuotationDocument", {"/Quotation": None}),
    "prospect_list_memberships": ("StaticListMembership", {"/Prospect": None}),
    "file_attachments": ("FileAttachments", dict(FILES)),
}
HISTORY = "opportunity_state_history"
NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
TOKEN = b"Basic " + b64encode(f"{KEY}:".encode())


@cache
def catalog() -> dict[str, Any]:
    with new_sandbox().serve() as sandbox:
        config = {"api_key": KEY, "api_url": sandbox.api_url, "requests_per_second": 100}
        tap = TapInsightly(config=config)
        found = json.loads(json.dumps(tap.catalog_dict))
        tap.close()
    assert isinstance(found, dict)
    return found


def selected(*names: str, method: str | None = None) -> dict[str, Any]:
    """A catalog of some streams, all of them selected."""
    streams = [entry(only(catalog(), *names), name) for name in names]
    if method:
        streams = [{**stream, "replication_method": method} for stream in streams]
    return {"streams": streams}


class Direct:
    """A sandbox without a network, in place of a session; may be cut off at some request."""

    def __init__(
        self, sandbox: Sandbox, *, cut_at: int | None = None, max_concurrency: int = 4
    ) -> None:
        self.sandbox, self.cut_at, self.max_concurrency = sandbox, cut_at, max_concurrency
        self.stats, self.quota = RequestStats(), Quota()
        self._app, self._lock = sandbox.app, threading.Lock()
        self._date: datetime | None = None

    def now(self) -> datetime | None:
        return self._date

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        stats: RequestStats | None = None,
        **_: Any,
    ) -> Response:
        with self._lock:
            if self.cut_at is not None and len(self.sandbox.requests) + 1 >= self.cut_at:
                msg = "cut off"
                raise RetriesExhaustedError(msg)
            (stats or self.stats).count(requests=1)
            start, body = self._ask(path, params or {})
        if start["status"] >= 400:
            raise NotAvailableError(path, start["status"])
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        total = headers.get("x-total-count")
        self._date = moment(headers["date"])
        return Response(body["body"], self._date, int(total) if total else None)

    def _ask(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": f"/v3.1{path}"}
        scope |= {
            "query_string": urlencode(params).encode(),
            "headers": [(b"authorization", TOKEN)],
        }
        answering = self._app(scope, receive, send)
        with suppress(StopIteration):
            while True:
                answering.send(None)
        return sent

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Done:
    """What a sync left behind."""

    messages: list[dict[str, Any]]
    error: InsightlyError | None
    asked: list[str]
    """The paths that were asked for, with no version."""
    queries: list[dict[str, str]]

    @property
    def state(self) -> dict[str, Any]:
        return next(m["value"] for m in reversed(self.messages) if m["type"] == "STATE")

    def own_state(self, stream: str) -> Any:
        return self.state["bookmarks"][stream]

    def rows(self, stream: str) -> list[dict[str, Any]]:
        own = (m for m in self.messages if m["type"] == "RECORD" and m["stream"] == stream)
        return [message["record"] for message in own]


def sync(  # noqa: PLR0913 - the settings of a sync, by name and optional
    sandbox: Sandbox,
    catalog: Any,
    state: Any = None,
    *,
    session: Any = None,
    every: int = 5000,
    page: int = 500,
    run: Callable[[TapInsightly], object] = TapInsightly.sync_all,
    **config: Any,
) -> Done:
    """Sync in this process: over HTTP if the sandbox is served, and with no limit to the pace."""
    memory = Memory()
    own = {"api_key": KEY, "api_url": sandbox.api_url or None, "max_concurrency": 20}
    own["requests_per_second"] = 100  # discovery is done by the session that the tap makes
    config = {**own, "page_size": page, **config}
    tap = TapInsightly(
        config=config,
        catalog=deepcopy(catalog),
        state=deepcopy(state or {}),
        message_writer=memory,
    )
    most = config["max_concurrency"]
    if session is None and sandbox.api_url:
        options: dict[str, Any] = {"requests_per_second": 10_000, "max_retries": 0}
        session = InsightlySession(sandbox.api_url, KEY, max_concurrency=most, **options)
    session = session or Direct(sandbox, max_concurrency=most)
    sandbox.requests.clear()
    error = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_insightly.tap.open_session", lambda *_: session)
        patch.setattr("tap_insightly.sync.stream_sync.RECORDS_BETWEEN_STATES", every)
        try:
            run(tap)
        except InsightlyError as raised:
            error = raised
        finally:
            tap.close()
    asked = [request.path.removeprefix("/v3.1") for request in sandbox.requests]
    return Done(memory.messages, error, asked, [request.query for request in sandbox.requests])


@pytest.fixture
def unserved() -> Sandbox:
    """A sandbox of the test's own, without a network."""
    return new_sandbox()


def key_of(sandbox: Sandbox, path: str) -> str:
    return sandbox.tables[path].keys[0]


def updated(record: Mapping[str, Any]) -> str:
    value = record.get("DATE_UPDATED_UTC") or record["DATE_CREATED_UTC"]
    return utc_text(parse_moment(value))


def as_sent(item: Mapping[str, Any]) -> dict[str, Any]:
    """What comes of what the API sends: dates are spelled in another way."""
    return {
        name: utc_text(parse_moment(value)) if is_date(str(value)) else value
        for name, value in item.items()
    }


is_date = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").fullmatch


def wanted(sandbox: Sandbox, stream: str) -> list[dict[str, Any]]:
    """All rows of a stream as they have to arrive."""
    name, paths = STREAMS[stream]
    found = []
    for path, kind in paths.items():
        key = key_of(sandbox, path)
        parents = {record[key]: record for record in sandbox.records(path)}
        for parent_id, children in sandbox.children(path, name).items():
            own = {"PARENT_TYPE": kind, "PARENT_ID": parent_id} if kind else {key: parent_id}
            own["PARENT_UPDATED_UTC"] = updated(parents[parent_id])
            found += [as_sent(child) | own for child in children]
    return found


def counted(rows: list[dict[str, Any]]) -> Counter[str]:
    """Rows to compare with others: without nulls, and without what the tap makes up itself."""
    own = {"STATE_HISTORY_ID"}
    plain = [{n: v for n, v in row.items() if n not in own and v is not None} for row in rows]
    return Counter(json.dumps(row, sort_keys=True) for row in plain)


def parents_asked(done: Done) -> list[str]:
    """The records whose children were asked for, such as ``/Notes/301``."""
    return [path.rpartition("/")[0] for path in done.asked if re.match(r"/\w+/\d+/\w+$", path)]


def all_parents(sandbox: Sandbox, stream: str, since: str = "") -> list[str]:
    return [
        f"{path}/{record[key_of(sandbox, path)]}"
        for path in STREAMS[stream][1]
        for record in sandbox.records(path)
        if updated(record) > since
    ]


def ticking(sandbox: Sandbox, step: int = 1) -> None:
    """Set the clock to another moment each time that somebody looks at it."""
    seconds = count(step=step)
    sandbox.clock = lambda: NOON + timedelta(seconds=next(seconds))
