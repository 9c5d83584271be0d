"""An account with a scripted history, and what Python concludes from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox.data.life import TODAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

DAYS = (0, 2, 5, 40, 45)
"""When there is a sync and a snapshot, counted from the first one, which is on 30 June."""
START = TODAY.replace(tzinfo=None) + timedelta(hours=1)
SEEN = [START + timedelta(days=days) for days in DAYS]
STREAMS = ("opportunities", "opportunity_state_history", "pipelines", "pipeline_stages", "leads")
KEPT = {
    "pipeline_id": "PIPELINE_ID",
    "stage_id": "STAGE_ID",
    "state": "OPPORTUNITY_STATE",
    "opportunity_value": "OPPORTUNITY_VALUE",
}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "")).replace(microsecond=0)


@dataclass
class Version:
    """A version of a deal, as Python concludes it from what the syncs said."""

    record: Mapping[str, Any]
    begins: datetime
    seen: datetime
    is_deleted: bool = False
    ends: datetime | None = None


@dataclass
class Past:
    """An account with a history, and the warehouse that it was loaded into."""

    database: Path
    account: Sandbox
    deals: dict[str, int] = field(default_factory=dict)
    versions: dict[int, list[Version]] = field(default_factory=lambda: defaultdict(list))
    states: dict[int, list[tuple[datetime, str]]] = field(default_factory=dict)

    def see(self, records: Mapping[int, Mapping[str, Any]], when: datetime) -> None:
        """Note what a sync has brought; what is not among it is gone."""
        for key, record in records.items():
            known = self.versions[key]
            begins = moment(record["DATE_UPDATED_UTC"])
            if gone := record.get("_sdc_deleted_at"):
                if known and not known[-1].is_deleted:
                    self._add(key, Version(known[-1].record, moment(gone), when, is_deleted=True))
            elif not known or known[-1].is_deleted or not _same(known[-1].record, record):
                if known and begins <= known[-1].begins:
                    begins = when
                self._add(key, Version(record, begins, when))
        for key, known in self.versions.items():
            if known and key not in records and not known[-1].is_deleted:
                self._add(key, Version(known[-1].record, when, when, is_deleted=True))

    def _add(self, key: int, version: Version) -> None:
        if self.versions[key]:
            self.versions[key][-1].ends = version.begins
        self.versions[key].append(version)

    def change(self, name: str, days: float, **fields: Any) -> None:
        """Change a deal, so many days after the first sync."""
        self.account.clock = lambda: TODAY + timedelta(hours=1, days=days)
        self.account.update("/Opportunities", self.deals[name], **fields)

    def periods(self) -> Iterator[Period]:
        """Go through what happened to each deal, and say in which stage it was open meanwhile."""
        for key, versions in self.versions.items():
            first, *_ = versions
            begins = {version.begins: version for version in versions}
            created = moment(first.record["DATE_CREATED_UTC"])
            before = next((when for when in reversed(SEEN) if when < first.seen), None)
            is_new = before is not None and created >= before
            if is_new:
                begins = {created: begins.pop(first.begins), **begins}
            is_unseen = created < first.begins and not is_new
            states = self.states[key]
            start = min(begins)
            moments = sorted({*begins, *(when for when, _ in states if when > start)})
            version, current = first, None
            for when in moments:
                version = begins.get(when, version)
                state = [state for entered, state in states if entered <= when][-1]
                is_open = state == "OPEN" and not version.is_deleted
                place = (version.record["PIPELINE_ID"], version.record["STAGE_ID"])
                if current and (not is_open or place != current.place):
                    current.left = when
                    current.left_for = "DELETED" if version.is_deleted else state
                    if is_open:
                        current.left_for = self.way(current.place, place)
                    yield current
                    current = None
                if is_open and current is None:
                    current = Period(key, place, when, is_seen=not (is_unseen and when == start))
            if current:
                yield current

    def way(self, old: tuple[int, int], new: tuple[int, int]) -> str:
        """Say which way a deal has gone."""
        orders = {r["STAGE_ID"]: r["STAGE_ORDER"] for r in self.account.records("/PipelineStages")}
        if old[0] != new[0]:
            return "OTHER PIPELINE"
        return "FORWARD" if orders[new[1]] > orders[old[1]] else "BACK"

    def open_at(self, when: datetime) -> Iterator[Version]:
        """Say which deals were open at a moment, and how they are known to have been then."""
        for period in self.periods():
            if period.entered < when and (period.left is None or period.left >= when):
                known = self.versions[period.deal]
                yield next((v for v in reversed(known) if v.begins < when), known[0])


@dataclass
class Period:
    """From when to when a deal was in a stage, and open."""

    deal: int
    place: tuple[int, int]
    entered: datetime
    is_seen: bool
    left: datetime | None = None
    left_for: str | None = None


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    moving = {"DATE_UPDATED_UTC", "LAST_ACTIVITY_DATE_UTC", "NEXT_ACTIVITY_DATE_UTC"}
    names = {*one, *other} - moving - {"_sdc_deleted_at", "OPPORTUNITY_DETAILS"}
    return all(one.get(name) == other.get(name) for name in names)


def script(past: Past) -> Iterator[None]:
    """Let time go by; at each yield there is a sync."""
    account, change = past.account, past.change
    stages: dict[int, list[int]] = defaultdict(list)
    for row in account.records("/PipelineStages"):
        stages[row["PIPELINE_ID"]].append(row["STAGE_ID"])
    sales, partners = list(stages)[:2]
    open_ones = [
        row["OPPORTUNITY_ID"]
        for row in account.records("/Opportunities")
        if row["OPPORTUNITY_STATE"] == "OPEN"
    ]
    names = "steady twice back won deleted worth moved paused restored vanished silent"
    past.deals |= dict(zip(names.split(), open_ones, strict=False))
    assert len(past.deals) == len(names.split()), "the account has too few open deals"
    for name in past.deals:
        change(name, -1, PIPELINE_ID=sales, STAGE_ID=stages[sales][0])
    yield
    change("steady", 1, STAGE_ID=stages[sales][1])
    change("twice", 0.5, STAGE_ID=stages[sales][1])  # which nobody sees
    change("twice", 1, STAGE_ID=stages[sales][2])
    change("back", 0.5, STAGE_ID=stages[sales][1])  # nor this
    change("back", 1, STAGE_ID=stages[sales][0])
    account.clock = lambda: TODAY + timedelta(days=1)
    given = {"PIPELINE_ID": partners, "STAGE_ID": stages[partners][0], "BID_CURRENCY": "EUR"}
    given |= {"OPPORTUNITY_STATE": "OPEN", "OPPORTUNITY_VALUE": 1000, "OPPORTUNITY_NAME": "New"}
    past.deals["new"] = account.create("/Opportunities", **given)["OPPORTUNITY_ID"]
    change("new", 1.5, OPPORTUNITY_VALUE=2000)
    yield
    change("won", 3, STAGE_ID=stages[sales][3])
    change("won", 3.5, OPPORTUNITY_STATE="WON", ACTUAL_CLOSE_DATE="2026-07-03 00:00:00")
    change("won", 4, PROBABILITY=100)  # so that the deal was changed later than closed
    account.update("/Leads", account.records("/Leads")[0]["LEAD_ID"], LAST_NAME="Renamed")
    change("worth", 3, OPPORTUNITY_VALUE=123456)
    change("moved", 3, PIPELINE_ID=partners, STAGE_ID=stages[partners][1])
    change("steady", 3, STAGE_ID=stages[sales][0])  # back, which is seen
    for name in ("deleted", "restored"):
        account.delete("/Opportunities", past.deals[name])
    yield
    change("steady", 20, STAGE_ID=stages[sales][2])
    change("twice", 20, STAGE_ID=stages[sales][3])
    change("twice", 35, STAGE_ID=stages[sales][0])
    change("paused", 6, OPPORTUNITY_STATE="SUSPENDED")
    change("paused", 36, OPPORTUNITY_STATE="OPEN")
    account.restore("/Opportunities", past.deals["restored"], touch=False)
    account.put("/Opportunities", past.deals["silent"], OPPORTUNITY_VALUE=77)
    yield
    change("steady", 42, OPPORTUNITY_STATE="LOST", ACTUAL_CLOSE_DATE="2026-08-11 00:00:00")
    account.delete("/Opportunities", past.deals["worth"])
    yield


def replay(messages: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Reckon what the warehouse has of the deals."""
    records: dict[int, dict[str, Any]] = {}
    for message in messages:
        if message["type"] == "RECORD" and message["stream"] == "opportunities":
            record = message["record"]
            row = records.setdefault(record["OPPORTUNITY_ID"], {})
            row |= {"_sdc_deleted_at": None, **record}
    return records
