"""A rolling refresh, day after day, over HTTP: what changes without a date arrives in time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.cli.running import run as insightly
from tests.conftest import only

if TYPE_CHECKING:
    from pathlib import Path

    from tests.distrust.conftest import Account, Synced

DAYS = 3
SETTINGS: dict[str, Any] = {"refresh_days": DAYS, "detect_deletes": True, "page_size": 50}
NAMES = ("contacts", "leads", "links")
MARK = "_sdc_deleted_at"


class Daily:
    """A sync a day, each with the state of the one before."""

    def __init__(self, account: Account, *names: str, **settings: Any) -> None:
        self.account = account
        self.names = names
        self.settings = {**SETTINGS, **settings}
        self.now = datetime(2026, 7, 10, 3, tzinfo=timezone.utc)
        account.sandbox.clock = lambda: self.now
        self.state: Any = None
        self.rows: dict[int, dict[str, Any]] = {}
        """The contacts as a target has them, without those that are gone."""

    def run(self, **habits: Any) -> Synced:
        self.now += timedelta(days=1)
        faults = Faults(**habits) if habits else None
        run = self.account.sync(*self.names, state=self.state, faults=faults, **self.settings)
        self.state = run.state
        for row in run.records("contacts"):
            if row.get(MARK):
                self.rows.pop(row["CONTACT_ID"], None)
            else:
                self.rows[row["CONTACT_ID"]] = row
        return run

    def planned(self, folder: Path) -> int:
        """How many requests the next run will send, by what `insightly plan` says the same day."""
        files = {"catalog": only(self.account.catalog, *self.names), "state": self.state}
        options = []
        for name, content in files.items():
            path = folder / f"{name}.json"
            path.write_text(json.dumps(content))
            options += [f"--{name}", str(path)]
        self.now += timedelta(days=1)
        result = insightly(self.account.sandbox, "plan", *options, "--json", **self.settings)
        self.now -= timedelta(days=1)
        assert result.code == 0, result.stderr
        return int(result.json["requests"])


def linked(run: Synced) -> set[int]:
    """The contacts whose links came."""
    return {row["PARENT_ID"] for row in run.records("links") if row["PARENT_TYPE"] == "Contact"}


def test_what_changes_without_its_date_arrives_in_time_and_costs_what_was_planned(
    own: Account, tmp_path: Path
) -> None:
    """In so many days, each record once; with what is made of it, and at the price planned."""
    daily = Daily(own, *NAMES)
    daily.run()
    ids = list(own.records("contacts"))
    with_links = {one for one, row in own.records("contacts").items() if row["LINKS"]}
    for number in ids:
        own.sandbox.put("/Contacts", number, FIRST_NAME="Changed")
    costs, seen, came = [], set[int](), set[int]()
    for _ in range(DAYS):
        planned = daily.planned(tmp_path)
        run = daily.run()
        assert run.code == 0, run.stderr
        assert len(own.asked) == planned
        whole = own.arrived(run, "contacts")
        assert linked(run) == whole & with_links, "arrays come along"
        seen |= whole
        came |= linked(run)
        costs.append(own.requests("/Contacts"))
    assert seen == set(ids)
    assert came == with_links
    assert all(row["FIRST_NAME"] == "Changed" for row in daily.rows.values())
    assert len(daily.rows) == len(ids)
    pages = -(-(len(ids) - 1) // 49)
    # A search and the look for deletions in each, and a page more where a slice begins.
    assert sum(costs) <= pages + DAYS * 3
    assert max(costs) <= pages // DAYS + 4, "evenly"


@pytest.mark.slow
def test_a_run_that_is_cut_by_the_quota_goes_on_where_it_was(own: Account) -> None:
    daily = Daily(own, "contacts", refresh_days=1)
    daily.run()
    ids = list(own.records("contacts"))
    for number in ids:
        own.sandbox.put("/Contacts", number, FIRST_NAME="Changed")
    for quota in (5, 7, 9):
        run = daily.run(daily_quota=quota)
        assert run.code == 75
        assert "Traceback" not in run.stderr
        daily.now -= timedelta(hours=20)
    before = sum(row["FIRST_NAME"] == "Changed" for row in daily.rows.values())
    assert before > 200, "what was read was sent"
    run = daily.run()
    assert run.code == 0, run.stderr
    assert {row["FIRST_NAME"] for row in daily.rows.values()} == {"Changed"}


@pytest.mark.slow
def test_one_that_went_and_one_that_came_back_at_its_place_are_found(own: Account) -> None:
    """Of which no place in the list tells anything."""
    sandbox, ids = own.sandbox, list(own.records("contacts"))
    sandbox.delete("/Contacts", ids[301])
    daily = Daily(own, "contacts")
    daily.run()
    assert ids[301] not in daily.rows
    sandbox.restore("/Contacts", ids[301])
    sandbox.delete("/Contacts", ids[300])
    for _ in range(DAYS + 1):
        assert daily.run().code == 0
    assert set(daily.rows) == set(own.records("contacts"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "habits",
    [
        {"page_cap": 20},
        {"totals": {"/Contacts": None}},
        {"totals": {"/Contacts": lambda right: right + 5}},
        {"hidden": {"/Contacts": {300000012}}, "totals_count_hidden": False},
    ],
    ids=["a cap", "no total", "a total too high", "a hole"],
)
def test_servers_that_cannot_be_trusted_are_refreshed_too(
    own: Account, habits: dict[str, Any]
) -> None:
    daily = Daily(own, "contacts", detect_deletes=False)
    daily.run(**habits)
    for number in own.records("contacts"):
        own.sandbox.put("/Contacts", number, FIRST_NAME="Changed")
    for _ in range(DAYS + 1):
        run = daily.run(**habits)
        assert run.code == 0, run.stderr
        assert own.requests("/Contacts") < 100
    assert {row["FIRST_NAME"] for row in daily.rows.values()} == {"Changed"}


def test_a_list_that_ends_short_does_not_end_the_sync(own: Account) -> None:
    """It is told, what was read is sent, and the other streams are read."""
    daily = Daily(own, "contacts", "leads", refresh_days=1, detect_deletes=False)
    daily.run()
    for _ in range(2):
        run = daily.run(totals={"/Contacts": 605, "/Contacts/Search": lambda right: right})
        assert run.code == 0, run.stderr
        assert "of 605 records" in run.stderr
        assert own.arrived(run, "leads") == set(own.records("leads"))
    assert set(daily.rows) == set(own.records("contacts"))
