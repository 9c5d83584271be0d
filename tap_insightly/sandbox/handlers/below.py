"""One request to something below a record, with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox.account.records import encode
from tap_insightly.sandbox.handlers.replies import Refusal, Reply, record_id
from tap_insightly.sandbox.handlers.writing import described

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.handlers.operations import Operation, Place
    from tap_insightly.sandbox.handlers.replies import Call
    from tap_insightly.sandbox.handlers.writing import Writer


@dataclass(frozen=True)
class Target:
    """What a request below a record is about."""

    account: Account
    writer: Writer
    call: Call
    place: Place
    operation: Operation
    key: int
    """The id of the record above."""

    given: Any
    """What was sent, as JSON has it."""

    @property
    def path(self) -> str:
        """The path of the list of the record above."""
        return self.call.path

    @property
    def method(self) -> str:
        """The method of the request."""
        return self.call.method

    @property
    def parent(self) -> Record:
        """The record above itself, as it is now."""
        return self.writer.find(self.path, self.key)

    @property
    def entry_id(self) -> int | None:
        """The id in the address of what is below, if there is one."""
        return record_id(self.call.rest[-1])

    def checked(self) -> Record:
        """Check what was sent."""
        return self.writer.check(described(self.operation), self.given)

    def checked_entries(self) -> list[Record]:
        """Check an array that was sent."""
        if not isinstance(self.given, list):
            raise Refusal(400, "The body is not a JSON array.")
        return [self.writer.check(described(self.operation), one) for one in self.given]

    def update(self, **fields: Any) -> None:  # noqa: ANN401 - any JSON value
        """Update the record above.

        That a write below a record counts as an update of it is assumed.
        """
        self.account.update(self.path, self.key, **fields)
        self.run_automations()

    def run_automations(self) -> None:
        """Do what follows from a write to the record above."""
        self.writer.run_automations(self.path, self.key)

    def answer(self, content: Any) -> Reply:  # noqa: ANN401 - as above
        """Answer as the document has it."""
        if self.method == "DELETE":
            return Reply(self.operation.status)
        if self.operation.is_list and not isinstance(content, list):
            content = [content]  # what else would be in the array is not known
        return Reply(self.operation.status, encode(content))
