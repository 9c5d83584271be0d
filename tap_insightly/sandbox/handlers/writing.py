"""Records that are made, changed and deleted over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox.account.records import encode
from tap_insightly.sandbox.handlers.access import Access
from tap_insightly.sandbox.handlers.arrays import Arrays
from tap_insightly.sandbox.handlers.checking import checked, is_a, sent, trimmed
from tap_insightly.sandbox.handlers.defaults import default_of
from tap_insightly.sandbox.handlers.derived import MEMBERS, derive, set_members
from tap_insightly.sandbox.handlers.operations import Place, place_at
from tap_insightly.sandbox.handlers.replies import Refusal, Reply, record_id

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.handlers.automatic import Automations
    from tap_insightly.sandbox.handlers.operations import Body, Field, Operation
    from tap_insightly.sandbox.handlers.replies import Call


def described(operation: Operation) -> Body:
    """Tell what an operation takes."""
    if operation.body is None:
        msg = "This takes no body."
        raise LookupError(msg)
    return operation.body


class Writer:
    """Writes records of lists. Whoever uses it holds the account's lock."""

    def __init__(self, account: Account, faults: Faults, automations: Automations) -> None:
        """Go by the habits that hold for this request."""
        self.account, self._faults, self._automations = account, faults, automations
        self.access = Access(account, faults)
        self.arrays = Arrays(account, faults)

    def write(self, call: Call) -> Reply:
        """Do what a request wants."""
        path, method = call.path, call.method
        # A record is changed at the path of its list; some clients have its id in the path, too.
        is_list = not call.rest or method == "PUT"
        place = place_at(path) if is_list else place_at(path, "{id}")
        operation = (place or Place("")).operations.get(method)
        if operation is None or (call.rest and call.key is None):
            raise Refusal(405, "This is not how this object is written.")
        if method == "DELETE":
            key = call.key if call.rest else record_id(call.query.get("id"))
            self.delete(path, key)
            return Reply(operation.status)
        body, given = described(operation), _object(call.body)
        if method == "POST":
            return self.answer(operation, path, self.create(path, body, given))
        record = self.named(path, given, call.key)
        self.check_version(path, record, call.if_match)
        return self.answer(operation, path, self.change(path, record, body, given))

    def answer(self, operation: Operation, path: str, record: Record) -> Reply:
        """Answer with a record."""
        content: Any = [record] if operation.is_list else record
        return Reply(operation.status, encode(content), {"ETag": self.account.etag(path, record)})

    def check(self, body: Body, given: object) -> Record:
        """Check what is to be written."""
        return checked(body, trimmed(given) if self._faults.trims_text else given, self)

    def create(self, path: str, body: Body, given: Any, **own: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Make a record."""
        self.access.check_room(path)
        fields = self.arrays.arranged(path, self.check(body, given), None)
        members = fields.pop(MEMBERS, []) or [] if MEMBERS in fields else None
        table = self.account.tables[path]
        # The key acts as its user (docs). That what it makes is that user's is assumed.
        for name in {"CREATED_USER_ID", "OWNER_USER_ID"} & set(table.fields):
            fields.setdefault(name, self.account.user_id)
        owner = self._faults.assigns_owner
        if owner is not None and "OWNER_USER_ID" in table.fields:
            fields["OWNER_USER_ID"] = owner
        fields.pop(table.keys[0], None)  # the API gives ids by itself
        key = self.account.create(path, **fields | own)[table.keys[0]]
        return self._finished(path, key, members)

    def change(self, path: str, record: Record, body: Body, given: Any, **own: Any) -> Record:  # noqa: ANN401 - as above
        """Change a record: only the fields that were sent (docs)."""
        fields = self.arrays.arranged(path, self.check(body, given), record)
        members = fields.pop(MEMBERS, []) or [] if MEMBERS in fields else None
        key = record[self.account.tables[path].keys[0]]
        self.account.update(path, key, **fields | own)
        return self._finished(path, key, members)

    def delete(self, path: str, key: int | None) -> None:
        """Delete a record."""
        record = self.find(path, key)
        self.access.check_deletable(path)
        self.account.delete(path, record[self.account.tables[path].keys[0]])
        derive(self.account, path, record)

    def find(self, path: str, key: int | None) -> Record:
        """Look a record up."""
        return self.access.find(path, key)

    def named(self, path: str, given: Any, key: int | None = None) -> Record:  # noqa: ANN401 - as above
        """Look up the record that a body has the id of."""
        name = self.account.tables[path].keys[0]
        own = given.get(name, key) if isinstance(given, dict) else None
        if not is_a(own, "integer"):
            raise Refusal(400, f"{name} is missing.")
        if key not in {None, own}:  # which of them the API would go by is not known
            raise Refusal(400, f"{name} is not the id in the address.")
        return self.find(path, own)

    def check_version(self, path: str, record: Record, expected: str | None) -> None:
        """Refuse if a record has another version than expected; with 400, not 412 (seen live)."""
        if expected not in {None, "*", self.account.etag(path, record)}:
            raise Refusal(400, "The record was changed by someone else.")

    def is_there(self, path: str, key: int) -> bool:
        """Tell whether there is a record."""
        return self.account.tables[path].find(key) is not None

    def default_of(self, field: Field) -> Any:  # noqa: ANN401 - as above
        """Find out what a field that is required has where nothing was sent."""
        return default_of(self.account, self._faults, field)

    def run_automations(self, path: str, key: int) -> None:
        """Do what workflows do after a record was written."""
        self._automations.run(self._faults, path, key)

    def _finished(self, path: str, key: int, members: list[Record] | None) -> Record:
        if members is not None:
            set_members(self.account, key, members)
        self.run_automations(path, key)
        derive(self.account, path, self.find(path, key))
        return self.find(path, key)


def _object(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    given = sent(body)
    if not isinstance(given, dict):
        raise Refusal(400, "The body is not a JSON object.")
    return given
