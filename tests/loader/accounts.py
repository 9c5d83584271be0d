"""Two accounts, one of which is copied into the other, and how they are held against each other."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.objects import custom_object, standard_objects
from tap_insightly.openapi import COMPONENTS
from tests.conftest import Tap

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.api import InsightlyObject
    from tap_insightly.sandbox import Sandbox
    from tests.loader.feeding import Message

SETTINGS_LISTS = frozenset(
    "/LeadSources /LeadStatuses /OpportunityCategories /ProjectCategories /TaskCategories "
    "/FileCategories /Teams /TeamMembers".split()
)
STAMPS = frozenset({"DATE_CREATED_UTC", "DATE_UPDATED_UTC", "CREATED_USER_ID"})
NUMBERS = frozenset({"LINK_ID", "DATE_ID", "EMAIL_DOMAIN_ID", "CUSTOM_FIELD_ID", "OBJECT_ID"})
# What no request can carry: the e-mail that a task is about is not there, leads carry no links.
NEVER = {"/Tasks": {"EMAIL_ID"}, "/Leads": {"LINKS"}}
EMPTY = (None, "", [], "0000-00-00 00:00:00")


def read(folder: Path, sandbox: Sandbox) -> list[Message]:
    """All that the tap reads of an account, every stream."""
    tap = Tap(folder)
    catalog = tap.discover(sandbox)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if entry["metadata"].get("inclusion") != "unsupported":
                entry["metadata"]["selected"] = True
    run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0, run.stderr
    return run.messages


def objects(sandbox: Sandbox) -> list[InsightlyObject]:
    """The objects of which records can be made, custom ones included."""
    own = [custom_object(one) for one in sandbox.records("/CustomObjects")]
    return [one for one in (*standard_objects(), *own) if "create" in one.can]


def ids_in(path: Path) -> dict[int, int]:
    """Which id there is which one here, of all lists: in sandboxes, ids are of one list only."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("select source, target from ids where target is not null").fetchall()
    found = dict(rows)
    assert len(found) == len(rows) == len(set(found.values()))
    return found


def what_waits(path: Path) -> int:
    """How many records the file has that are still to be written."""
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute("select count(*) from waiting").fetchone()
        (intents,) = db.execute("select count(*) from intents").fetchone()
    assert isinstance(count, int)
    return count + int(intents)


def compare(source: Sandbox, target: Sandbox, ids: dict[int, int]) -> None:
    """Hold two accounts against each other, record by record and field by field."""
    for obj in objects(source):
        theirs, ours = source.records(obj.path), target.records(obj.path)
        assert len(theirs) == len(ours), obj.path
        by_id = {row[str(obj.key)]: row for row in ours}
        for row in theirs:
            found = by_id[ids[row[str(obj.key)]]]
            if obj.path not in SETTINGS_LISTS:
                wanted, got = _plain(source, obj, row, ids), _plain(target, obj, found, {})
                differing = {
                    name: (wanted.get(name), got.get(name))
                    for name in {*wanted, *got}
                    if wanted.get(name) != got.get(name)
                }
                assert differing == {}, obj.path


def _plain(
    sandbox: Sandbox, obj: InsightlyObject, row: dict[str, Any], ids: dict[int, int]
) -> dict[str, Any]:
    properties = COMPONENTS[obj.component]["properties"]
    left_out = STAMPS | NEVER.get(obj.path, set()) | {obj.key}
    left_out |= {
        name for name, one in properties.items() if one.get("readOnly") and name not in obj.set_once
    }
    left_out |= {name for name, how in obj.elsewhere.items() if not how}
    plain = {
        name: _translated(value, ids)
        for name, value in row.items()
        if name not in left_out and name != "CUSTOMFIELDS" and value not in EMPTY
    }
    plain["CUSTOMFIELDS"] = _custom(sandbox, obj, row, ids)
    for name in ("LINKS", "TAGS", "DATES", "EMAILDOMAINS"):
        if name in plain:
            plain[name] = sorted(plain[name], key=str)
    return plain


def _custom(
    sandbox: Sandbox, obj: InsightlyObject, row: dict[str, Any], ids: dict[int, int]
) -> dict[str, Any]:
    own = sandbox.custom_fields.get(obj.path)
    by_name = {one["FIELD_NAME"]: one for one in own.definitions} if own else {}
    found = {}
    for one in row.get("CUSTOMFIELDS") or ():
        value, field = one["FIELD_VALUE"], by_name[one["FIELD_NAME"]]
        # What Insightly works out itself is no matter of the copy.
        if value not in EMPTY and field["FIELD_TYPE"] not in {"AUTONUMBER", "CALCULATED"}:
            found[one["FIELD_NAME"]] = ids.get(value, value) if field["JOIN_OBJECT"] else value
    return found


def _translated(value: Any, ids: dict[int, int]) -> Any:
    if isinstance(value, list):
        return [_translated(one, ids) for one in value]
    if isinstance(value, dict):
        return {name: _translated(one, ids) for name, one in value.items() if name not in NUMBERS}
    if isinstance(value, str) and value.isdigit():
        return str(ids.get(int(value), value))
    is_id = isinstance(value, int) and not isinstance(value, bool)
    return ids.get(value, value) if is_id else value
