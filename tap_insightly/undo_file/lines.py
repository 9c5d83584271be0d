"""The format of the undo file: lines of JSON.

A file begins with the account that it is about, and so does the part that each run adds. Each other
line is about one write. A line that updates or deletes a record is written before the request is
sent, so the last one may never have happened. To create a record takes two lines: ``creating``
before the request, and ``created`` once it was answered. Numbers keep every digit.

    {"action":"account","url":"https://api.na1.insightly.com/v3.1","instance":"acme","time":...}
    {"action":"creating","object":"Contact","path":"/Contacts","values":{...},"since":...}
    {"action":"created","object":"Contact","id":12,"values":{...}}
    {"action":"updated","object":"Contact","id":12,"before":{"TITLE":null},"after":{"TITLE":"Dr"}}
    {"action":"moved","object":"Lead","id":7,"before":{"PIPELINE_ID":1,"STAGE_ID":2},"after":{...}}
    {"action":"linked","object":"Contact","id":12,"link":{"LINK_OBJECT_NAME":"Lead",...}}
    {"action":"deleted","object":"Contact","id":12,"before":{...}}

Each of them also has a time and the name of the stream.
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
    """The time by this machine's clock, as lines have it: RFC 3339, UTC, to the second."""
    return utc_text(datetime.now(timezone.utc).replace(microsecond=0))


class AccountLine(msgspec.Struct, frozen=True, kw_only=True, tag_field="action", tag="account"):
    """Which account the lines after this one are about."""

    url: str
    """The base URL of its API."""

    instance: str | None = None
    """INSTANCE_SUBDOMAIN, as many accounts share a URL; None if this user may not see it."""

    time: str = msgspec.field(default_factory=now_text)


class _WriteLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of all writes have."""

    object_name: str = msgspec.field(name="object")
    stream: str = ""
    time: str = msgspec.field(default_factory=now_text)


class CreatingLine(_WriteLine, frozen=True, kw_only=True, tag_field="action", tag="creating"):
    """A record is about to be created; without a `CreatedLine`, nobody knows whether it was."""

    path: str
    """Where the request goes, such as ``/Contacts``."""

    values: dict[str, Any]
    """The body."""

    since: str
    """When it is sent, by the server's clock, RFC 3339."""

    def __post_init__(self) -> None:
        """Refuse what is no time."""
        parse_moment(self.since)


class CreatedLine(_WriteLine, frozen=True, kw_only=True, tag_field="action", tag="created"):
    """A record was created."""

    record_id: int = msgspec.field(name="id")

    values: dict[str, Any]
    """The body that was sent: that of the `CreatingLine` before, if there is one."""


class UpdatedLine(_WriteLine, frozen=True, kw_only=True, tag_field="action", tag="updated"):
    """Fields of a record are about to be changed."""

    record_id: int = msgspec.field(name="id")

    before: dict[str, Any]
    """These fields as they were read; custom ones in CUSTOMFIELDS, as a record has them."""

    after: dict[str, Any]
    """The same fields as they are sent."""


class MovedLine(_WriteLine, frozen=True, kw_only=True, tag_field="action", tag="moved"):
    """A record is about to be moved to another stage."""

    record_id: int = msgspec.field(name="id")

    before: dict[str, int | None]
    """PIPELINE_ID and STAGE_ID as they were read."""

    after: dict[str, int | None]
    """The same as they will be."""


class LinkedLine(_WriteLine, frozen=True, kw_only=True, tag_field="action", tag="linked"):
    """A record is about to be linked to another, to which it is not linked."""

    record_id: int = msgspec.field(name="id")

    link: dict[str, Any]
    """The body: LINK_OBJECT_NAME, LINK_OBJECT_ID, and what else it says."""


class DeletedLine(_WriteLine, frozen=True, kw_only=True, tag_field="action", tag="deleted"):
    """A record is about to be deleted."""

    record_id: int = msgspec.field(name="id")

    before: dict[str, Any]
    """The whole record as it was read."""


WriteLine: TypeAlias = (
    CreatingLine | CreatedLine | UpdatedLine | MovedLine | LinkedLine | DeletedLine
)
"""A line about a write."""

Line: TypeAlias = AccountLine | WriteLine

decode_line = msgspec.json.Decoder(Line, float_hook=Decimal).decode


def read_account(client: InsightlyClient) -> AccountLine:
    """Ask which account this is."""
    try:
        data = client.session.get("/Instance").data
    except NotAvailableError:  # this user may not see it
        data = None
    instance = data.get("INSTANCE_SUBDOMAIN") if isinstance(data, dict) else None
    return AccountLine(url=client.session.base_url, instance=str(instance) if instance else None)


def is_same_account(one: AccountLine, other: AccountLine) -> bool:
    """Whether two accounts are the same, as far as both say who they are."""
    if one.url.rstrip("/").lower() != other.url.rstrip("/").lower():
        return False
    return None in {one.instance, other.instance} or one.instance == other.instance
