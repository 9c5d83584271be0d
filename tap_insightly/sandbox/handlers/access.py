"""What is out of reach: by the account's plan, or because a test wants it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.habits import at, by_path
from tap_insightly.sandbox.account.plans import LEFT_OUT
from tap_insightly.sandbox.handlers.replies import Refusal

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.account.records import Record


class Access:
    """What one request may reach.

    Paths are those of lists, such as ``/Notes``, or of what is below records, such as
    ``/Notes/{id}/Comments``.
    """

    def __init__(self, account: Account, faults: Faults) -> None:
        """Go by what goes wrong with this request."""
        self._account, self._faults = account, faults

    def check(self, path: str, method: str) -> None:
        """Refuse what is not to be reached."""
        faults = self._faults
        refused = ((403, faults.forbidden), (404, faults.missing), (405, faults.not_allowed))
        for code, paths in refused:
            if path in paths:
                raise Refusal(code, f"{path} cannot be reached.")
        if status := LEFT_OUT[self._account.plan].get(path):
            raise Refusal(status, "User doesn't have access.")
        if method != "GET" and path in faults.read_only:
            raise Refusal(403, f"{path} can only be read.")

    def find(self, path: str, key: int | None) -> Record:
        """Look a record up, or refuse; None is the key of what was asked for by no id."""
        record = None if key is None else self._account.tables[path].find(key)
        if record is None:
            raise Refusal(404, "There is no such record.")
        if key in at(self._faults.hidden, path, ()):
            raise Refusal(self._faults.hidden_status, "This record cannot be seen.")
        return record

    def check_deletable(self, path: str) -> None:
        """Refuse to delete what must stay."""
        if path in self._faults.undeletable:
            raise Refusal(417, f"{path} cannot be deleted.")

    def check_room(self, path: str) -> None:
        """Refuse another record where there are as many as there can be."""
        limit = at(by_path(self._faults.record_limit), path, None)
        if limit is not None and self._account.count(path) >= limit:
            raise Refusal(402, f"There is no room for more than {limit} records in {path}.")
