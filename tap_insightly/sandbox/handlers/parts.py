"""What is below a record: its arrays one by one, and records of other lists that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.account import ENTRY_KEYS
from tap_insightly.sandbox.handlers.below import Target
from tap_insightly.sandbox.handlers.checking import sent
from tap_insightly.sandbox.handlers.moves import MOVES
from tap_insightly.sandbox.handlers.operations import place_at
from tap_insightly.sandbox.handlers.replies import Refusal
from tap_insightly.sandbox.handlers.writing import described

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.handlers.operations import Place
    from tap_insightly.sandbox.handlers.replies import Call, Reply
    from tap_insightly.sandbox.handlers.writing import Writer

_LINK_ID = ENTRY_KEYS["LINKS"]


def place_of(call: Call) -> Place | None:
    """Look up what can be done where a request goes."""
    _, name, *entry = call.rest
    return place_at(call.path, "{id}", name, *("{id}" for _ in entry))


def answer(writer: Writer, call: Call, place: Place) -> Reply:
    """Do what a request below a record wants, or refuse."""
    below, access, account = f"{call.path}/{{id}}/{place.name}", writer.access, writer.account
    access.check(below, call.method)
    if place.list_path is not None:
        access.check(place.list_path, call.method)
    operation = place.operations.get(call.method)
    if operation is None:
        raise Refusal(405, "This cannot be done with what is below a record.")
    parent = writer.find(call.path, call.key)
    if call.method == "DELETE":
        access.check_deletable(below)
    target = Target(
        account=account,
        writer=writer,
        call=call,
        place=place,
        operation=operation,
        key=parent[account.tables[call.path].keys[0]],
        given=sent(call.body) if operation.body is not None else None,
    )
    if place.part_of is not None:
        if call.method == "GET":
            return target.answer(target.parent[place.part_of])
        return {"LINKS": _links, "TAGS": _tags}.get(place.part_of, _entries)(target)
    if place.list_path is not None:
        return (_listed if place.parent_field is not None else _notes)(target)
    return MOVES[place.name](target)


def _links(target: Target) -> Reply:
    """Change the links that a record carries. The other record has none to it: assumed."""
    links: list[Record] = target.parent["LINKS"] or []
    if target.method == "DELETE":
        gone = _link(links, target.entry_id)
        target.update(LINKS=[one for one in links if one is not gone])
        return target.answer(None)
    given = target.checked()
    link_id = given.pop(_LINK_ID, None)
    if target.method == "POST":
        # What happens if there is such a link is not known: assumed, it is made all the same.
        link = target.writer.arrays.link(target.path, target.key, given)
        links = [*links, link]
    else:
        before = _link(links, link_id)
        own = {name: before[name] for name in ("OBJECT_NAME", "OBJECT_ID")}
        link = before | given | own
        links = [link if one is before else one for one in links]
    _check_other(target, link)
    target.update(LINKS=links)
    return target.answer(link)


def _link(links: list[Record], link_id: object) -> Record:
    for link in links:
        if link[_LINK_ID] == link_id:
            return link
    raise Refusal(404, "There is no such link.")


def _check_other(target: Target, link: Record) -> None:
    name, key = link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]
    path = target.account.path_of_object(name)
    # What carries links can be linked to, and records of custom objects can: assumed.
    table = target.account.tables.get(path or "")
    if table is None or not ("LINKS" in table.fields or "RECORD_NAME" in table.fields):
        raise Refusal(400, f"LINK_OBJECT_NAME {name} is not the name of an object.")
    if table.find(key) is None:
        raise Refusal(400, f"LINK_OBJECT_ID leads to nothing: there is no {name} {key}.")


def _tags(target: Target) -> Reply:
    if target.method == "PUT":
        return _entries(target)
    tags: list[Record] = target.parent["TAGS"] or []
    tag = {"TAG_NAME": target.checked()["TAG_NAME"]}
    if target.method == "POST":
        _arranged(target, "TAGS", [*tags, tag])
    elif tag in tags:
        _arranged(target, "TAGS", [one for one in tags if one != tag])
    else:
        raise Refusal(404, "There is no such tag.")
    return target.answer(tag)


def _entries(target: Target) -> Reply:
    return target.answer(_arranged(target, str(target.place.part_of), target.checked_entries()))


def _arranged(target: Target, array: str, given: list[Record]) -> list[Record]:
    fields = target.writer.arrays.arranged(target.path, {array: given}, target.parent)
    target.update(**fields)
    entries: list[Record] = target.parent[array]
    return entries


def _listed(target: Target) -> Reply:
    """Read or write records of another list that belong to a record."""
    writer, path, field = target.writer, str(target.place.list_path), str(target.place.parent_field)
    if target.method == "GET":
        rows = target.account.tables[path].rows
        return target.answer([row for row in rows if row[field] == target.key])
    if target.method == "POST":
        row = writer.create(path, described(target.operation), target.given, **{field: target.key})
    else:
        is_deleted = target.method == "DELETE"
        row = writer.find(path, target.entry_id) if is_deleted else writer.named(path, target.given)
        if row[field] != target.key:
            raise Refusal(404, "There is no such record below this one.")
        if is_deleted:
            writer.delete(path, target.entry_id)
        else:
            writer.check_version(path, row, target.call.if_match)
            # To which record it belongs is in the address, not in the body: assumed.
            own = {field: target.key}
            row = writer.change(path, row, described(target.operation), target.given, **own)
    target.update()
    if target.method == "DELETE":
        return target.answer(None)
    return writer.answer(target.operation, path, row)


def _notes(target: Target) -> Reply:
    """Read or make notes: they belong to a record by a link to it."""
    account, path = target.account, str(target.place.list_path)
    table, name = account.tables[path], account.object_at(target.path)
    if target.method == "GET":
        other = (name, target.key)
        return target.answer(
            [
                row
                for row in table.rows
                if any(
                    (one["LINK_OBJECT_NAME"], one["LINK_OBJECT_ID"]) == other
                    for one in row["LINKS"]
                )
            ]
        )
    link = {"LINK_OBJECT_NAME": name, "LINK_OBJECT_ID": target.key}
    links = [target.writer.arrays.link(path, table.next_id(), link)]
    note = target.writer.create(path, described(target.operation), target.given, LINKS=links)
    target.update()
    return target.writer.answer(target.operation, path, note)
