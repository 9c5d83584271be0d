"""What a state calls known: what was sent, and nothing else, so that no deletion is missed."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.sync.id_codec import decode_ids
from tests.changing import Account
from tests.syncing import PAGE, no_log, sync
from tests.test_deletions import Refusing, tombstones
from tests.test_paging import changes, happening

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import RequestStats, Response

__all__ = ["no_log"]  # a fixture


def sent(messages: list[dict[str, Any]]) -> list[int]:
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    return [one["CONTACT_ID"] for one in records if not one.get("_sdc_deleted_at")]


def known(messages: list[dict[str, Any]]) -> list[int]:
    state = messages[-1]["value"]["bookmarks"]["contacts"]["known"]
    ids = list(decode_ids(state["ids"]) or ())
    assert state["count"] == len(ids)
    return ids


def test_what_was_sent_while_the_list_could_not_be_read_is_not_sent_again() -> None:
    """Of a run that was refused the list, what is known stays, as of the bookmark before it."""
    account = Refusing(list(range(1, 5 * PAGE)))
    state = sync(account, {}, detect_deletes=True)[0][-1]["value"]
    account.is_refusing = True
    for _ in range(5):
        account.create()
    messages, is_whole = sync(account, state, detect_deletes=True)
    assert is_whole
    assert sent(messages)[-5:] == account.ids[-5:]
    refused = messages[-1]["value"]["bookmarks"]["contacts"]
    assert refused["known"] == state["bookmarks"]["contacts"]["known"]
    assert refused["replication_key_value"] > refused["known"]["bookmark"]
    account.is_refusing = False
    messages, _ = sync(account, messages[-1]["value"], detect_deletes=True)
    assert set(sent(messages)) <= {account.ids[-1]}, "no more than the overlap of two runs"
    assert known(messages) == account.ids


@settings(max_examples=60)
@given(
    script=st.dictionaries(st.integers(1, 8), changes, max_size=5),
    concurrency=st.integers(1, 3),
    is_first=st.booleans(),
)
def test_a_state_in_between_tells_no_id_that_was_not_sent(
    script: dict[int, list[tuple[Any, ...]]], concurrency: int, *, is_first: bool
) -> None:
    account = Account(list(range(1, 4 * PAGE)), max_concurrency=concurrency)
    state: dict[str, Any] = {}
    if not is_first:
        state = sync(account, {}, detect_deletes=True)[0][-1]["value"]
        account.now += 10
        for place in range(3 * PAGE):
            account.update(place)
    account.happens = happening(script)
    messages, _ = sync(account, state, detect_deletes=True, every=3)
    told, so_far = told_before_sent(messages)
    assert told or not account.ids or so_far < PAGE


def test_states_that_grow_with_the_ids_come_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all of them together would grow with the square of the records."""
    sizes = []
    for most in (10**9, 200):
        monkeypatch.setattr("tap_insightly.sync.stream_sync.BYTES_OF_STATE", most)
        messages, _ = sync(Account(list(range(1, 50 * PAGE))), {}, detect_deletes=True, every=PAGE)
        states = [json.dumps(one["value"]) for one in messages if one["type"] == "STATE"]
        sizes.append(sum(map(len, states)))
        assert len(states) >= 5
    assert sizes[1] <= sizes[0] / 2


def test_nor_one_of_those_that_came_late() -> None:
    """Two come back to the beginning, which is read again as so much goes meanwhile."""
    account = Account(list(range(1, 4 * PAGE)), max_concurrency=1)
    account.delete(0, 2)

    def change(account: Account) -> None:
        account.delete(0, PAGE - 2)
        account.restore(1)
        account.restore(2)

    account.happens = {2: change}
    messages, _ = sync(account, {}, detect_deletes=True, every=1)
    ids = sent(messages)
    assert ids.index(1) == ids.index(2) - 1 >= PAGE
    assert told_before_sent(messages)[0] > PAGE


def told_before_sent(messages: list[dict[str, Any]]) -> tuple[int, int]:
    """Hold each state against what came before it; how many ids were told, and sent."""
    so_far: set[int] = set()
    told = 0
    for message in messages:
        if message["type"] == "RECORD":
            so_far.add(message["record"]["CONTACT_ID"])
        elif message["type"] == "STATE":
            stream = message["value"]["bookmarks"]["contacts"]
            packs = stream.get("unfinished", {}).get("ids", ())
            ids = [one for pack in packs for one in decode_ids(pack) or ()]
            assert set(ids) <= so_far
            assert len(set(ids)) == len(ids), "each once"
            told += len(ids)
    return told, len(so_far)


@dataclass
class Jumbled(Account):
    """An account whose search answers in order, and whose list does not behind some place."""

    ascends_up_to: int = 0

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        stats: RequestStats | None = None,
        **more: Any,
    ) -> Response:
        if path.endswith("/Search"):
            return super().get(path, params, stats, **more)
        in_order, at = self.ids, self.ascends_up_to
        self.ids = in_order[:at] + in_order[at:][::-1]
        try:
            return super().get(path, params, stats, **more)
        finally:
            self.ids = in_order


@pytest.mark.parametrize("ascends_up_to", [0, 2 * PAGE])
def test_ids_that_are_to_be_learned_and_do_not_ascend_are_not_known(
    caplog: pytest.LogCaptureFixture, ascends_up_to: int
) -> None:
    """A state from before the setting: what the search sends is in order, what is learned not."""
    account = Jumbled(list(range(1, 5 * PAGE)), max_concurrency=1)
    account.ascends_up_to = len(account.ids)
    state = sync(account, {})[0][-1]["value"]
    account.ascends_up_to = ascends_up_to
    account.create()
    logging.disable(logging.NOTSET)
    try:
        messages, is_whole = sync(account, state, detect_deletes=True)
    finally:
        logging.disable(logging.CRITICAL)
    assert is_whole
    assert "known" not in messages[-1]["value"]["bookmarks"]["contacts"]
    assert "deletions cannot be found, because ids do not ascend" in caplog.text
    account.delete(3)
    assert not tombstones(sync(account, messages[-1]["value"], detect_deletes=True)[0])
