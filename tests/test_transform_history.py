"""What the models keep of the past: versions, stages and month ends, after a scripted history."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from tap_insightly.sandbox.data.life import TODAY
from tests.conftest import Tap, new_sandbox, only
from tests.modelled import MARKS, ask, at, dbt_each, load
from tests.past import DAYS, KEPT, SEEN, START, STREAMS, Past, moment, replay, script

pytestmark = MARKS


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Load an account five times, and keep what changes."""
    import duckdb  # noqa: PLC0415 - not there on every Python

    folder = tmp_path_factory.mktemp("history")
    account, tap = new_sandbox(records=100), Tap(folder)
    past = Past(folder / "warehouse.duckdb", account)
    messages: list[dict[str, Any]] = []
    catalog = state = None
    with account.serve() as sandbox:
        for number, _ in enumerate(script(past)):
            account.clock = lambda days=DAYS[number]: TODAY + timedelta(hours=1, days=days)
            settings = {"sandbox": sandbox, "detect_deletes": True, "start_date": None}
            catalog = catalog or only(tap.discover(sandbox, detect_deletes=True), *STREAMS)
            if number == 3:  # all is read again, and what had changed in silence is seen
                state = {"bookmarks": {"opportunity_state_history": {}}}
            run = tap(catalog=catalog, state=state, **settings)
            assert run.code == 0, run.stderr
            messages += run.messages
            state = run.state
            load(past.database, messages, into=f"sync_{number}")
            records = replay(messages)
            for key, entries in account.children("/Opportunities", "StateHistory").items():
                past.states[key] = sorted(
                    (moment(e["DATE_CHANGED_UTC"]), e["FOR_OPPORTUNITY_STATE"]) for e in entries
                )
            if number >= 3:  # a target with hard_delete removes the row
                records.pop(past.deals["vanished"])
                with duckdb.connect(str(past.database)) as connection:
                    connection.execute(
                        f"delete from sync_{number}.opportunities "  # noqa: S608 - our own words
                        f"where opportunity_id = {past.deals['vanished']}"
                    )
            past.see(records, SEEN[number])
    snapshots = ("--quiet", "build", "--select", "+*_versions", "--exclude-resource-type", "test")
    runs = [
        (*snapshots, "--vars", at(SEEN[number], insightly_schema=f"sync_{number}"))
        for number in (0, 1, 2, 2, 3)  # once twice
    ]
    last = at(SEEN[-1], insightly_schema=f"sync_{len(DAYS) - 1}")
    done = dbt_each(past.database, [*runs, ("--quiet", "build", "--vars", last)])
    assert done.returncode == 0, done.stdout + done.stderr
    return past


def test_versions_begin_when_they_are_known_and_end_when_the_next_begins(past: Past) -> None:
    expected = [
        (key, one.begins, one.ends, one.is_deleted, *(one.record[name] for name in KEPT.values()))
        for key, versions in past.versions.items()
        for one in versions
    ]
    columns = ("opportunity_id", "valid_from", "valid_to", "is_deleted", *KEPT)
    rows = ask(past.database, "from insightly_history.opportunity_versions")
    got = [tuple(row[column] for column in columns) for row in rows]
    assert sorted(map(plain, got)) == sorted(map(plain, expected))
    assert len({row["version_id"] for row in rows}) == len(rows)


def plain(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(float(one)) if is_number(one) else str(one) for one in row)


def is_number(value: Any) -> bool:
    return not isinstance(value, (bool, str, datetime, type(None)))


def test_a_snapshot_says_who_a_lead_was(past: Past) -> None:
    lead = past.account.records("/Leads")[0]
    rows = ask(
        past.database,
        "from insightly_history.lead_versions order by valid_from",
    )
    names = [row["lead_name"] for row in rows if row["lead_id"] == lead["LEAD_ID"]]
    assert len(names) == 2
    assert names[1].endswith("Renamed")
    assert not names[0].endswith("Renamed")
    assert len(rows) == past.account.count("/Leads") + 1


def test_stages_are_those_that_a_deal_was_seen_in_while_it_was_open(past: Past) -> None:
    expected = {
        (one.deal, *one.place, one.entered, one.left, one.left_for, one.is_seen)
        for one in past.periods()
    }
    rows = ask(past.database, "from insightly_marts.opportunity_stage_history")
    columns = "opportunity_id pipeline_id stage_id entered_at left_at left_for is_entry_seen"
    assert {tuple(row[column] for column in columns.split()) for row in rows} == expected
    assert len(rows) == len(expected)
    last = SEEN[-1]
    for row in rows:
        seconds = ((row["left_at"] or last) - row["entered_at"]).total_seconds()
        assert float(row["days"]) == pytest.approx(seconds / 86400, abs=0.006)
        assert row["entered_not_before"] <= row["entered_at"]
        assert row["is_current"] == (row["left_at"] is None)


def test_what_the_script_did_is_told(past: Past) -> None:
    rows = ask(past.database, "from insightly_marts.opportunity_stage_history order by place")
    ways: dict[str, list[str | None]] = defaultdict(list)
    names = {key: name for name, key in past.deals.items()}
    for row in rows:
        ways[names.get(row["opportunity_id"], "")].append(row["left_for"])
    del ways[""]
    assert ways == {
        "steady": ["FORWARD", "BACK", "FORWARD", "LOST"],
        "twice": ["FORWARD", "BACK", None],
        "back": [None],  # and back between two syncs: nobody can know
        "won": ["WON"],
        "deleted": ["DELETED"],
        "worth": ["DELETED"],
        "moved": ["OTHER PIPELINE", None],
        "paused": ["SUSPENDED", None],  # between two syncs, which the state history tells
        "restored": ["DELETED", None],
        "vanished": ["DELETED"],
        "silent": [None],
        "new": [None],
    }
    (won,) = [row for row in rows if row["opportunity_id"] == past.deals["won"]]
    assert won["left_at"] == START + timedelta(days=3.5), "when it was won, not when it was changed"
    (new,) = [row for row in rows if row["opportunity_id"] == past.deals["new"]]
    assert new["entered_at"] == START + timedelta(days=1, hours=-1), "since it was made"


