"""What a new record is given for a field that it has to have, if that was not sent.

The document of writing calls fields required that an API can fill by itself: a flag, a number, the
account's usual source of leads. That it does is assumed; names, and what a record belongs to, it
cannot make up. A client must neither insist on the former nor leave out the latter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.handlers.operations import Field

_STATUSES: Mapping[str, str] = {"STATUS": "NOT STARTED", "TICKET_STATUS": "OPEN"}
_CHOSEN: Mapping[str, str] = {
    "/LeadSources": "DEFAULT_VALUE",
    "/LeadStatuses": "DEFAULT_STATUS",
}
"""The lists of which an account has chosen one for new records, with the field that tells which."""


def default_of(account: Account, faults: Faults, field: Field) -> Any:  # noqa: ANN401 - any JSON value
    """Find out what a field has where nothing was sent."""
    if faults.requires_all:
        return None
    if field.name == "OWNER_USER_ID":
        return account.user_id
    if field.joins is not None or field.name.endswith("_ID"):
        return _chosen(account, field.joins or "")
    if "boolean" in field.types:
        return False
    if field.types & {"number", "integer"}:
        return 0
    return _STATUSES.get(field.name)


def _chosen(account: Account, path: str) -> int | None:
    name = _CHOSEN.get(path)
    if name is None:
        return None
    table = account.tables[path]
    chosen = [row for row in table.rows if row[name]] or table.rows
    return chosen[0][table.keys[0]] if chosen else None
