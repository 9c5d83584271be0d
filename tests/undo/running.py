"""What the tests of undoing share: the command, and what they look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cli.running import Result, run

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE")
LISTS = tuple("/Contacts /Organisations /Opportunities /Projects /Milestones /Notes /Tasks".split())
ADA = {"FIRST_NAME": "Ada", "LAST_NAME": "Lovelace"}


def undo(sandbox: Sandbox, path: Path, *args: str) -> Result:
    return run(sandbox, "undo", path, "--yes", *args)


def found(sandbox: Sandbox, key: int, path: str = "/Contacts") -> dict[str, Any] | None:
    row = sandbox.tables[path].find(key)
    return None if row is None else dict(row)


def with_links(sandbox: Sandbox) -> int:
    """A contact that has all that a contact can have."""
    for row in sandbox.records("/Contacts"):
        if row["LINKS"] and row["TAGS"] and row["ORGANISATION_ID"] and row["DATES"]:
            return int(row["CONTACT_ID"])
    raise AssertionError
