"""What is out of reach: by the account's plan, or because a test wants it so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.habits import at, by_path
from tap_insightly.sandbox.plans import LEFT_OUT
from tap_insightly.sandbox.replies import Refusal

if TYPE_CHECKING:
    from tap_insightly.sandbox.server import Sandbox
    from tap_insightly.sandbox.store import Record


def check(sandbox: Sandbox, path: str, method: str) -> None:
    """Let a request pass, or not.

    Args:
        sandbox: The account.
        path: The path of a list, such as ``/Notes``, or one below records, such as
            ``/Notes/{id}/Comments``.
        method: The method of the request.

    Raises:
        Refusal: If it does not pass.
    """
    faults = sandbox.faults
    refused = ((403, faults.forbidden), (404, faults.missing), (405, faults.not_allowed))
    for code, paths in refused:
        if path in paths:
            raise Refusal(code, f"{path} cannot be reached.")
    if status := LEFT_OUT[sandbox.plan].get(path):
        raise Refusal(status, "User doesn't have access.")
    if method != "GET" and path in faults.read_only:
        raise Refusal(403, f"{path} can only be read.")


def find(sandbox: Sandbox, path: str, key: int | None) -> Record:
    """Look a record up.

    Args:
        sandbox: The account.
        path: The path of its list.
        key: Its id; None if what was asked for is none.

    Returns:
        The record itself.

    Raises:
        Refusal: If there is none, or it is hidden.
    """
    record = None if key is None else sandbox.tables[path].find(key)
    if record is None:
        raise Refusal(404, "There is no such record.")
    if key in at(sandbox.faults.hidden, path, ()):
        raise Refusal(sandbox.faults.hidden_status, "This record cannot be seen.")
    return record


def check_deletable(sandbox: Sandbox, path: str) -> None:
    """Let something be deleted, or not.

    Args:
        sandbox: The account.
        path: As `check` has it.

    Raises:
        Refusal: If it cannot be deleted.
    """
    if path in sandbox.faults.undeletable:
        raise Refusal(417, f"{path} cannot be deleted.")


def check_room(sandbox: Sandbox, path: str) -> None:
    """Let another record be made, or not.

    Args:
        sandbox: The account.
        path: The path of the list that it goes into.

    Raises:
        Refusal: If there are as many as there can be.
    """
    limit = at(by_path(sandbox.faults.record_limit), path, None)
    if limit is not None and sandbox.count(path) >= limit:
        raise Refusal(402, f"There is no room for more than {limit} records in {path}.")
