"""What belongs to records, where its lists or those of the records end short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.distrust.conftest import warnings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.distrust.conftest import Account, Synced

more: Callable[[int], int] = lambda right: right + 2  # noqa: E731 - an entry of tables

SHORT: dict[str, tuple[dict[str, Any], str]] = {
    "the records end short": (
        {"totals": {"/Notes": more, "/Emails": more}},
        "ended after",
    ),
    "what belongs to them ends short": (
        {"totals": {"/Notes/{id}/Comments": more, "/Emails/{id}/Comments": more}},
        "/Comments ended after",
    ),
    "both are capped": (
        {
            "page_cap": {
                "/Notes": 7,
                "/Emails": 7,
                "/Notes/{id}/Comments": 2,
                "/Emails/{id}/Comments": 2,
            }
        },
        "",
    ),
    "what belongs to them comes one at a time": (
        {"page_cap": {"/Notes/{id}/Comments": 1, "/Emails/{id}/Comments": 1}},
        "pages that do not overlap",
    ),
}
CHILDREN = ("email_comments", "note_comments")


def rows(run: Synced, stream: str) -> list[dict[str, Any]]:
    """The rows of a stream, in an order of their own."""
    return sorted(run.records(stream), key=str)


@pytest.fixture(scope="module")
def whole(small: Account) -> Synced:
    """What a server tells that behaves."""
    return small.sync(*CHILDREN, "links", "contact_dates")


@pytest.mark.slow
@pytest.mark.parametrize("case", SHORT)
def test_children_come_whole_or_it_is_said_and_the_next_run_asks_again(
    small: Account, whole: Synced, case: str
) -> None:
    faults, said = SHORT[case]
    run = small.sync(*CHILDREN, faults=Faults(**faults))
    assert run.code == 0, run.stderr
    for stream in CHILDREN:
        assert rows(run, stream) == rows(whole, stream)
        told = warnings(run, stream)
        assert bool(told) is bool(said)
        assert all(said in one for one in told)
        assert run.bookmark(stream) == (None if said else whole.bookmark(stream))
    if said:
        run = small.sync(*CHILDREN, state=run.state)
        for stream in CHILDREN:
            assert rows(run, stream) == rows(whole, stream)
            assert run.bookmark(stream) == whole.bookmark(stream)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((), id="alone"),
        pytest.param(("contacts", "organisations"), id="along", marks=pytest.mark.slow),
    ],
)
def test_arrays_of_a_list_that_ends_short_come_again(
    small: Account, whole: Synced, others: tuple[str, ...]
) -> None:
    """Whether they are read for themselves, or while others read the same records."""
    faults = Faults(totals={"/Contacts": more})
    run = small.sync("links", "contact_dates", *others, faults=faults)
    assert run.code == 0, run.stderr
    assert "/Contacts ended after 60 of 62 records" in run.stderr
    assert rows(run, "links") == rows(whole, "links")
    run = small.sync("links", "contact_dates", *others, state=run.state)
    assert run.code == 0, run.stderr
    contacts = set(small.records("contacts"))
    assert {one["CONTACT_ID"] for one in run.records("contact_dates")} == {
        one["CONTACT_ID"] for one in whole.records("contact_dates")
    }
    linked = [one for one in rows(whole, "links") if one["PARENT_TYPE"] == "Contact"]
    again = [one for one in rows(run, "links") if one["PARENT_TYPE"] == "Contact"]
    assert again == linked
    assert {one["PARENT_ID"] for one in again} <= contacts
    assert run.state["bookmarks"]["links"] == whole.state["bookmarks"]["links"]
