"""Whatever is written, in whatever order: to undo it gives back the account as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tap_insightly.undo.undoer import UndoOutcome
from tests.api.conftest import new_client
from tests.api.written import values_of
from tests.conftest import new_sandbox
from tests.undo.writing import Writes, new_ids, plain, undone

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WELL = {UndoOutcome.UNDONE, UndoOutcome.UNCHANGED}
LISTS = {
    "contact": "/Contacts",
    "organisation": "/Organisations",
    "opportunity": "/Opportunities",
    "project": "/Projects",
}
VERBS = ("create", "update", "update", "delete", "move")
PICK = st.integers(0, 7)


def small_sandbox() -> Sandbox:
    sandbox = new_sandbox(records=6)
    for path in LISTS.values():
        key = sandbox.tables[path].keys[0]
        for row in sandbox.records(path)[3:]:
            sandbox.delete(path, row[key])
    for row in sandbox.records("/Contacts"):  # what leads to nothing any more
        sandbox.put("/Contacts", row["CONTACT_ID"], LINKS=[], ORGANISATION_ID=None)
    for path in ("/Organisations", "/Opportunities", "/Projects"):
        blank = dict.fromkeys(("ORGANISATION_ID",), None) if path == "/Opportunities" else {}
        for row in sandbox.records(path):
            sandbox.put(path, row[sandbox.tables[path].keys[0]], LINKS=[], **blank)
    return sandbox


class Writer:
    """Writes whatever is drawn, to records that are there."""

    def __init__(self, sandbox: Sandbox, writes: Writes, data: st.DataObject) -> None:
        self.sandbox, self.writes, self.data = sandbox, writes, data
        self.unknown: set[int] = set()

    def pick(self, path: str) -> int | None:
        """A record of a list, but none whose creation was not answered: its id is not known."""
        key = self.sandbox.tables[path].keys[0]
        ids = [row[key] for row in self.sandbox.records(path) if row[key] not in self.unknown]
        return ids[self.data.draw(PICK) % len(ids)] if ids else None

    def values(self, name: str) -> dict[str, Any]:
        fields = self.writes.client.fields(name)
        found: dict[str, Any] = self.data.draw(values_of(fields))
        if name in {"contact", "opportunity"} and self.data.draw(st.booleans()):
            found["ORGANISATION_ID"] = self.pick("/Organisations")
        return found

    def write(self) -> None:
        verb, name = (
            self.data.draw(st.sampled_from(VERBS)),
            self.data.draw(st.sampled_from([*LISTS])),
        )
        key = self.pick(LISTS[name])
        if verb == "create":
            is_answered = self.data.draw(st.booleans())
            made = self.writes.create(name, is_answered=is_answered, **self.values(name))
            self.unknown |= set() if is_answered else {made}
        elif key is None:
            return
        elif verb == "update":
            self.writes.update(name, key, **self.values(name))
        elif verb == "delete":
            self.writes.delete(name, key)
        elif name in {"opportunity", "project"}:
            stages = [(None, None)]
            stages += [
                (one["PIPELINE_ID"], one["STAGE_ID"])
                for one in self.sandbox.records("/PipelineStages")
            ]
            self.writes.move(name, key, *self.data.draw(st.sampled_from(stages)))


@settings(max_examples=25, phases=set(Phase) - {Phase.explain})
@given(data=st.data())
def test_the_account_is_as_it_was(data: st.DataObject, tmp_path_factory: Any) -> None:
    path: Path = tmp_path_factory.mktemp("any") / "undo.jsonl"
    with small_sandbox().serve() as sandbox, new_client(sandbox) as client:
        before = plain(sandbox, *LISTS.values())
        with Writes(client, path) as writes:
            writer = Writer(sandbox, writes, data)
            for _ in range(data.draw(st.integers(1, 12))):
                writer.write()
            writes.is_sent = False  # the last one is cut off before it is sent
            writer.write()
        for _ in range(2):
            with new_client(sandbox) as another:  # which does not know what the other created
                results = undone(another, path)
            assert {one.outcome for one in results} <= {
                UndoOutcome.UNDONE,
                UndoOutcome.UNCHANGED,
            }, results
            assert not any(one.lost for one in results)
            assert plain(sandbox, *LISTS.values(), ids=new_ids(path)) == before
        assert not results, "nothing was left to do"
