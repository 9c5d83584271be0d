"""Files of JSON lines that outlive their process: added to line by line, read by number."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import encode
from tap_insightly.api.http.errors import InsightlyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind = TypeVar("Kind")
_MARK = b"\xef\xbb\xbf"
_BLOCK = 65536


class JournalError(InsightlyError):
    """A file cannot be read, or says something that it cannot."""


class Place(NamedTuple):
    """Where a line is, and what tells it from others."""

    number: int
    """Its number, from 1."""

    offset: int
    """Where it begins, in bytes."""

    size: int
    """How many bytes it has, without its end."""

    digest: str
    """What tells its content from any other."""


class Journal(Closeable):
    """Adds lines to a file, for any number of threads; each is on disk before it returns."""

    def __init__(self, path: str | Path) -> None:
        """Open a file, or make it. A last line that was cut off is taken away.

        Args:
            path: Its path.

        Raises:
            JournalError: If it cannot be written.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            self._file = Path(path).open("a+b")  # noqa: SIM115 - closed with this
            self._drop_what_was_cut_off()
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror or error}."
            raise JournalError(msg) from None

    def add(self, line: msgspec.Struct) -> None:
        """Add a line.

        Args:
            line: What it says.

        Raises:
            JournalError: If it cannot be written.
        """
        try:
            with self._lock:
                self._file.write(encode(line) + b"\n")
                self._file.flush()
                os.fsync(self._file.fileno())
        except OSError as error:
            msg = f"{self._path} cannot be written: {error.strerror or error}."
            raise JournalError(msg) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _drop_what_was_cut_off(self) -> None:
        """Go to behind the last whole line; one that lacks nothing but its end is whole."""
        end = self._file.seek(0, os.SEEK_END)
        at, rest = end, b""
        while at and b"\n" not in rest:
            at = max(0, at - _BLOCK)
            self._file.seek(at)
            rest = self._file.read(min(_BLOCK, end - at - len(rest))) + rest
        last = rest[rest.rfind(b"\n") + 1 :]
        if not last:
            return
        if is_json(last):
            self._file.write(b"\n")
        else:
            self._file.truncate(end - len(last))


class Lines(Generic[Kind]):
    """Reads such a file."""

    def __init__(self, path: str | Path, decode: Callable[[bytes], Kind]) -> None:
        """Take a file; nothing is read yet.

        Args:
            path: Its path.
            decode: Makes something of a line, as a msgspec decoder does.
        """
        self._path = path
        self._decode = decode
        self.was_cut_off = False
        """Whether the last line was, once all were read; it is left out."""

    def __iter__(self) -> Iterator[tuple[Place, Kind]]:
        """Go through all lines.

        Yields:
            Where each is, and what it says.

        Raises:
            JournalError: If the file cannot be read, or a line is none.
        """
        try:
            with Path(self._path).open("rb") as file:
                offset = 0
                for number, raw in enumerate(file, 1):
                    line = raw.removeprefix(_MARK) if number == 1 else raw
                    start, offset = offset + len(raw) - len(line), offset + len(raw)
                    line = line.rstrip(b"\r\n")
                    if not line.strip():
                        continue
                    if not raw.endswith(b"\n") and not is_json(line):
                        self.was_cut_off = True
                        return
                    digest = hashlib.sha256(line).hexdigest()[:16]
                    yield Place(number, start, len(line), digest), self._parsed(number, line)
        except OSError as error:
            msg = f"{self._path} cannot be read: {error.strerror or error}."
            raise JournalError(msg) from None

    def at(self, place: Place) -> Kind:
        """Read one line again.

        Args:
            place: Where it is.

        Returns:
            What it says.

        Raises:
            JournalError: If the file cannot be read, or was changed meanwhile.
        """
        try:
            with Path(self._path).open("rb") as file:
                file.seek(place.offset)
                line = file.read(place.size)
        except OSError as error:
            msg = f"{self._path} cannot be read: {error.strerror or error}."
            raise JournalError(msg) from None
        return self._parsed(place.number, line)

    def _parsed(self, number: int, line: bytes) -> Kind:
        try:
            return self._decode(line)
        except UnicodeDecodeError:
            problem = "it is no text in UTF-8"
        except (msgspec.DecodeError, ArithmeticError) as error:
            problem = str(error).rstrip(".")
        msg = f"{self._path}, line {number}: it is not a line of such a file: {problem}."
        raise JournalError(msg)


def is_json(line: bytes) -> bool:
    """Tell whether a line is whole.

    Args:
        line: The line.

    Returns:
        Whether it is JSON.
    """
    try:
        msgspec.json.decode(line, type=Any)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError):
        return False
    return True
