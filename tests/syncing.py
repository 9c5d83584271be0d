"""Syncs in this process, against an account that changes, into a target that can be killed."""

from __future__ import annotations

import json
import logging
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import InsightlyError, Quota, RequestStats, RetriesExhaustedError
from tap_insightly.output import MessageWriter
from tap_insightly.tap import TapInsightly
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.singerlib import Message

    from tap_insightly.api import Response
    from tests.changing import Account

PAGE = 20  # so small that a few records make many pages

CATALOG = {
    "streams": [
        {
            "tap_stream_id": "contacts",
            "stream": "contacts",
            "key_properties": ["CONTACT_ID"],
            "replication_key": "DATE_UPDATED_UTC",
            "replication_method": "INCREMENTAL",
            "schema": {
                "type": "object",
                "properties": {
                    "CONTACT_ID": {"type": "integer"},
                    "FIRST_NAME": {"type": ["string", "null"]},
                    "DATE_UPDATED_UTC": {"type": ["string", "null"], "format": "date-time"},
                },
            },
            "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
        }
    ]
}


class Session:
    """An account in this process, in place of a session; may be cut off at some request."""

    def __init__(self, account: Account, cut_at: int | None) -> None:
        self.account = account
        self.cut_at = cut_at
        self.stats = RequestStats()
        self.quota = Quota()
        self.max_concurrency = account.max_concurrency
        self.is_closed = False
        account.requests.clear()

    def get(self, path: str, params: Mapping[str, str], stats: RequestStats, **_: Any) -> Response:
        if self.cut_at is not None and len(self.account.requests) + 1 >= self.cut_at:
            msg = "cut off"
            raise RetriesExhaustedError(msg)
        return self.account.get(path, params, stats)

    def now(self) -> None:
        """No clock is looked at."""

    def close(self) -> None:
        self.is_closed = True


class Memory(MessageWriter):
    """Keeps the messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write_message(self, message: Message) -> None:
        content = message.to_dict()
        if content["type"] == "SCHEMA":
            content = json.loads(self.format_message(message))  # lists, in whatever way it has them
        if content["type"] == "STATE":
            content = deepcopy(content)
            self.state_bytes = len(self.format_message(message))
        self.messages.append(content)


@pytest.fixture(autouse=True, scope="module")
def no_log() -> Iterator[None]:
    """A log takes longer than all else."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def sync(
    account: Account,
    state: dict[str, Any],
    *,
    cut_at: int | None = None,
    every: int = 7,
    method: str = "INCREMENTAL",
    **config: Any,
) -> tuple[list[dict[str, Any]], bool]:
    """Sync in this process, with a state after every few records; the messages, and if all went."""
    memory = Memory()
    catalog = deepcopy(CATALOG)
    catalog["streams"][0]["replication_method"] = method  # type: ignore[index]
    tap = TapInsightly(
        config={"api_key": KEY, "lookback_seconds": 1, "page_size": PAGE, **config},
        catalog=catalog,
        state=deepcopy(state),
        message_writer=memory,
    )
    session = Session(account, cut_at)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tap_insightly.tap.open_session", lambda *_: session)
            patch.setattr("tap_insightly.sync.stream_sync.RECORDS_BETWEEN_STATES", every)
            tap.sync_all()
    except InsightlyError:
        return memory.messages, False
    finally:
        assert session.is_closed, "no connection outlives its sync"
    return memory.messages, True


class Target:
    """Loads records, and acknowledges a state once it has all that came before."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.tombstones: list[int] = []
        self.state: dict[str, Any] = {}
        self.received: list[int] = []

    def load(self, messages: list[dict[str, Any]]) -> None:
        """Load up to the last state; what comes after it is lost."""
        last = max((n for n, one in enumerate(messages) if one["type"] == "STATE"), default=-1)
        for message in messages[: last + 1]:
            if message["type"] == "RECORD":
                record = message["record"]
                number = record["CONTACT_ID"]
                if record.get("_sdc_deleted_at"):
                    self.rows.pop(number, None)
                    self.tombstones.append(number)
                    continue
                self.rows[number] = record["FIRST_NAME"]
                self.received.append(number)
            elif message["type"] == "STATE":
                self.state = message["value"]
