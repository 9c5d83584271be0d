"""Writes that take down what they replace, as the target does, and what an account is like."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyClient, Response
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.records.diff import changes
from tap_insightly.undo.access import AccountAccess
from tap_insightly.undo.progress import UndoProgress
from tap_insightly.undo.undoer import Undoer
from tap_insightly.undo_file.lines import (
    CreatedLine,
    CreatingLine,
    DeletedLine,
    MovedLine,
    UpdatedLine,
    WriteLine,
    read_account,
)
from tap_insightly.undo_file.recorder import Recorder, read_undo_file
from tap_insightly.values import utc_text
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tap_insightly.undo.undoer import UndoResult

CUSTOM = "CUSTOMFIELDS"
STAMPS = frozenset({"DATE_CREATED_UTC", "DATE_UPDATED_UTC", "CREATED_USER_ID"})
# What Insightly numbers anew, and what it works out itself.
NUMBERS = frozenset({"LINK_ID", "OBJECT_ID", "DATE_ID", "EMAIL_DOMAIN_ID", "CUSTOM_FIELD_ID"})
OWN = frozenset({"LAST_ACTIVITY_DATE_UTC", "NEXT_ACTIVITY_DATE_UTC", "OPPORTUNITY_VALUE"})
EMPTY = (None, "", [], "0000-00-00 00:00:00")


class Writes(Closeable):
    """Writes to an account, and takes down what that replaces."""

    def __init__(self, client: InsightlyClient, path: Path, *, is_sent: bool = True) -> None:
        self.client = client
        self.is_sent = is_sent
        self.recorder = Recorder(path, read_account(client))

    def close(self) -> None:
        self.recorder.close()

    def add(self, line: WriteLine) -> None:
        self.recorder.add(line)

    def create(self, name: str, *, is_answered: bool = True, **values: Any) -> int:
        """Create a record; its id. An answer that is not taken down is as if it had not come."""
        fields = self.client.fields(name)
        request = self.client.build_create_request(fields, values)
        body = Response(request.body or b"").data
        since = utc_text((self.client.session.now() or now()).replace(microsecond=0))
        obj = fields.obj
        self.add(CreatingLine(object_name=obj.name, path=request.path, values=body, since=since))
        if not self.is_sent:
            return 0
        made = int(self.client.make(request, fields)[str(obj.key)])
        if is_answered:
            self.add(CreatedLine(object_name=obj.name, record_id=made, values=body))
        return made

    def update(self, name: str, key: int, **values: Any) -> None:
        """Change fields of a record, as far as they differ."""
        fields = self.client.fields(name)
        record = self.client.get(name, key)
        after = changes(fields, fields.body(values, is_new=False), record)
        if not after:
            return
        before = {one: record.get(one) for one in after if one != CUSTOM}
        if CUSTOM in after:
            named = {one["FIELD_NAME"] for one in after[CUSTOM]}
            was = {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in record.get(CUSTOM) or ()}
            before[CUSTOM] = [
                {"FIELD_NAME": one, "FIELD_VALUE": was.get(one)} for one in sorted(named)
            ]
        self.add(
            UpdatedLine(object_name=fields.obj.name, record_id=key, before=before, after=after)
        )
        if self.is_sent:
            self.client.update(name, key, after)  # and nothing that is so already

    def move(self, name: str, key: int, pipeline: int | None, stage: int | None) -> None:
        """Move a record to another stage."""
        obj, record = self.client.object(name), self.client.get(name, key)
        after = {"PIPELINE_ID": pipeline, "STAGE_ID": stage}
        before = {one: record[one] for one in after}
        if before == after:
            return
        self.add(MovedLine(object_name=obj.name, record_id=key, before=before, after=after))
        if self.is_sent:
            AccountAccess(self.client).move(obj, key, after)

    def delete(self, name: str, key: int) -> None:
        """Delete a record."""
        obj, record = (
            self.client.object(name),
            AccountAccess(self.client).read(self.client.object(name), key),
        )
        assert record
        self.add(DeletedLine(object_name=obj.name, record_id=key, before=record))
        if self.is_sent:
            self.client.delete(name, key)


def undone(client: InsightlyClient, path: Path, **options: Any) -> list[UndoResult]:
    """Undo what a file says, in this process."""
    undo_file = read_undo_file(path)
    with UndoProgress(path, undo_file) as progress:
        progress.open()
        return [
            one for _, one in Undoer(AccountAccess(client), undo_file, progress, **options).run()
        ]


def documented_undo(sandbox: Sandbox, folder: Path) -> None:
    """A file of what a run has written: an update, a creation, a deletion."""
    folder.mkdir(exist_ok=True)
    one, other = (row["CONTACT_ID"] for row in sandbox.records("/Contacts")[:2])
    with (
        InsightlyClient(KEY, api_url=sandbox.api_url) as client,
        Writes(client, folder / "undo.jsonl") as writes,
    ):
        writes.update("contact", one, TITLE="Countess", PHONE="1")
        sandbox.update("/Contacts", one, PHONE="2")
        writes.create("organisation", ORGANISATION_NAME="Analytical Engines")
        writes.delete("contact", other)


def now() -> datetime:
    return datetime.now(timezone.utc)


def new_ids(path: Path) -> dict[int, int]:
    """Which new id each record has that was created anew: by the old one."""
    undone = path.with_name(f"{path.name}.undone")
    by_line = {entry.position.number: entry.record_id for entry in read_undo_file(path).entries}
    found: dict[int, int] = {}
    for line in undone.read_text().splitlines() if undone.exists() else ():
        step = json.loads(line)
        if step["step"] == "created":
            old = by_line[step["line"]]
            assert old is not None
            assert old not in found, "it was created anew once"
            found[old] = step["id"]
    return found


def plain(sandbox: Sandbox, *paths: str, ids: dict[int, int] | None = None) -> dict[str, Any]:
    """The records of lists, by their old ids, without what nobody can write."""
    old = {new: one for one, new in (ids or {}).items()}
    found = {}
    for path in paths:
        key, own = sandbox.tables[path].keys[0], sandbox.custom_fields.get(path)
        not_ours = {
            one["FIELD_NAME"]
            for one in (own.definitions if own else ())
            if one["FIELD_TYPE"] in {"AUTONUMBER", "CALCULATED"}
        }
        read_only = {
            name for name, one in sandbox.tables[path].fields.items() if one.get("readOnly")
        }
        for row in sandbox.records(path):
            one = {
                name: _plain(value, old, not_ours)
                for name, value in row.items()
                if name not in STAMPS | OWN | (read_only - {key}) and value not in EMPTY
            }
            found[f"{path}/{old.get(row[key], row[key])}"] = one
    return found


def _plain(value: Any, old: dict[int, int], left_out: Collection[str] = ()) -> Any:
    if isinstance(value, list):
        items = [_plain(one, old) for one in value if one.get("FIELD_NAME") not in left_out]
        return sorted((one for one in items if one.get("FIELD_VALUE", 0) not in EMPTY), key=str)
    if isinstance(value, dict):
        return {
            name: _plain(one, old)
            for name, one in value.items()
            if name not in NUMBERS and (one not in EMPTY or name == "FIELD_VALUE")
        }
    if isinstance(value, int) and not isinstance(value, bool):
        return old.get(value, value)
    return value
