"""Whatever servers hand out, and whatever ends a sync, the warehouse ends up right."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changing import Account
from tests.syncing import PAGE, Target, no_log, sync
from tests.test_paging import changes, happening
from tests.test_paging_harsh import TOTALS
from tests.test_resume import ways_to_end

__all__ = ["no_log"]  # a fixture


@settings(max_examples=150)
@given(
    count=st.integers(0, 150),
    runs=st.lists(
        st.tuples(
            st.dictionaries(st.integers(1, 12), changes, max_size=3),
            ways_to_end,
            st.one_of(st.none(), st.integers(2, PAGE)),
            st.sampled_from(["right", "right", "missing", "too high"]),
        ),
        max_size=4,
    ),
    hidden=st.sets(st.integers(1, 150), max_size=12),
    counts_hidden=st.booleans(),
    concurrency=st.integers(1, 4),
    detect_deletes=st.booleans(),
)
def test_whatever_is_handed_out_and_whatever_is_cut_all_arrives(
    count: int,
    runs: list[tuple[dict[int, Any], tuple[str, int], int | None, str]],
    hidden: set[int],
    counts_hidden: bool,  # noqa: FBT001
    concurrency: int,
    detect_deletes: bool,  # noqa: FBT001
) -> None:
    """Under caps and holes, without totals and with wrong ones, until the server behaves again."""
    account = Account(
        list(range(1, count + 1)),
        max_concurrency=concurrency,
        hidden=hidden.__contains__,
        counts_hidden=counts_hidden,
    )
    target = Target()
    options: dict[str, Any] = {"detect_deletes": detect_deletes, "max_deletes_percent": 100}

    def run(cut_at: int | None = None) -> list[dict[str, Any]]:
        messages, _ = sync(account, target.state, cut_at=cut_at, **options)
        for message in messages:
            record = message.get("record", {})
            if record.get("_sdc_deleted_at"):
                assert record["CONTACT_ID"] not in set(account.ids) - hidden
        return messages

    for script, (end, moment), cap, totals in runs:
        account.happens, account.cap, account.total = happening(script), cap, TOTALS[totals]
        messages = run(moment if end == "cut" else None)
        if end == "killed":
            messages = messages[: moment % (len(messages) + 1)]
        target.load(messages)
    account.happens, account.cap, account.total = {}, None, TOTALS["right"]
    account.counts_hidden = False
    for _ in range(3):  # to finish what was cut off, to find what changed, and what was deleted
        target.load(run())
    there = {n: str(account.version[n]) for n in account.ids if n not in hidden}
    if detect_deletes:
        assert target.rows == there
    else:
        assert {number: target.rows.get(number) for number in there} == there
