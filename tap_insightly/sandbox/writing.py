"""Records that are made, changed and deleted over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox import access
from tap_insightly.sandbox.checking import checked, is_a, sent, trimmed
from tap_insightly.sandbox.defaults import default_of
from tap_insightly.sandbox.derived import MEMBERS, derive, set_members
from tap_insightly.sandbox.operations import Place, place_at
from tap_insightly.sandbox.replies import Refusal, Reply, encode, record_id

if TYPE_CHECKING:
    from tap_insightly.sandbox.operations import Body, Field, Operation
    from tap_insightly.sandbox.replies import Call
    from tap_insightly.sandbox.server import Sandbox
    from tap_insightly.sandbox.store import Record


def described(operation: Operation) -> Body:
    """Tell what an operation takes.

    Args:
        operation: An operation that takes something.

    Returns:
        The body.

    Raises:
        LookupError: If it takes nothing.
    """
    if operation.body is None:
        msg = "This takes no body."
        raise LookupError(msg)
    return operation.body


class Writer:
    """Writes records of lists. Whoever uses it holds the sandbox's lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Write into a sandbox.

        Args:
            sandbox: The account.
        """
        self._sandbox = sandbox

    def write(self, call: Call) -> Reply:
        """Do what a request wants.

        Args:
            call: The request, one to a list or to one of its records.

        Returns:
            The answer.

        Raises:
            Refusal: If it cannot be done.
        """
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
        """Answer with a record.

        Args:
            operation: What was done.
            path: The path of the record's list.
            record: The record.

        Returns:
            The answer, with its version.
        """
        content: Any = [record] if operation.is_list else record
        return Reply(operation.status, encode(content), {"ETag": self._sandbox.etag(path, record)})

    def check(self, body: Body, given: object) -> Record:
        """Check what is to be written.

        Args:
            body: What may be.
            given: What was sent.

        Returns:
            The fields that can be written.

        Raises:
            Refusal: If it cannot be written.
        """
        return checked(body, trimmed(given) if self._sandbox.faults.trims_text else given, self)

    def create(self, path: str, body: Body, given: Any, **own: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Make a record.

        Args:
            path: The path of its list.
            body: What it may be made of.
            given: What was sent.
            **own: Fields that are not the client's to choose.

        Returns:
            The record itself.

        Raises:
            Refusal: If it cannot be made.
        """
        access.check_room(self._sandbox, path)
        fields = self._sandbox.arrays.arranged(path, self.check(body, given), None)
        members = fields.pop(MEMBERS, []) or [] if MEMBERS in fields else None
        table = self._sandbox.tables[path]
        # The key acts as its user (docs). That what it makes is that user's is assumed.
        for name in {"CREATED_USER_ID", "OWNER_USER_ID"} & set(table.fields):
            fields.setdefault(name, self._sandbox.user_id)
        owner = self._sandbox.faults.assigns_owner
        if owner is not None and "OWNER_USER_ID" in table.fields:
            fields["OWNER_USER_ID"] = owner
        key = self._sandbox.create(path, **fields | own)[table.keys[0]]
        return self._finished(path, key, members)

    def change(self, path: str, record: Record, body: Body, given: Any, **own: Any) -> Record:  # noqa: ANN401 - as above
        """Change a record: only the fields that were sent (docs).

        Args:
            path: The path of its list.
            record: The record.
            body: What can be changed.
            given: What was sent.
            **own: As `create` has it.

        Returns:
            The record itself.

        Raises:
            Refusal: If it cannot be changed so.
        """
        fields = self._sandbox.arrays.arranged(path, self.check(body, given), record)
        members = fields.pop(MEMBERS, []) or [] if MEMBERS in fields else None
        key = record[self._sandbox.tables[path].keys[0]]
        self._sandbox.update(path, key, **fields | own)
        return self._finished(path, key, members)

    def delete(self, path: str, key: int | None) -> None:
        """Delete a record.

        Args:
            path: The path of its list.
            key: Its id.

        Raises:
            Refusal: If there is none, or it cannot be deleted.
        """
        record = self.find(path, key)
        access.check_deletable(self._sandbox, path)
        self._sandbox.delete(path, record[self._sandbox.tables[path].keys[0]])
        derive(self._sandbox, path, record)

    def find(self, path: str, key: int | None) -> Record:
        """Look a record up.

        Args:
            path: The path of its list.
            key: Its id.

        Returns:
            The record itself.

        Raises:
            Refusal: If there is none.
        """
        return access.find(self._sandbox, path, key)

    def named(self, path: str, given: Any, key: int | None = None) -> Record:  # noqa: ANN401 - as above
        """Look up the record that a body has the id of.

        Args:
            path: The path of its list.
            given: The body.
            key: Its id if that is in the address.

        Returns:
            The record itself.

        Raises:
            Refusal: If no id is given, or two that differ, or there is no such record.
        """
        name = self._sandbox.tables[path].keys[0]
        own = given.get(name, key) if isinstance(given, dict) else None
        if not is_a(own, "integer"):
            raise Refusal(400, f"{name} is missing.")
        if key not in {None, own}:  # which of them the API would go by is not known
            raise Refusal(400, f"{name} is not the id in the address.")
        return self.find(path, own)

    def check_version(self, path: str, record: Record, expected: str | None) -> None:
        """Make sure that nobody else has changed a record.

        Args:
            path: The path of its list.
            record: The record.
            expected: The version that it has to have; None for any.

        Raises:
            Refusal: If it has another. The status is 400, not 412 (seen live).
        """
        if expected not in {None, "*", self._sandbox.etag(path, record)}:
            raise Refusal(400, "The record was changed by someone else.")

    def is_there(self, path: str, key: int) -> bool:
        """Tell whether there is a record.

        Args:
            path: The path of its list.
            key: Its id.

        Returns:
            Whether there is.
        """
        return self._sandbox.tables[path].find(key) is not None

    def default_of(self, field: Field) -> Any:  # noqa: ANN401 - as above
        """Find out what a field that is required has where nothing was sent.

        Args:
            field: The field.

        Returns:
            The value; None if there is none, so that it has to be sent.
        """
        return default_of(self._sandbox, field)

    def _finished(self, path: str, key: int, members: list[Record] | None) -> Record:
        if members is not None:
            set_members(self._sandbox, key, members)
        self._sandbox.automations.run(path, key)
        derive(self._sandbox, path, self.find(path, key))
        return self.find(path, key)


def _object(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    given = sent(body)
    if not isinstance(given, dict):
        raise Refusal(400, "The body is not a JSON object.")
    return given
