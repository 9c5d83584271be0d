"""What is known of each file: the index, which comes out the same in whatever order it is read."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_OLDEST = ""  # of a file whose date is not told


class Status(str, Enum):
    """How far a file is; of two entries about the same version of a file, the later one counts."""

    WANTED = "wanted"
    FAILED = "failed"
    """Insightly refused it or failed; the next run tries again."""
    GONE = "gone"
    """Insightly has no such file any more; it is not asked for again."""
    STORED = "stored"


_RANKS = {status: rank for rank, status in enumerate(Status)}


class Attachment(msgspec.Struct, frozen=True, rename="upper"):
    """What Insightly says of a file; the names are those of the stream `file_attachments`."""

    file_id: int
    file_name: str | None = None
    content_type: str | None = None
    file_size: int | None = None
    """Its size, presumably in bytes."""
    date_updated_utc: str = _OLDEST
    """When it was last changed, RFC 3339; empty if that is not told."""


class Entry(msgspec.Struct, frozen=True, rename="upper"):
    """A line of the index."""

    file_id: int
    status: Status
    date_updated_utc: str = _OLDEST
    file_name: str | None = None
    content_type: str | None = None
    file_size: int | None = None
    """Its size, as Insightly tells it."""
    sha256: str | None = None
    stored_size: int | None = None
    """Its size in bytes, as it was stored."""
    path: str | None = None
    """Where its content is, below the address of all of them."""
    note: str | None = None
    """Why it failed."""

    @property
    def rank(self) -> tuple[str, int, bytes]:
        """What decides between two entries of a file, whichever was read first."""
        return (self.date_updated_utc, _RANKS[self.status], encode(self))

    @property
    def attachment(self) -> Attachment:
        """What Insightly says of the file."""
        return Attachment(
            self.file_id,
            self.file_name,
            self.content_type,
            self.file_size,
            self.date_updated_utc,
        )

    @classmethod
    def of(cls, attachment: Attachment, status: Status, **more: Any) -> Entry:  # noqa: ANN401 - the other fields
        """Make the entry of a file."""
        return cls(
            file_id=attachment.file_id,
            status=status,
            date_updated_utc=attachment.date_updated_utc,
            file_name=attachment.file_name,
            content_type=attachment.content_type,
            file_size=attachment.file_size,
            **more,
        )


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


class Index:
    """The newest entry of each file."""

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        """Read lines, which may be of several runs, in any order, and some of them twice."""
        self.entries: dict[int, Entry] = {}
        self.unreadable = 0
        """How many lines were none: the last one of a file that was cut off, for instance."""
        for line in lines:
            if line.strip():
                try:
                    self.add(_decode(line))
                except msgspec.MsgspecError:
                    self.unreadable += 1

    def add(self, entry: Entry) -> bool:
        """Take an entry in; tell whether it is newer than what was known."""
        known = self.entries.get(entry.file_id)
        is_newer = known is None or entry.rank > known.rank
        if is_newer:
            self.entries[entry.file_id] = entry
        return is_newer

    def pending(self) -> Iterator[Attachment]:
        """List the files that are still to be fetched, those with the lowest ids first."""
        for file_id in sorted(self.entries):
            entry = self.entries[file_id]
            if entry.status in {Status.WANTED, Status.FAILED}:
                yield entry.attachment

    def lines(self) -> Iterator[bytes]:
        """Write all entries, a line each."""
        for file_id in sorted(self.entries):
            yield encode(self.entries[file_id])


def attachment_of(row: Mapping[str, Any]) -> Attachment | None:
    """Read a row of the stream `file_attachments`, as the API, a target or a file has it.

    Args:
        row: Values by the names of columns, in any case.

    Returns:
        The file; None if the row names none.
    """
    values = {str(name).upper(): value for name, value in row.items()}
    file_id = _whole(values.get("FILE_ID"))
    if file_id is None:
        return None
    return Attachment(
        file_id,
        _text(values.get("FILE_NAME")),
        _text(values.get("CONTENT_TYPE")),
        _whole(values.get("FILE_SIZE")),
        _date(values.get("DATE_UPDATED_UTC")),
    )


def _whole(value: object) -> int | None:
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if number >= 0 and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _date(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return utc_text(datetime(value.year, value.month, value.day))  # noqa: DTZ001 - UTC
    try:
        return utc_text(parse_moment(str(value)))
    except ValueError:
        return _OLDEST
