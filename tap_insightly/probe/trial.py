"""The contact that a probe creates, changes and deletes, whatever happens meanwhile."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, NotAvailableError, Request, UnknownOutcomeError
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.records.objects import find_object, standard_objects
from tap_insightly.probe.account import UPDATED
from tap_insightly.probe.verdict import Verdict, fails, holds, unseen
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from tap_insightly.probe.client import ProbeClient, ProbeResponse

    Record = dict[str, Any]

CONTACTS, NOTES = "/Contacts", "/Notes"
_A_SECOND = timedelta(seconds=1.05)  # dates have no fractions, and a clock may be a bit behind


class TrialContact(Closeable):
    """A contact for trying things. Use it as a context manager: it is deleted at the end."""

    def __init__(self, client: ProbeClient, values: Record) -> None:
        self.client = client
        self.values = {**values, "LAST_NAME": f"tap-insightly probe {secrets.token_hex(6)}"}
        """The values of the new contact."""
        self.contact = 0
        """Its id; 0 while there is none."""
        self.note = 0
        """The id of the note on it; 0 while there is none."""
        self.made: ProbeResponse | None = None
        """The answer to creating it."""
        self.left: list[str] = []
        """What could not be deleted, a sentence with the id each."""

    def __enter__(self) -> Self:
        """Create the contact."""
        try:
            self.made = self._post(CONTACTS, self.values)
        except (UnknownOutcomeError, KeyboardInterrupt, SystemExit):  # it may have been created
            self._find_lost()
            self.close()
            raise
        rows = self.made.rows if self.made is not None else []
        self.contact = int(rows[0].get("CONTACT_ID") or 0) if rows else 0
        if not self.contact:
            status = self.made.status if self.made is not None else "nothing"
            msg = f"A contact could not be made: POST {CONTACTS} was answered {status}."
            raise InsightlyError(msg)
        return self

    def close(self) -> None:
        """Delete the contact and its notes, if they are still there."""
        if not self.contact:
            return
        notes = {self.note} if self.note else set()
        self._mark(CONTACTS, self.contact)
        try:
            answer = self.client.session.get(f"{CONTACTS}/{self.contact}/Notes")
            notes |= {int(one["NOTE_ID"]) for one in answer.records if one and "NOTE_ID" in one}
        except (InsightlyError, TypeError, ValueError):
            pass  # what is known is deleted anyway
        for note in sorted(notes):
            self._delete(NOTES, note)
        self._delete(CONTACTS, self.contact)
        self.contact = self.note = 0

    def path(self, *rest: str) -> str:
        """Write the path of the contact, or of something below it."""
        return find_object("contact", standard_objects()).path_of(self.contact, *rest)

    def read(self, path: str | None = None) -> ProbeResponse | None:
        """Read the contact as it is now, or something else."""
        return self.client.send(Request("GET", path or self.path(), is_json=False))

    def now(self, path: str | None = None) -> Record:
        """Read the current fields of the contact, or of another record; none if it is gone."""
        response = self.read(path)
        return response.rows[0] if response is not None and response.rows else {}

    def put(self, values: Record, if_match: str | None = None) -> ProbeResponse | None:
        """Change the contact."""
        body = {"CONTACT_ID": self.contact, **values}
        return self.client.send(Request.with_json("PUT", CONTACTS, body, if_match=if_match))

    def post(self, name: str, values: Record) -> ProbeResponse | None:
        """Add something to the contact."""
        return self._post(self.path(name), values)

    def moved(
        self, what: str, do: Callable[[], ProbeResponse | None], path: str | None = None
    ) -> Verdict:
        """Tell whether doing something moves the date of update of the contact, or of `path`."""
        before = str(self.now(path).get(UPDATED) or "")
        if not before:
            return unseen(f"The record has no {UPDATED}.")
        self._wait_for_another_second(before)
        response = do()
        if response is None or not response.is_done:
            status = response.status if response is not None else "nothing"
            return unseen(f"{what} was answered {status}.")
        after = str(self.now(path).get(UPDATED) or "")
        text = f"{what} was answered {response.status}, and {UPDATED}"
        return holds(f"{text} has moved.") if after > before else fails(f"{text} has not moved.")

    def remove(self) -> ProbeResponse | None:
        """Delete the contact and its note before the end, and return the answer."""
        if self.note:
            self._delete(NOTES, self.note)
            self.note = 0
        response = self.client.send(Request("DELETE", self.path()))
        if response is not None and response.is_done:
            self.contact = 0
        return response

    def _post(self, path: str, values: Record) -> ProbeResponse | None:
        return self.client.send(Request.with_json("POST", path, values))

    def _wait_for_another_second(self, date: str) -> None:
        """Wait until a change would get another date than this one."""
        now = self.client.session.now()
        if now is None:
            return
        rest = (parse_moment(date) + _A_SECOND - now).total_seconds()
        if 0 < rest <= _A_SECOND.total_seconds():
            self.client.session.sleep(rest)

    def _find_lost(self) -> None:
        """Look for the contact if it is not known whether it was created."""
        name = self.values["LAST_NAME"]
        doubt = f"Nobody knows whether a contact '{name}' was made. Look for it, and delete it."
        self.left.append(doubt)
        query = {"field_name": "LAST_NAME", "field_value": name}
        try:
            rows = self.client.session.get(f"{CONTACTS}/Search", query).records
        except InsightlyError:
            return
        for one in rows:
            if isinstance(one, dict) and isinstance(one.get("CONTACT_ID"), int):
                self.contact = one["CONTACT_ID"]
                self.left.remove(doubt)
                return

    def _delete(self, path: str, number: int) -> None:
        what = self._mark(path, number)
        try:
            self.client.session.send(Request("DELETE", f"{path}/{number}"))
        except NotAvailableError as error:
            if not error.is_missing:
                return
        except InsightlyError:
            return
        self.left.remove(what)

    def _mark(self, path: str, number: int) -> str:
        """Say that something is left until it is gone: Ctrl-C may come at any time."""
        what = f"{path}/{number} could not be deleted. Delete it by hand."
        if what not in self.left:
            self.left.append(what)
        return what
