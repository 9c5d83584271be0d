"""What the workflows of an account do to records, after these were written over HTTP."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.sandbox.account.habits import EVERYWHERE, at
from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.handlers.derived import derive
from tap_insightly.sandbox.handlers.replies import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.account.writing_habits import Automation


class _Task(NamedTuple):
    due: datetime
    path: str
    key: int
    automation: Automation
    is_for_all: bool


class Automations:
    """Runs the workflows of an account. Whoever uses it holds the account's lock."""

    def __init__(self, account: Account) -> None:
        """Begin with nothing to do."""
        self._account = account
        self._tasks: deque[_Task] = deque()

    def run(self, faults: Faults, path: str, key: int) -> None:
        """Do what follows from a write, or remember to do it later."""
        automation = at(faults.automations, path, None)
        if automation is None:
            return
        own = {one: 1 for one in faults.automations if one != EVERYWHERE}
        due = self._account.now() + timedelta(seconds=faults.automation_delay)
        task = _Task(due, path, key, automation, not at(own, path, 0))
        if faults.automation_delay > 0:
            self._tasks.append(task)
        else:
            self._do(task)

    def catch_up(self) -> None:
        """Do what is due by now, as of the moment at which it was due."""
        now = self._account.now()
        due = sorted((one for one in self._tasks if one.due <= now), key=lambda one: one.due)
        self._tasks = deque(one for one in self._tasks if one.due > now)
        for task in due:
            record = self._account.tables[task.path].find(task.key) or {}
            # Whoever changed it meanwhile did so later: dates of updates never go back.
            is_later = (record.get("DATE_UPDATED_UTC") or "") > timestamp(task.due)
            with self._account.pretending(now if is_later else task.due):
                self._do(task)

    def _do(self, task: _Task) -> None:
        path, key = task.path, task.key
        record = self._account.tables[path].find(key)
        if record is None:
            return
        automation = task.automation
        wanted = automation(dict(record)) if callable(automation) else automation
        fields = self._fields(path, record, wanted, is_for_all=task.is_for_all)
        if fields:
            derive(self._account, path, self._account.update(path, key, **fields) or record)

    def _fields(
        self, path: str, record: Record, wanted: Mapping[str, Any], *, is_for_all: bool
    ) -> Record:
        table, own = self._account.tables[path], self._account.custom_fields.get(path)
        custom = {one["FIELD_NAME"] for one in own.definitions} if own else set()
        unknown = wanted.keys() - table.fields.keys() - custom
        if unknown and not is_for_all:
            # A workflow that cannot be played is loud rather than quiet.
            raise Refusal(500, f"A workflow of {path} sets {min(unknown)}, which it has not.")
        fields = {name: value for name, value in wanted.items() if name in table.fields}
        values = {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in record.get("CUSTOMFIELDS") or ()}
        changed = values | {name: wanted[name] for name in wanted if name in custom}
        if changed != values:
            fields["CUSTOMFIELDS"] = [
                {"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in changed.items()
            ]
        return fields
