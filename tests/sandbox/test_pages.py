"""Pages are cut as badly as was asked for: capped, with holes, with an end too early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.sandbox.asking import LONG_AGO, ask, contact_ids, ids, total

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.sandbox import Sandbox

SEARCH: dict[str, Any] = {"path": "/Contacts/Search", "updated_after_utc": LONG_AGO}
LIST: dict[str, Any] = {"path": "/Contacts"}
BOTH = pytest.mark.parametrize("asked", [LIST, SEARCH], ids=["list", "search"])


@BOTH
def test_a_cap_is_the_most_of_a_page(sandbox: Sandbox, asked: dict[str, Any]) -> None:
    sandbox.faults = Faults(page_cap=7)
    found = contact_ids(sandbox)
    answer = ask(sandbox, **asked, top=50, skip=10, count_total="true")
    assert (ids(answer), total(answer)) == (found[10:17], "60")
    assert ids(ask(sandbox, **asked, top=5)) == found[:5]
    assert ids(ask(sandbox, **asked, skip=58)) == found[58:]


def test_a_cap_can_be_one_lists_own(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(page_cap={"/contacts": 7, "/Contacts/Search": 9, "*": 2})
    assert len(ask(sandbox).json()) == 7
    assert len(ask(sandbox, **SEARCH).json()) == 9
    assert len(ask(sandbox, "/Leads").json()) == 2


@BOTH
@pytest.mark.parametrize("counts", [True, False])
def test_what_is_hidden_leaves_a_hole_in_its_page(
    sandbox: Sandbox, asked: dict[str, Any], *, counts: bool
) -> None:
    found = contact_ids(sandbox)
    sandbox.faults = Faults(hidden={"/Contacts": {found[1], found[59]}}, totals_count_hidden=counts)
    first = ask(sandbox, **asked, top=3, count_total="true")
    assert ids(first) == [found[0], found[2]]
    assert total(first) == ("60" if counts else "58")
    assert ids(ask(sandbox, **asked, top=3, skip=3)) == found[3:6], "offsets count it"
    assert ids(ask(sandbox, **asked, top=1, skip=59)) == []


@pytest.mark.parametrize("status", [403, 404])
def test_what_is_hidden_is_refused_one_by_one_and_with_all_below_it(
    sandbox: Sandbox, status: int
) -> None:
    note = next(iter(sandbox.children("/Notes", "Comments")))
    sandbox.faults = Faults(hidden={"/Notes": {note}}, hidden_status=status)
    for path in (f"/Notes/{note}", f"/Notes/{note}/Comments", f"/Notes/{note}/Links"):
        assert ask(sandbox, path).status_code == status
    sandbox.faults = Faults()
    assert ask(sandbox, f"/Notes/{note}").status_code == 200


def test_a_page_is_right_again_once_nothing_is_hidden(sandbox: Sandbox) -> None:
    found = contact_ids(sandbox)
    for hidden in (set(), {found[0]}, set(), {found[1]}):
        sandbox.faults.hidden = {"/Contacts": hidden}
        assert ids(ask(sandbox)) == [one for one in found if one not in hidden]


@BOTH
@pytest.mark.parametrize(
    ("habit", "told"),
    [
        (None, None),
        (5, "5"),
        (lambda right: right + 3, "63"),
        (lambda right: right // 2, "30"),
        (lambda _right: "many", "many"),
        (lambda _right: None, None),
    ],
)
def test_a_total_says_what_it_was_told_to(
    sandbox: Sandbox,
    asked: dict[str, Any],
    habit: int | Callable[[int], object] | None,
    told: str | None,
) -> None:
    sandbox.faults = Faults(totals={"/Contacts": habit})
    answer = ask(sandbox, **asked, count_total="true")
    assert (total(answer), len(answer.json())) == (told, 60)
    assert total(ask(sandbox, "/Leads", count_total="true")) == str(sandbox.count("/Leads"))


@BOTH
def test_a_list_can_be_empty_from_some_place_on(sandbox: Sandbox, asked: dict[str, Any]) -> None:
    sandbox.faults = Faults(readable_up_to={"/Contacts": 25})
    found = contact_ids(sandbox)
    answers = [ask(sandbox, **asked, top=10, skip=at, count_total="true") for at in (0, 20, 25, 40)]
    assert [ids(answer) for answer in answers] == [found[:10], found[20:25], [], []]
    assert {total(answer) for answer in answers} == {"60"}


@BOTH
def test_ids_can_be_in_no_order_that_holds_from_page_to_page(
    sandbox: Sandbox, asked: dict[str, Any]
) -> None:
    sandbox.faults = Faults(shuffled={"/Contacts"})
    whole = ids(ask(sandbox, **asked))
    assert whole != sorted(whole) == contact_ids(sandbox)
    assert [*ids(ask(sandbox, **asked, top=30)), *ids(ask(sandbox, **asked, skip=30))] == whole
    sandbox.delete("/Contacts", whole[3])
    assert ids(ask(sandbox, **asked)) == [*whole[:3], *whole[4:]]


def test_what_is_below_a_record_is_cut_in_the_same_ways(sandbox: Sandbox) -> None:
    note, comments = next(iter(sandbox.children("/Notes", "Comments").items()))
    for _ in range(5):
        comments.append(sandbox.create_child("/Notes", note, "Comments"))
    path, found = f"/Notes/{note}/Comments", [one["COMMENT_ID"] for one in comments]
    below = "/Notes/{id}/Comments"

    def shown() -> list[int]:
        return [one["COMMENT_ID"] for one in ask(sandbox, path).json()]

    sandbox.faults = Faults(page_cap=2)
    assert shown() == found[:2]
    sandbox.faults = Faults(hidden={below: {found[1]}}, readable_up_to={below: 3})
    assert shown() == [found[0], found[2]]
    sandbox.faults = Faults(totals={below: None})
    assert total(ask(sandbox, path, count_total="true")) is None
