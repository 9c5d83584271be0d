"""What writes have replaced, as lines of JSON: the one place where their format is said.

A file begins with the account that it is about, and so does the part that each run adds to it.
Each other line is about one write. The lines of what changes or deletes a record are written
before it is sent, so that the last of them may never have happened; so is the intention to create
one, and another line says that it was done. Numbers keep every digit.

    {"action":"account","url":"https://api.na1.insightly.com/v3.1","instance":"acme","time":...}
    {"action":"creating","object":"Contact","path":"/Contacts","values":{...},"since":...}
    {"action":"created","object":"Contact","id":12,"values":{...}}
    {"action":"updated","object":"Contact","id":12,"before":{"TITLE":null},"after":{"TITLE":"Dr"}}
    {"action":"moved","object":"Lead","id":7,"before":{"PIPELINE_ID":1,"STAGE_ID":2},"after":{...}}
    {"action":"deleted","object":"Contact","id":12,"before":{...}}

Besides, each of them has a time and the name of the stream.
"""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tap_insightly.api.http.errors import NotAvailableError
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


def now_text() -> str:
    """Say what time it is.

    Returns:
        RFC 3339, UTC, to the second.
    """
    return utc_text(datetime.now(timezone.utc).replace(microsecond=0))


class Account(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="account"):
    """Which account the lines after this one are about."""

    url: str
    """The base URL of its API."""

    instance: str | None = None
    """What Insightly calls it (INSTANCE_SUBDOMAIN), as many share a URL; None if not told."""

    time: str = msgspec.field(default_factory=now_text)
    """When, RFC 3339."""


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """What all writes say of themselves."""

    object_name: str = msgspec.field(name="object")
    """The object, such as ``Contact``."""

    stream: str = ""
    """The stream whose record it was."""

    time: str = msgspec.field(default_factory=now_text)
    """When, RFC 3339."""


class Creating(Write, frozen=True, kw_only=True, tag_field="action", tag="creating"):
    """A record is about to be created; if no `Created` follows, it is not known whether it was."""

    path: str
    """Where the request goes, such as ``/Contacts``."""

    values: dict[str, Any]
    """Its body."""

    since: str
    """When, by the server's clock, RFC 3339."""

    def __post_init__(self) -> None:
        """Make sure that it is a moment."""
        parse_moment(self.since)


class Created(Write, frozen=True, kw_only=True, tag_field="action", tag="created"):
    """A record was created."""

    record_id: int = msgspec.field(name="id")
    """Its id."""

    values: dict[str, Any]
    """The body that was sent: that of the `Creating` before it, if there is one."""


class Updated(Write, frozen=True, kw_only=True, tag_field="action", tag="updated"):
    """Fields of a record are about to be changed."""

    record_id: int = msgspec.field(name="id")
    """Its id."""

    before: dict[str, Any]
    """These fields as they were read; custom ones in CUSTOMFIELDS, as a record has them."""

    after: dict[str, Any]
    """The same fields as they are sent."""


class Moved(Write, frozen=True, kw_only=True, tag_field="action", tag="moved"):
    """A record is about to be moved to another stage."""

    record_id: int = msgspec.field(name="id")
    """Its id."""

    before: dict[str, int | None]
    """PIPELINE_ID and STAGE_ID as they were read."""

    after: dict[str, int | None]
    """The same as they will be."""


class Deleted(Write, frozen=True, kw_only=True, tag_field="action", tag="deleted"):
    """A record is about to be deleted."""

    record_id: int = msgspec.field(name="id")
    """Its id."""

    before: dict[str, Any]
    """The whole record as it was read."""


AnyWrite: TypeAlias = Creating | Created | Updated | Moved | Deleted
"""A line about a write."""

AnyLine: TypeAlias = Account | AnyWrite
"""A line of the file."""

decode = msgspec.json.Decoder(AnyLine, float_hook=Decimal).decode
"""Reads one line."""


def account_of(client: InsightlyClient) -> Account:
    """Say which account a client is of, for the first line of a run.

    Args:
        client: The client.

    Returns:
        The line.

    Raises:
        InsightlyError: If the account does not answer.
    """
    try:
        told = client.session.get("/Instance").data
    except NotAvailableError:  # this user may not see it
        told = None
    instance = told.get("INSTANCE_SUBDOMAIN") if isinstance(told, dict) else None
    return Account(url=client.session.base_url, instance=str(instance) if instance else None)


def is_same_account(one: Account, other: Account) -> bool:
    """Compare two accounts.

    Args:
        one: One.
        other: The other.

    Returns:
        Whether they are the same, as far as they are told.
    """
    if one.url.rstrip("/").lower() != other.url.rstrip("/").lower():
        return False
    return None in {one.instance, other.instance} or one.instance == other.instance
