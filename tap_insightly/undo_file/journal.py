"""Files of JSON lines that outlive their process: lines are added at the end, and read by place."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec
from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import encode
from tap_insightly.api.http.errors import InsightlyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind = TypeVar("Kind")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLOCK_SIZE = 65536


class JournalError(InsightlyError):
    """A file cannot be read or written, or one of its lines makes no sense."""


class LinePosition(NamedTuple):
    """Where a line is in its file."""

    number: int
    """From 1."""

    offset: int
    """Where it begins, in bytes."""

    size: int
    """In bytes, without its end."""

    digest: str
    """A hash of its content."""


class JournalWriter(Closeable):
    """Adds lines to a file, for any number of threads; each is on disk before `add` returns."""

    def __init__(self, path: str | Path) -> None:
        """Open or create the file, and take away a last line that was cut off."""
        self._path = path
        self._lock = threading.Lock()
        try:
            self._file = Path(path).open("a+b")  # noqa: SIM115 - closed with this
            self._repair_last_line()
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror or error}."
            raise JournalError(msg) from None

    def add(self, line: msgspec.Struct) -> None:
        """Add a line."""
        try:
            with self._lock:
                self._file.write(encode(line) + b"\n")
                self._file.flush()
                os.fsync(self._file.fileno())
        except OSError as error:
            msg = f"{self._path} cannot be written: {error.strerror or error}."
            raise JournalError(msg) from None

    @override
    def close(self) -> None:
        self._file.close()

    def _repair_last_line(self) -> None:
        """Remove a last line that was cut off, or end one that lacks nothing but its end."""
        end = self._file.seek(0, os.SEEK_END)
        start, tail = end, b""
        while start and b"\n" not in tail:
            start = max(0, start - _BLOCK_SIZE)
            self._file.seek(start)
            tail = self._file.read(min(_BLOCK_SIZE, end - start - len(tail))) + tail
        last = tail[tail.rfind(b"\n") + 1 :]
        if not last:
            return
        if _is_json(last):
            self._file.write(b"\n")
        else:
            self._file.truncate(end - len(last))


class JournalReader(Generic[Kind]):
    """Reads such a file."""

    def __init__(self, path: str | Path, decode: Callable[[bytes], Kind]) -> None:
        """Take a file; nothing is read yet."""
        self._path = path
        self._decode = decode
        self.was_cut_off = False
        """Whether the last line was cut off, once all were read; such a line is left out."""

    def __iter__(self) -> Iterator[tuple[LinePosition, Kind]]:
        """Go through all lines."""
        try:
            with Path(self._path).open("rb") as file:
                offset = 0
                for number, raw in enumerate(file, 1):
                    line = raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw
                    start, offset = offset + len(raw) - len(line), offset + len(raw)
                    line = line.rstrip(b"\r\n")
                    if not line.strip():
                        continue
                    if not raw.endswith(b"\n") and not _is_json(line):
                        self.was_cut_off = True
                        return
                    digest = hashlib.sha256(line).hexdigest()[:16]
                    position = LinePosition(number, start, len(line), digest)
                    yield position, self._parse(number, line)
        except OSError as error:
            msg = f"{self._path} cannot be read: {error.strerror or error}."
            raise JournalError(msg) from None

    def read_line(self, position: LinePosition) -> Kind:
        """Read one line again."""
        try:
            with Path(self._path).open("rb") as file:
                file.seek(position.offset)
                line = file.read(position.size)
        except OSError as error:
            msg = f"{self._path} cannot be read: {error.strerror or error}."
            raise JournalError(msg) from None
        return self._parse(position.number, line)

    def _parse(self, number: int, line: bytes) -> Kind:
        try:
            return self._decode(line)
        except UnicodeDecodeError:
            problem = "it is no text in UTF-8"
        except (msgspec.DecodeError, ArithmeticError) as error:
            problem = str(error).rstrip(".")
        msg = f"{self._path}, line {number}: it is not a line of such a file: {problem}."
        raise JournalError(msg)


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=Any)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError):
        return False
    return True