def test_the_pipeline_of_each_month_end_is_as_it_was(past: Past) -> None:
    ends = {
        "2026-06-30": datetime.fromisoformat("2026-07-01"),
        "2026-07-31": datetime.fromisoformat("2026-08-01"),
        "2026-08-31": SEEN[-1],
    }
    expected: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0, 0.0, 0])
    for end, when in ends.items():
        for version in past.open_at(when):
            names = ("PIPELINE_ID", "STAGE_ID", "BID_CURRENCY")
            counts = expected[(end, *(str(version.record[name]) for name in names))]
            value = version.record["OPPORTUNITY_VALUE"]
            counts[0] += 1
            counts[1] += float(value or 0)
            counts[2] += value is None
    rows = ask(past.database, "from insightly_marts.pipeline_as_it_was")
    got = {
        tuple(str(row[name]) for name in ("month_end", "pipeline_id", "stage_id", "currency")): [
            row["open_opportunities"],
            pytest.approx(float(row["open_value"])),
            row["without_value"],
        ]
        for row in rows
    }
    assert got == dict(expected)
    assert {key[0] for key in got} == set(ends)


def test_conversion_is_reckoned_from_the_periods_that_are_over(past: Past) -> None:
    columns = {
        "moved_forward": "FORWARD",
        "moved_back": "BACK",
        "moved_to_other_pipeline": "OTHER PIPELINE",
        "won": "WON",
        "lost": "LOST",
        "abandoned": "ABANDONED",
        "suspended": "SUSPENDED",
        "deleted": "DELETED",
        "still_there": None,
    }
    counts: dict[tuple[int, int], Counter[str | None]] = defaultdict(Counter)
    days: dict[tuple[int, int], list[float]] = defaultdict(list)
    for one in past.periods():
        counts[one.place][one.left_for] += 1
        if one.left and one.is_seen:
            days[one.place].append((one.left - one.entered).total_seconds() / 86400)
    rows = ask(past.database, "from insightly_marts.stage_conversion")
    assert {(row["pipeline_id"], row["stage_id"]) for row in rows} == set(counts)
    for row in rows:
        place = (row["pipeline_id"], row["stage_id"])
        own, spent = counts[place], days[place]
        assert {name: row[name] for name in columns} == {
            name: own[outcome] for name, outcome in columns.items()
        }
        over = own.total() - own[None]
        assert (row["conversion_rate"] is None) == (not over)
        if over:
            rate = (own["FORWARD"] + own["WON"]) / over
            assert float(row["conversion_rate"]) == pytest.approx(rate, abs=1e-4)
        assert (row["average_days"] is None) == (not spent)
        if spent:
            mean = sum(spent) / len(spent)
            assert float(row["average_days"]) == pytest.approx(mean, abs=0.01)
        assert row["periods_in_average"] == len(spent)


def test_velocity_is_what_is_open_times_what_is_won_of_it_by_the_days_it_takes(past: Past) -> None:
    groups: dict[tuple[str, int, str], list[tuple[str, float | None, float]]] = defaultdict(list)
    for key, versions in past.versions.items():
        record = versions[-1].record
        state = record["OPPORTUNITY_STATE"]
        if state in {"WON", "LOST"}:
            closed = record["ACTUAL_CLOSE_DATE"]
            when = moment(closed) if closed else past.states[key][-1][0]
            took = max((when - moment(record["DATE_CREATED_UTC"])).total_seconds() / 86400, 0)
            group = (f"{when:%Y-%m}", record["PIPELINE_ID"], record["BID_CURRENCY"])
            groups[group].append((state, record["OPPORTUNITY_VALUE"], took))
    rows = ask(past.database, "from insightly_marts.pipeline_velocity")
    got = {(f"{r['month_end']:%Y-%m}", r["pipeline_id"], r["currency"]): r for r in rows}
    assert set(got) == set(groups)
    ends = {"2026-07": datetime.fromisoformat("2026-08-01"), "2026-08": SEEN[-1]}
    ends["2026-06"] = datetime.fromisoformat("2026-07-01")
    for group, deals in groups.items():
        row, won = got[group], [deal for deal in deals if deal[0] == "WON"]
        assert (row["won"], row["lost"]) == (len(won), len(deals) - len(won))
        assert float(row["win_rate"]) == pytest.approx(len(won) / len(deals), abs=1e-4)
        there = None
        if end := ends.get(group[0]):
            there = sum(
                (version.record["PIPELINE_ID"], version.record["BID_CURRENCY"]) == group[1:]
                for version in past.open_at(end)
            )
        assert row["open_opportunities"] == there
        if won:
            value = sum(float(deal[1] or 0) for deal in won) / len(won)
            took = sum(deal[2] for deal in won) / len(won)
            assert float(row["average_won_value"]) == pytest.approx(value, abs=0.01)
            assert float(row["average_days_to_win"]) == pytest.approx(took, abs=0.01)
            if there is not None:
                speed = there * len(won) / len(deals) * value / took
                assert float(row["value_per_day"]) == pytest.approx(speed, rel=1e-3, abs=0.01)
    assert any(row["value_per_day"] for row in rows)
