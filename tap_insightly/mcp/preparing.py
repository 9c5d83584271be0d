"""Changes before they are written: checked as the command line checks them, and shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from tap_insightly.api import InsightlyError, InvalidFieldsError
from tap_insightly.api.records.diff import is_same
from tap_insightly.api.records.fields import spread_custom_fields
from tap_insightly.api.records.reading import value_of
from tap_insightly.api.records.stages import STAGE
from tap_insightly.mcp.limits import CallError
from tap_insightly.mcp.shapes import SHORT_TEXT, name_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import Fields, InsightlyClient, InsightlyObject, Request
    from tap_insightly.mcp.arguments import Change

    Record = dict[str, Any]

CHANGED = "was changed by somebody else since the preview"


@dataclass
class Prepared:
    """A change that can be written."""

    action: str
    """``create``, ``update``, ``move`` or ``link``."""
    fields: Fields
    """The fields of its object."""
    record_id: int | None = None
    request: Request | None = None
    record: Record = field(default_factory=dict)
    """The record as it was previewed."""
    etag: str | None = None
    """The version that was previewed."""
    stage: dict[str, int | None] = field(default_factory=dict)
    """Where a record is moved to, by `STAGE`."""
    other: tuple[InsightlyObject, int] | None = None
    """What it is linked to."""

    @property
    def obj(self) -> InsightlyObject:
        """Its object."""
        return self.fields.obj

    @property
    def name(self) -> str:
        """What it is about, for people."""
        return f"{self.obj.name} {self.record_id}" if self.record_id else f"a new {self.obj.name}"

    @property
    def sent(self) -> Record:
        """What its request sends."""
        content: Record = self.request.content if self.request else {}
        return content

    def shown(self) -> Record:
        """Say what would be written, and what is there now."""
        told: Record = {"action": self.action, "object": self.obj.name}
        if self.record_id is not None:
            told["id"] = self.record_id
        if (name := name_of(self.record, self.fields)) is not None:
            told["name"] = name
        if self.other is not None:
            return told | {"to_object": self.other[0].name, "to_id": self.other[1]}
        after = self.stage or self.sent
        pairs = {one: value for one, value in spread_custom_fields(after) if one != self.obj.key}
        if self.action == "create":
            path = self.request.path if self.request else self.obj.path
            at = {"at": path} if path != self.obj.path else {}  # below another record
            return told | at | {"values": _cut(pairs)}
        before = {one: value_of(self.record, one) for one in pairs}
        return told | {"before": _cut(before), "after": _cut(pairs)}

    def read_again(self, client: InsightlyClient) -> None:
        """Read the record once more; an error if it is not as it was previewed."""
        if self.record_id is None:
            return
        record, etag = client.get_with_etag(self.obj.name, self.record_id)
        if None not in {etag, self.etag}:
            is_changed = etag != self.etag
        else:
            names = [one for one, _ in spread_custom_fields(self.stage or self.sent)]
            pairs = ((one, value_of(self.record, one), value_of(record, one)) for one in names)
            is_changed = any(
                not is_same(self.fields.find(one), before, now) for one, before, now in pairs
            )
        if is_changed:
            msg = f"{self.name} {CHANGED}. Nothing was written. Preview the changes again."
            raise CallError(msg)
        self.record = record


def prepare(client: InsightlyClient, change: Change) -> list[Prepared]:
    """Check a change, and prepare it; nothing if all is as it is to be already."""
    if change.action == "create":
        return _create(client, change)
    if change.action == "update":
        return _update(client, change)
    return _link(client, change)


def _require(change: Change, *names: str) -> None:
    missing = [one for one in names if getattr(change, one) in (UNSET, "", {})]
    if missing:
        msg = f"{change.action} needs {' and '.join(missing)}."
        raise CallError(msg)
    spare = {"id", "to_object", "to_id", "written", "values"} - {*names}
    if found := [one for one in sorted(spare) if getattr(change, one) not in (UNSET, "", {})]:
        msg = f"{change.action} takes no {' and no '.join(found)}."
        raise CallError(msg)


def _create(client: InsightlyClient, change: Change) -> list[Prepared]:
    _require(change, "object", "values")
    fields = client.fields(str(change.object))
    request = client.build_create_request(fields, change.values)
    return [Prepared("create", fields, request=request)]


def _update(client: InsightlyClient, change: Change) -> list[Prepared]:
    _require(change, "object", "id", "values")
    fields, record_id = client.fields(str(change.object)), int(change.id)  # type: ignore[arg-type]  # it is set
    record, etag = client.get_with_etag(fields.obj.name, record_id)
    values = dict(change.values)
    found: list[Prepared] = []
    stage = {name.upper(): values.pop(name) for name in [*values] if name.upper() in STAGE}
    if stage and fields.obj.has_stages:
        found += _move(client, fields, record_id, record, stage, etag)
    else:
        values |= stage  # of which it is said why it cannot be written
    if values:
        request = client.build_update_request(fields, record_id, values, record)
        if request is not None:
            found.append(Prepared("update", fields, record_id, request, record, etag))
    return found


def _move(
    client: InsightlyClient,
    fields: Fields,
    record_id: int,
    record: Record,
    stage: Mapping[str, Any],
    etag: str | None,
) -> list[Prepared]:
    obj = fields.obj
    if stage.get("STAGE_ID") in (None, ""):
        msg = "STAGE_ID is needed to move a record: the id or the name of the stage."
        raise InvalidFieldsError(obj.name, [msg])
    pipeline = stage.get("PIPELINE_ID")
    request = client.build_stage_request(obj.name, record_id, stage["STAGE_ID"], pipeline)
    body = request.content
    wanted = {"STAGE_ID": body.get("STAGE_ID")}
    if "PIPELINE_ID" in body:
        wanted = {"PIPELINE_ID": body["PIPELINE_ID"], **(body.get("PIPELINE_STAGE_CHANGE") or {})}
    if all(record.get(name) == value for name, value in wanted.items()):
        return []
    return [Prepared("move", fields, record_id, request, record, etag, stage=wanted)]


def _link(client: InsightlyClient, change: Change) -> list[Prepared]:
    _require(change, "object", "id", "to_object", "to_id")
    fields, other = client.fields(str(change.object)), client.object(str(change.to_object))
    record_id, other_id = int(change.id), int(change.to_id)  # type: ignore[arg-type]  # they are set
    request = client.build_link_request(fields.obj.name, record_id, other.name, other_id)
    record, etag = client.get_with_etag(fields.obj.name, record_id)
    client.get(other.name, other_id)  # or it is said that there is none
    wanted = request.content
    if any(wanted.items() <= one.items() for one in record.get("LINKS") or ()):
        return []
    return [Prepared("link", fields, record_id, request, record, etag, other=(other, other_id))]


def _cut(values: Mapping[str, Any]) -> Record:
    def cut(value: Any) -> Any:  # noqa: ANN401 - any value
        if isinstance(value, str) and len(value) > SHORT_TEXT:
            return f"{value[:SHORT_TEXT]}… ({len(value):,} characters)"
        return value

    return {name: cut(plain(value)) for name, value in values.items()}


def prepare_all(
    client: InsightlyClient, changes: list[Change]
) -> tuple[list[Prepared], list[Record]]:
    """Prepare changes, and say what each would do; an error has all that is wrong."""
    prepared: list[Prepared] = []
    shown: list[Record] = []
    problems: list[str] = []
    seen: set[tuple[str, int]] = set()
    for number, change in enumerate(changes, start=1):
        try:
            own = prepare(client, change)
        except (CallError, InsightlyError) as error:
            if client.session.quota.shortage():
                raise
            problems.append(f"Change {number}: {error}")
            continue
        if change.action == "update":
            key = (client.object(str(change.object)).path, int(change.id))  # type: ignore[arg-type]  # it is set
            if key in seen:
                problems.append(f"Change {number}: this record is updated twice; do that in one.")
            seen.add(key)
        prepared += own
        shown += [one.shown() for one in own] or [
            {"action": change.action, "object": str(change.object), "outcome": "is so already"}
        ]
    if problems:
        raise CallError(" ".join(problems))
    return prepared, shown
