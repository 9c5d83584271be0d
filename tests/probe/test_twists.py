"""A server that breaks an assumption is found out, whichever it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.probe import ASSUMPTIONS, Outcome
from tap_insightly.probe.registry import CHECKS
from tap_insightly.probe.writing_checks import WRITTEN
from tests.probe.twisting import Exchange, Twist, failing, twisted, verdicts
from tests.probe.twists import LARGE, READING, WRITING, after, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.probe.twisting import TwistedSandbox

# What may be, and need not: an account that has none of it breaks nothing.
PERMISSIONS = {"changes-without-date", "custom-absent", "lengths-no-promise"}


def cases(table: list[tuple[str, Twist]]) -> list[Any]:
    return [pytest.param(name, twist, id=f"{name}-{at}") for at, (name, twist) in enumerate(table)]


@pytest.fixture(scope="module")
def small() -> Iterator[TwistedSandbox]:
    """A sandbox that is only read, behind one twist after the other."""
    with twisted() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def large() -> Iterator[TwistedSandbox]:
    """One with several pages."""
    with twisted(records=1300) as sandbox:
        yield sandbox


@pytest.mark.parametrize(("name", "twist"), cases(READING))
def test_a_server_that_breaks_an_assumption_is_found_out(
    small: TwistedSandbox, name: str, twist: Twist
) -> None:
    small.twist = twist
    found = verdicts(small)
    assert found[name].outcome is Outcome.DOES_NOT, found[name].text
    assert not [one for one in found.values() if "cannot read" in one.text]


@pytest.mark.parametrize(("name", "twist"), cases(LARGE))
def test_so_is_one_whose_pages_are_others(large: TwistedSandbox, name: str, twist: Twist) -> None:
    large.twist = twist
    found = verdicts(large)
    assert found[name].outcome is Outcome.DOES_NOT, found[name].text


@pytest.mark.parametrize(("name", "twist"), cases(WRITING))
def test_so_is_one_that_is_written_to(name: str, twist: Twist) -> None:
    with twisted(twist) as sandbox:
        before = sandbox.count("/Contacts"), sandbox.count("/Notes")
        found = verdicts(sandbox, is_writing=True)
        assert (sandbox.count("/Contacts"), sandbox.count("/Notes")) == before
    assert found[name].outcome is Outcome.DOES_NOT, found[name].text


@pytest.mark.parametrize("plan", ["enterprise", "professional"])
@pytest.mark.parametrize("records", [2, 60, 1300])
def test_a_server_that_is_as_assumed_is_not_accused(plan: str, records: int) -> None:
    with twisted(records=records, plan=plan) as sandbox:
        found = verdicts(sandbox, is_writing=True)
        assert failing(found) == set()
        assert not [one.text for one in found.values() if "cannot read" in one.text]
    if records == 1300:
        able = {*CHECKS, *WRITTEN}
        unseen = {name for name in able if found[name].outcome is Outcome.NOT_SEEN}
        least = {"lengths-no-promise", "file-moves-date"}
        absent = {"left-out-is-refused"} if plan == "enterprise" else {"ticket-statuses"}
        assert unseen <= least | absent


def test_every_assumption_that_can_be_asked_about_is_broken_here() -> None:
    broken = {name for name, _ in (*READING, *LARGE, *WRITING)}
    assert broken == {*CHECKS, *WRITTEN} - PERMISSIONS
    assert {one.id for one in ASSUMPTIONS} >= broken


def test_what_may_be_is_not_seen_where_it_is_not(small: TwistedSandbox) -> None:
    small.twist = rows("/", LAST_ACTIVITY_DATE_UTC="2000-01-01 00:00:00")
    found = verdicts(small)
    assert found["changes-without-date"].outcome is Outcome.NOT_SEEN


@pytest.mark.parametrize("body", ["null", "[]", "[null, 7]", '{"a": 1}', '"x"', "", "<p>", "7"])
def test_whatever_is_answered_the_probe_ends_with_verdicts(
    small: TwistedSandbox, body: str
) -> None:
    def change(one: Exchange) -> None:
        if len(one.path) % 3 == 0:
            one.data = json.loads(body) if body not in {"", "<p>"} else body

    small.twist = after(change)
    found = verdicts(small)
    assert len(found) == len(ASSUMPTIONS)
