"""One contact that a probe makes, changes and deletes, whatever happens meanwhile."""

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

    from tap_insightly.probe.asking import Asker, Heard

    Record = dict[str, Any]

CONTACTS, NOTES = "/Contacts", "/Notes"
_A_SECOND = timedelta(seconds=1.05)  # dates have no fractions, and a clock may be a bit behind


class Trial(Closeable):
    """A contact of a probe's own. Use it as a context manager: it is deleted at the end."""

    def __init__(self, asker: Asker, values: Record) -> None:
        """Get ready; nothing is made yet.

        Args:
            asker: Asks the account.
            values: What to make the contact of, besides its last name.
        """
        self.asker = asker
        self.values = {**values, "LAST_NAME": f"tap-insightly probe {secrets.token_hex(6)}"}
        """What the contact is made of."""
        self.contact = 0
        """Its id; 0 while there is none."""
        self.note = 0
        """The id of the note on it; 0 while there is none."""
        self.made: Heard | None = None
        """The answer to making it."""
        self.left: list[str] = []
        """What could not be deleted, a sentence each, with the id."""

    def __enter__(self) -> Self:
        """Make the contact.

        Returns:
            Itself.

        Raises:
            InsightlyError: If it cannot be made.
        """
        try:
            self.made = self._post(CONTACTS, self.values)
        except (UnknownOutcomeError, KeyboardInterrupt, SystemExit):  # it may have been made
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
            answer = self.asker.session.get(f"{CONTACTS}/{self.contact}/Notes")
            notes |= {int(one["NOTE_ID"]) for one in answer.records if one and "NOTE_ID" in one}
        except (InsightlyError, TypeError, ValueError):
            pass  # what is known is deleted all the same
        for note in sorted(notes):
            self._delete(NOTES, note)
        self._delete(CONTACTS, self.contact)
        self.contact = self.note = 0

    def path(self, *rest: str) -> str:
        """Write the path of the contact, or of something below it.

        Args:
            *rest: The other parts.

        Returns:
            Text such as ``/Contacts/12/Tags``.
        """
        return find_object("contact", standard_objects()).path_of(self.contact, *rest)

    def read(self, path: str | None = None) -> Heard | None:
        """Read the contact as it is now, or something else.

        Args:
            path: What to read; None for the contact.

        Returns:
            The answer; None if there is none.
        """
        return self.asker.send(Request("GET", path or self.path(), is_json=False))

    def now(self, path: str | None = None) -> Record:
        """Read the fields of the contact as they are now, or those of another record.

        Args:
            path: The path of the other record; None for the contact.

        Returns:
            The fields; none if it is not answered.
        """
        heard = self.read(path)
        return heard.rows[0] if heard is not None and heard.rows else {}

    def put(self, values: Record, if_match: str | None = None) -> Heard | None:
        """Change the contact.

        Args:
            values: The new values.
            if_match: The version that it must have still; None if any will do.

        Returns:
            The answer; None if there is none.
        """
        body = {"CONTACT_ID": self.contact, **values}
        return self.asker.send(Request.with_json("PUT", CONTACTS, body, if_match=if_match))

    def post(self, name: str, values: Record) -> Heard | None:
        """Add something to the contact.

        Args:
            name: What, text such as ``Tags``.
            values: What it is made of.

        Returns:
            The answer; None if there is none.
        """
        return self._post(self.path(name), values)

    def moved(self, what: str, do: Callable[[], Heard | None], path: str | None = None) -> Verdict:
        """Tell whether the date of the contact's last update moves when something is done.

        Args:
            what: What is done, text to begin a sentence with.
            do: Does it.
            path: The path of another record whose date is meant; None for the contact.

        Returns:
            The verdict.
        """
        before = str(self.now(path).get(UPDATED) or "")
        if not before:
            return unseen(f"The record has no {UPDATED}.")
        self._let_a_second_pass(before)
        heard = do()
        if heard is None or not heard.is_done:
            status = heard.status if heard is not None else "nothing"
            return unseen(f"{what} was answered {status}.")
        after = str(self.now(path).get(UPDATED) or "")
        said = f"{what} was answered {heard.status}, and {UPDATED}"
        return holds(f"{said} has moved.") if after > before else fails(f"{said} has not moved.")

    def remove(self) -> Heard | None:
        """Delete the contact, which ends the trial; its note first.

        Returns:
            The answer to its deletion; None if there is none.
        """
        if self.note:
            self._delete(NOTES, self.note)
            self.note = 0
        heard = self.asker.send(Request("DELETE", self.path()))
        if heard is not None and heard.is_done:
            self.contact = 0
        return heard

    def _post(self, path: str, values: Record) -> Heard | None:
        return self.asker.send(Request.with_json("POST", path, values))

    def _let_a_second_pass(self, date: str) -> None:
        """Wait until a change would have another date than a record has."""
        now = self.asker.session.now()
        if now is None:
            return
        rest = (parse_moment(date) + _A_SECOND - now).total_seconds()
        if 0 < rest <= _A_SECOND.total_seconds():
            self.asker.session.sleep(rest)

    def _find_lost(self) -> None:
        """Look for the contact if it is not known whether it was made."""
        name = self.values["LAST_NAME"]
        doubt = f"Nobody knows whether a contact '{name}' was made. Look for it, and delete it."
        self.left.append(doubt)
        query = {"field_name": "LAST_NAME", "field_value": name}
        try:
            rows = self.asker.session.get(f"{CONTACTS}/Search", query).records
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
            self.asker.session.send(Request("DELETE", f"{path}/{number}"))
        except NotAvailableError as error:
            if not error.is_missing:
                return
        except InsightlyError:
            return
        self.left.remove(what)

    def _mark(self, path: str, number: int) -> str:
        """Say that something is left, until it is known to be gone: Ctrl-C may come any time."""
        what = f"{path}/{number} could not be deleted. Delete it by hand."
        if what not in self.left:
            self.left.append(what)
        return what
