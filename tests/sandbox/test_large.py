"""Records are as large as was asked for, and take no memory until they are sent."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import msgspec
import pytest
import requests

from tap_insightly.sandbox import Faults
from tests.conftest import KEY, new_sandbox
from tests.sandbox.asking import ask, contact_ids, ids

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


@pytest.mark.parametrize("brief", ["true", "false"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_each_record_has_the_size(sandbox: Sandbox, brief: str, encoding: str) -> None:
    sandbox.faults = Faults(record_bytes={"/Contacts": 20_000})
    answer = requests.get(
        f"{sandbox.api_url}/Contacts",
        params={"brief": brief, "top": "7"},
        auth=(KEY, ""),
        headers={"Accept-Encoding": encoding},
        timeout=60,
    )
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    sizes = [len(row) for row in msgspec.json.decode(answer.content, type=list[msgspec.Raw])]
    assert sizes == [20_000] * 7
    assert ids(answer) == contact_ids(sandbox)[:7]


def test_nothing_but_the_long_text_is_another(sandbox: Sandbox) -> None:
    right = ask(sandbox).json()
    sandbox.faults = Faults(record_bytes=20_000)
    for before, after in zip(right, ask(sandbox).json(), strict=True):
        assert after["BACKGROUND"].endswith(before["BACKGROUND"] or "")
        assert after | {"BACKGROUND": None} == before | {"BACKGROUND": None}


def test_a_record_alone_is_as_large_as_in_its_list(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(record_bytes=20_000)
    first = ask(sandbox, top=1).json()[0]
    assert ask(sandbox, f"/Contacts/{first['CONTACT_ID']}").json() == first


def test_every_object_that_has_texts_can_be_large(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(record_bytes=10_000)
    for path in ("/Leads", "/Notes", "/Users", "/Pipelines", "/Fruit__c", "/Emails", "/Projects"):
        rows = msgspec.json.decode(ask(sandbox, path, top=3).content, type=list[msgspec.Raw])
        assert {len(row) for row in rows} == {10_000}, path


def test_a_page_of_50_megabytes_is_never_in_memory() -> None:
    with new_sandbox(records=500).serve() as sandbox:
        sandbox.faults = Faults(record_bytes=100_000)
        ask(sandbox, top=1)
        tracemalloc.start()
        try:
            url = f"{sandbox.api_url}/Contacts?top=500"
            with requests.get(url, auth=(KEY, ""), stream=True, timeout=60) as answer:
                size = sum(map(len, answer.iter_content(65_536)))
            assert size > 50_000_000
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "faults",
    [
        Faults(hang_above_records=20, hang_seconds=5),
        Faults(hang_above_bytes=100_000, record_bytes=5_000, hang_seconds=5),
    ],
    ids=["records", "bytes"],
)
def test_a_large_page_does_not_come_and_a_small_one_does(sandbox: Sandbox, faults: Faults) -> None:
    sandbox.faults = faults
    assert len(ask(sandbox, top=15).json()) == 15
    with pytest.raises(requests.ReadTimeout):
        ask(sandbox, seconds=0.2, top=50)


@pytest.mark.parametrize("record_bytes", [None, 2_000])
def test_a_body_that_drips_is_whole_in_the_end(sandbox: Sandbox, record_bytes: int | None) -> None:
    sandbox.faults = Faults(record_bytes=record_bytes)
    right = ask(sandbox, top=5).content
    sandbox.faults.bytes_per_second = 1_000_000
    assert ask(sandbox, top=5).content == right


def test_a_body_that_drips_begins_before_it_ends(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(bytes_per_second=20)
    url = f"{sandbox.api_url}/Contacts"
    with requests.get(url, auth=(KEY, ""), stream=True, timeout=60) as answer:
        assert answer.raw.read(1)
        assert sandbox.faults.in_flight == 1


def test_a_large_body_can_be_cut_off_too(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(record_bytes=20_000, script=["truncate"])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(sandbox)
    assert len(ask(sandbox, top=5).json()) == 5
