"""The tools that read: what there is to know, records by value, one record, and its links."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from tap_insightly.api import InsightlyError, NotAvailableError
from tap_insightly.api.lists.paginator import PAGE_SIZE
from tap_insightly.api.records.objects import find_object, standard_objects
from tap_insightly.api.records.reading import id_of
from tap_insightly.mcp.scanning import Scan
from tap_insightly.mcp.searching import Search
from tap_insightly.mcp.shapes import (
    LONG_TEXT,
    MIDDLE_TEXT,
    SHORT_TEXT,
    SHORTEST_TEXT,
    Shape,
    brief_fields,
    chosen_fields,
    cut_notes,
    fitting,
    name_of,
    plain,
    size,
)
from tap_insightly.openapi.objects import objects_by_path, references_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.api import Field, Fields, InsightlyObject
    from tap_insightly.mcp.arguments import (
        DescribeArguments,
        FindArguments,
        LinksArguments,
        ReadArguments,
    )
    from tap_insightly.mcp.call import Call
    from tap_insightly.mcp.cursors import Place

    Answer = dict[str, Any]

_VERBS = ("search", "get", "create", "update")  # all can be listed
_MOST_OPTIONS = 15  # of a field, in a list of fields
_DESCRIPTION = 90  # characters of the description of a field
_ROOM = 900  # characters of an answer that are kept for what is said besides records
_LEAST_ROOM = 500


def describe(call: Call, given: DescribeArguments) -> Answer:
    """List the objects, or the fields of one."""
    if given.object is UNSET:
        note = "Give one of them as object to see its fields, and what can be done with it."
        named = {one.name: _abilities(one) for one in call.client.objects()}
        answer: Answer = {"objects": named, "note": note}
        is_short = size(answer) <= call.desk.limits.answer_characters
        return answer if is_short else {"objects": list(named), "note": note}
    fields = call.client.fields(given.object)
    wanted = given.match.casefold()
    found = [
        one for one in fields if wanted in one.name.casefold() or wanted in one.label.casefold()
    ]
    references = references_of(fields.obj.component)
    items = [_field(one, references) for one in found]
    room = _room(call)
    if size(items) > room:
        for item in items:
            item.pop("description", None)
    shown = fitting(items, room)
    answer = {"object": fields.obj.name, "can": _abilities(fields.obj), "fields": items[:shown]}
    if shown < len(items):
        names = ", ".join(one.name for one in found[shown:])
        answer["note"] = f"Ask for these with match: {names}"[: _ROOM // 2]
    elif not items:
        answer["note"] = fields.unknown(given.match)
    return answer


def _abilities(obj: InsightlyObject) -> str:
    words = [verb for verb in _VERBS if verb in obj.can]
    words += [word.lower() for word in ("Links", "Notes") if word in obj.actions]
    label = f" ({obj.labels[0]})" if obj.labels else ""
    return ", ".join(["list", *words]) + label


def _field(field: Field, references: Mapping[str, str]) -> Answer:
    answer: Answer = {"name": field.name, "type": field.kind}
    if field.label:
        answer["label"] = field.label[:_DESCRIPTION]
    if field.name in references:
        answer["leads_to"] = objects_by_path()[references[field.name]].name
    if field.options:
        answer["options"] = list(field.options[:_MOST_OPTIONS])
        if len(field.options) > _MOST_OPTIONS:
            answer["options"].append(f"… and {len(field.options) - _MOST_OPTIONS} more")
    if not (field.is_writable or field.is_set_once):
        answer["read_only"] = True
    if field.description and not field.is_custom:
        answer["description"] = field.description[:_DESCRIPTION]
    return answer


def find(call: Call, given: FindArguments) -> Answer:
    """Find records by what is in them."""
    search = Search(call.client, given, *given.fields)
    fields = chosen_fields(search.fields, given.fields) or brief_fields(search.fields)
    key = search.fields.find(search.obj.key or "")
    if key is not None and key not in fields:
        fields = [key, *fields]
    query = [given.query(), given.contains, given.newest_first]
    place = call.desk.cursors.read(query, given.cursor) if given.cursor else None
    page = PAGE_SIZE if search.compared else given.limit + 1
    scan = Scan(call, search.obj, search.path, {**search.params, **search.brief(fields)}, page)
    found: list[tuple[Answer, Place]] = []
    passed, looked_at, is_more = place, 0, False
    records = scan.backward(place) if given.newest_first else scan.forward(place)
    with closing(records):
        for record, at in records:
            if len(found) == given.limit:
                is_more = True
                break
            looked_at, passed = looked_at + 1, at
            if search.has(record):
                found.append((record, at))
    shape, told = _told([one for one, _ in found], fields, call, is_asked=bool(given.fields))
    if len(told) < len(found):
        passed, is_more = found[len(told) - 1][1], True
    answer: Answer = {"object": search.obj.name, "records": told}
    notes = list(cut_notes(shape.cut, lambda _: "read the record to see it"))
    if (is_more or scan.is_cut) and passed is not None:
        answer["next_cursor"] = call.desk.cursors.write(query, passed)
        notes.append("There may be more: go on with next_cursor, and the same other arguments.")
    if scan.is_cut:
        notes.append(
            f"Not all was searched: {looked_at:,} records were looked at with the "
            f"{call.stats.requests:,} requests that one call may send."
        )
    if not found and given.where and not scan.is_cut:
        notes.append("Insightly compares whole values; contains finds parts of texts.")
    notes += [scan.note] if scan.note else []
    return _with_notes(answer, notes, call)


def _told(
    records: Sequence[Answer], fields: Sequence[Field], call: Call, *, is_asked: bool
) -> tuple[Shape, list[Answer]]:
    """Shape as many records as there is room for, and one at least, however short its texts."""
    longest = MIDDLE_TEXT if is_asked else SHORT_TEXT
    while True:
        shape = Shape(fields, longest)
        told = [shape(one) for one in records]
        shown = fitting(told, _room(call))
        if shown or not told or longest < SHORTEST_TEXT:
            return shape, told[: max(shown, 1)]
        longest //= 2


def read(call: Call, given: ReadArguments) -> Answer:
    """Read one record."""
    fields = call.client.fields(given.object)
    chosen = chosen_fields(fields, given.fields)
    record, version = call.client.get_with_etag(fields.obj.name, given.id)
    room = _room(call)
    longest = LONG_TEXT if len(chosen) != 1 else max(LONG_TEXT, room - _LEAST_ROOM)
    shape = Shape(chosen, longest, given.start)
    told = shape(record)
    while size(told) > room and longest > 1:  # every text a little shorter
        longest //= 2
        shape = Shape(chosen, longest, given.start)
        told = shape(record)
    left_out: list[str] = []
    if size(told) > room:
        items = sorted(told.items(), key=lambda pair: size(pair[1]))
        shown = dict(items[: fitting(items, room)])
        left_out = [name for name in told if name not in shown]
        told = {name: one for name, one in told.items() if name in shown}
    answer: Answer = {"object": fields.obj.name, "id": given.id, "record": told}
    if version is not None:
        answer["version"] = version
    after = given.start + longest
    notes = list(
        cut_notes(shape.cut, lambda name: f"go on with fields ['{name}'] and start {after}")
    )
    if left_out:
        names = ", ".join(left_out)[:SHORT_TEXT]
        notes.append(f"{len(left_out):,} fields are left out; ask for them by fields: {names}")
    return _with_notes(answer, notes, call)


def links(call: Call, given: LinksArguments) -> Answer:
    """Tell which records one leads to, by links and by fields, and what they are called."""
    fields = call.client.fields(given.object)
    record = call.client.get(fields.obj.name, given.id)
    found = [*_by_links(record), *_by_fields(record, fields)]
    seen: dict[tuple[str, int], str | None] = {}
    unnamed = 0
    for one in found:
        end = (one["object"], one["id"])
        if end not in seen and call.left:
            seen[end] = _name(call, *end)
        elif end not in seen:
            unnamed += 1
        if seen.get(end):
            one["name"] = seen[end]
    shown = fitting(found, _room(call))
    answer: Answer = {"object": fields.obj.name, "id": given.id, "linked": found[:shown]}
    if (name := name_of(record, fields)) is not None:
        answer["name"] = name
    notes = []
    if shown < len(found):
        notes.append(f"{len(found) - shown:,} more are left out.")
    if unnamed:
        notes.append(f"{unnamed:,} are without a name, as each takes a request to look up.")
    return _with_notes(answer, notes, call)


def _by_links(record: Mapping[str, Any]) -> Sequence[Answer]:
    found = []
    for link in record.get("LINKS") or ():
        other, number = link.get("LINK_OBJECT_NAME"), id_of(link, "LINK_OBJECT_ID")
        if other and number is not None:
            about = {
                name.lower(): link[name]
                for name in ("LINK_ID", "ROLE", "DETAILS")
                if link.get(name) not in (None, "")
            }
            texts = {n: v[:SHORT_TEXT] if isinstance(v, str) else v for n, v in about.items()}
            found.append({"object": str(other), "id": number, "by": "link", **texts})
    return found


def _by_fields(record: Mapping[str, Any], fields: Fields) -> Sequence[Answer]:
    found = []
    for name, path in references_of(fields.obj.component).items():
        number = id_of(record, name)
        if number:
            found.append({"object": objects_by_path()[path].name, "id": number, "by": name})
    return found


def _name(call: Call, object_name: str, record_id: int) -> str | None:
    """Say what a record is called; None if that takes more than a request, or it cannot be read."""
    try:
        obj = find_object(object_name, call.client.objects())
        if "get" not in obj.can:
            return None
        return name_of(call.client.get(obj.name, record_id))
    except NotAvailableError:
        return None
    except InsightlyError:
        if call.desk.client.session.quota.shortage():
            raise
        return None


def names_in(call: Call, path: str, ids: set[int]) -> dict[int, str]:
    """Look up what records of a short list are called, with one request; of a long one, some."""
    obj = next((one for one in standard_objects() if one.path == path), None)
    if obj is None or obj.key is None or not ids or not call.left:
        return {}
    query = {**obj.needs, **({"top": str(PAGE_SIZE)} if obj.is_paged else {})}
    try:
        records = call.client.session.get(path, query).records
    except NotAvailableError:
        return {}
    named = {id_of(one, obj.key): name_of(one) for one in records if isinstance(one, dict)}
    return {one: str(named[one]) for one in ids if named.get(one)}


def _room(call: Call) -> int:
    return max(_LEAST_ROOM, call.desk.limits.answer_characters - _ROOM)


def _with_notes(answer: Answer, notes: Sequence[str], call: Call) -> Answer:
    answer = plain(answer)
    if notes:
        text = " ".join(dict.fromkeys(notes))
        answer["note"] = text if len(text) <= _ROOM else text[: _ROOM - 1] + "…"
    return answer | {"requests": call.stats.requests}
