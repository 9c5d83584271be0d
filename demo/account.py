"""The account of the demo: what is in it, and what people do there meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox.data.life import TODAY
from tap_insightly.streams import STREAMS, RelatedStream, SearchStream
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.sandbox import Sandbox

KEYS = {"contacts": "CONTACT_ID", "opportunities": "OPPORTUNITY_ID", "tasks": "TASK_ID"}
"""The streams in which something happens, and the keys of their records."""
_MONTH = timedelta(days=30)
_LOST, _MOVES = 0.08, 0.45  # what of a hundred open deals becomes in a month


def set_clock(sandbox: Sandbox) -> None:
    """Let time go on in the account from where its data ends.

    So the demo shows the same on any day, and what happens in it is the newest there is.

    Args:
        sandbox: The account.
    """
    ahead = datetime.now(timezone.utc) - TODAY
    sandbox.clock = lambda: datetime.now(timezone.utc) - ahead


def pass_month(sandbox: Sandbox, number: int) -> int:
    """Let a month go by, in which deals are made, move, are won and lost; the clock goes with it.

    Args:
        sandbox: The account.
        number: Which month it is; each goes its own way, but the same one always alike.

    Returns:
        How many deals were made or changed.
    """
    rng, began = Random(number), sandbox.clock()  # noqa: S311 - chance is no secret here
    stages: dict[int, list[int]] = {}
    for row in sandbox.records("/PipelineStages"):
        stages.setdefault(row["PIPELINE_ID"], []).append(row["STAGE_ID"])
    deals = sandbox.records("/Opportunities")
    open_ones = [deal for deal in deals if deal["OPPORTUNITY_STATE"] == "OPEN"]
    plan: list[tuple[int | None, dict[str, Any]]] = []
    for deal in open_ones:
        ways = stages[deal["PIPELINE_ID"]]
        at, luck = ways.index(deal["STAGE_ID"]), rng.random()
        if luck < _LOST:
            plan.append((deal["OPPORTUNITY_ID"], {"OPPORTUNITY_STATE": "LOST"}))
        elif luck < _MOVES and at + 1 < len(ways):
            plan.append((deal["OPPORTUNITY_ID"], {"STAGE_ID": ways[at + 1]}))
        elif luck < _MOVES:
            plan.append((deal["OPPORTUNITY_ID"], {"OPPORTUNITY_STATE": "WON"}))
    names = ("OPPORTUNITY_NAME", "PIPELINE_ID", "BID_CURRENCY", "ORGANISATION_ID", "OWNER_USER_ID")
    for deal in rng.sample(deals, max(1, len(open_ones) // 4)):
        first = {"STAGE_ID": stages[deal["PIPELINE_ID"]][0], "OPPORTUNITY_STATE": "OPEN"}
        value = {"OPPORTUNITY_VALUE": deal["OPPORTUNITY_VALUE"] or 0}
        plan.append((None, {name: deal[name] for name in names} | first | value))
    for at, (key, fields) in enumerate(plan, start=1):
        moment = began + _MONTH * (at / (len(plan) + 1))
        sandbox.clock = lambda moment=moment: moment
        if key is None:
            sandbox.create("/Opportunities", **fields)
        else:
            sandbox.update("/Opportunities", key, **fields)
    ahead = began + _MONTH - datetime.now(timezone.utc)
    sandbox.clock = lambda: datetime.now(timezone.utc) + ahead
    return len(plan)


def custom_objects(sandbox: Sandbox) -> dict[str, str]:
    """List the streams of custom objects.

    Args:
        sandbox: The account.

    Returns:
        Paths by name of the stream.
    """
    names = [definition["OBJECT_NAME"] for definition in sandbox.records("/CustomObjects")]
    return {name.lower(): f"/{name}" for name in names}


def incremental(sandbox: Sandbox) -> dict[str, str]:
    """List the streams of which a sync reads changes only, from the second one on.

    Args:
        sandbox: The account.

    Returns:
        Paths by name of the stream; without those of what belongs to records.
    """
    standard = {
        stream.name: stream.path
        for stream in STREAMS
        if issubclass(stream, SearchStream) and not issubclass(stream, RelatedStream)
    }
    return standard | custom_objects(sandbox)


def source_rows(sandbox: Sandbox) -> dict[str, int]:
    """Count what the account holds.

    Args:
        sandbox: The account.

    Returns:
        The number of records by name of the stream; without what belongs to records.
    """
    paths = {
        stream.name: stream.path for stream in STREAMS if not issubclass(stream, RelatedStream)
    }
    special = {
        "custom_fields": sum(len(own.definitions) for own in sandbox.custom_fields.values()),
        "permissions": len(sandbox.records("/Permissions")[0]["OBJECT_PERMISSIONS"]),
    }
    return {
        name: special[name] if name in special else sandbox.count(path)
        for name, path in (paths | custom_objects(sandbox)).items()
    }


def related_rows(sandbox: Sandbox) -> dict[str, int]:
    """Count what belongs to records, of what the models make use of.

    Args:
        sandbox: The account.

    Returns:
        The number of rows by name of the stream.
    """
    histories = sandbox.children("/Opportunities", "StateHistory")
    counts = {"opportunity_state_history": sum(map(len, histories.values()))}
    arrays = {"links": "LINKS", "record_tags": "TAGS", "organisation_email_domains": "EMAILDOMAINS"}
    streams = {stream.name: stream for stream in STREAMS if stream.name in arrays}
    for name, array in arrays.items():
        rows = (r for parent in streams[name].parents for r in sandbox.records(parent.path))
        counts[name] = sum(len(row[array] or ()) for row in rows)
    return counts


def moments(sandbox: Sandbox, path: str) -> list[Any]:
    """List when the records of an incremental stream were updated.

    Args:
        sandbox: The account.
        path: The path of their object.

    Returns:
        Aware datetimes.
    """
    name = sandbox.tables[path].updated
    return [parse_moment(row[name]) for row in sandbox.records(path) if name and row[name]]


def change(sandbox: Sandbox) -> dict[str, int]:
    """Work a little in the account, as its users would.

    Args:
        sandbox: The account.

    Returns:
        How many records of which stream were created or updated.
    """
    company = sandbox.records("/Organisations")[0]["ORGANISATION_ID"]
    people = (("Ana", "Şahin"), ("Björn", "Nyström"), ("美咲", "佐藤"))
    for first, last in people:
        sandbox.create("/Contacts", FIRST_NAME=first, LAST_NAME=last, ORGANISATION_ID=company)
    deals = [o for o in sandbox.records("/Opportunities") if o["OPPORTUNITY_STATE"] == "OPEN"][:5]
    for deal in deals:
        sandbox.update("/Opportunities", deal["OPPORTUNITY_ID"], OPPORTUNITY_STATE="WON")
    tasks = [task for task in sandbox.records("/Tasks") if not task["COMPLETED"]][:4]
    for task in tasks:
        sandbox.update("/Tasks", task["TASK_ID"], COMPLETED=True, STATUS="COMPLETED")
    return {"contacts": len(people), "opportunities": len(deals), "tasks": len(tasks)}


def delete(sandbox: Sandbox) -> dict[str, list[int]]:
    """Delete some records that nothing else refers to.

    Args:
        sandbox: The account.

    Returns:
        The keys of those deleted, by stream.
    """
    wanted = {"contacts": 2, "opportunities": 1, "tasks": 2}
    gone = {}
    for stream, number in wanted.items():
        key = KEYS[stream]
        taken = _referred_to(sandbox, key)
        free = [row[key] for row in sandbox.records(f"/{stream.capitalize()}") if _is_open(row)]
        gone[stream] = [one for one in reversed(free) if one not in taken][:number]
        for one in gone[stream]:
            sandbox.delete(f"/{stream.capitalize()}", one)
    return gone


def _is_open(row: Mapping[str, Any]) -> bool:
    """Tell whether the models would count a record, so that they can be seen not to."""
    return row.get("OPPORTUNITY_STATE", "OPEN") == "OPEN" and not row.get("COMPLETED")


def _referred_to(sandbox: Sandbox, key: str) -> set[int]:
    return {
        row[name]
        for table in sandbox.tables.values()
        for name in table.fields
        if name.endswith(key) and name not in table.keys
        for row in table.rows
    }
