"""The list of ids that tells what is gone, where it is not as lists should be."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import Page, RequestStats, Response
from tap_insightly.sync.id_list import IdList, UnorderedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_insightly.api import PagedRequest


def id_list(page_size: int = 500) -> IdList:
    stream: Any = SimpleNamespace(
        own_key=("CONTACT_ID",), path="/Contacts", config={"page_size": page_size}
    )
    return IdList(stream, RequestStats())


class Lists:
    """Answers requests for a list that stays as it is."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = records

    def read(self, paged_requests: Sequence[PagedRequest]) -> Iterator[Page]:
        for paged_request in paged_requests:
            while not paged_request.is_done:
                skip, total = paged_request.skip, len(self.records)
                body = json.dumps(self.records[skip : skip + paged_request.top]).encode()
                response = Response(body, None, total)
                yield Page(response, skip, paged_request.accept(response))


def test_ids_come_with_their_places_from_behind_a_known_one() -> None:
    ids, lists = id_list(page_size=3), Lists([{"CONTACT_ID": 10 * n} for n in range(1, 9)])
    found = [(one.record_id, one.place) for one in ids.entries(ids.paginator(), lists.read)]
    assert found == [(10 * n, n - 1) for n in range(1, 9)]
    behind = ids.entries(ids.paginator(after=60, skip=5), lists.read)
    assert [(one.record_id, one.place) for one in behind] == [(70, 6), (80, 7)]


@pytest.mark.parametrize(
    "records",
    [
        [{"CONTACT_ID": 2}, {"CONTACT_ID": 1}],
        [{"CONTACT_ID": 1}, {"MESSAGE": "an error"}],
        [{"CONTACT_ID": "one"}],
    ],
)
def test_a_list_that_tells_nothing_is_said_to_be_one(records: list[dict[str, Any]]) -> None:
    ids = id_list()
    with pytest.raises(UnorderedError):
        list(ids.entries(ids.paginator(), Lists(records).read))


def test_records_are_read_by_their_places_unless_they_have_moved() -> None:
    ids, lists = id_list(page_size=3), Lists([{"CONTACT_ID": n} for n in range(20)])
    found = ids.records_at({4: 4, 5: 5, 17: 17, 9: 12}, lists.read)
    assert [one.record_id for one in found] == [4, 5, 17]
