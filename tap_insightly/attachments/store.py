"""Where the contents are: a folder, or any other place that fsspec knows.

    content/ab/abcd…        each content once, named by its SHA-256
    index/….jsonl           which file is where, and which are still wanted

A content counts once a line of the index names it, and that is written after it. So whatever a cut
leaves behind is either complete or written again.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tap_insightly.api.http.errors import InsightlyError, UsageError
from tap_insightly.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONTENT, INDEX = "content", "index"


class StoreError(InsightlyError):
    """The place for the contents cannot be read or written."""


class AddressError(UsageError):
    """There can be no such place, or none without another package."""


class ContentStore:
    """A place for contents. They can be added by several threads and several programs."""

    def __init__(self, address: str) -> None:
        """Open it; nothing is read yet.

        Args:
            address: A folder, or an address that fsspec knows, such as ``s3://bucket/files``.

        Raises:
            AddressError: If no program for such an address is there.
        """
        import fsspec  # noqa: PLC0415 - few commands need it

        self.name = _without_password(address)
        """The address, to be shown."""
        try:
            self._files, root = fsspec.url_to_fs(address)
        except ImportError as error:
            msg = f"{self.name}: such addresses take a package that is not installed. {error}."
            raise AddressError(msg) from None
        except (ValueError, OSError) as error:
            msg = f"{self.name} cannot be opened: {error}."
            raise AddressError(msg) from None
        self._root = root.rstrip("/")
        self._is_local = "file" in _protocols(self._files)
        self._read: list[str] = []

    def lines(self) -> Iterator[bytes]:
        """Read all lines of the index.

        Raises:
            StoreError: If it cannot be read.
        """
        with self._said("read"):
            folder = self._path(INDEX)
            found = self._files.ls(folder, detail=False) if self._files.exists(folder) else []
            self._read = sorted(str(path) for path in found if str(path).endswith(".jsonl"))
            for path in self._read:
                with self._files.open(path, "rb") as file:
                    yield from file

    def note(self, lines: Iterable[bytes]) -> None:
        """Add lines to the index, in a file of their own.

        Raises:
            StoreError: If they cannot be written.
        """
        moment = datetime.now(timezone.utc)
        name = f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.jsonl"
        self._write(f"{INDEX}/{name}", (line + b"\n" for line in lines))

    def compact(self, lines: Iterable[bytes]) -> None:
        """Replace all that `lines` has read, and what was noted since, by these lines in one file.

        What others have noted meanwhile stays.

        Raises:
            StoreError: If they cannot be written.
        """
        if len(self._read) <= 1:
            return  # there is one file, or none
        old, self._read = self._read, []
        self.note(lines)
        for path in old:
            with self._said("written"), suppress(FileNotFoundError):  # another program was faster
                self._files.rm(path)

    def add(self, content: IO[bytes], sha256: str) -> tuple[str, bool]:
        """Store a content, unless it is there.

        Args:
            content: The content, which is read from its beginning.
            sha256: Its checksum, in hexadecimal.

        Returns:
            Where it is, below the address, and whether it was not there before.

        Raises:
            StoreError: If it cannot be written.
        """
        path = f"{CONTENT}/{sha256[:2]}/{sha256}"
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        is_new = self._size(path) != size
        if is_new:
            self._write(path, iter(lambda: content.read(2**20), b""))
        return path, is_new

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path

    def _size(self, path: str) -> int | None:
        with self._said("read"), suppress(FileNotFoundError):
            return int(self._files.info(self._path(path))["size"])
        return None

    def _write(self, path: str, pieces: Iterable[bytes]) -> None:
        """Write a file: a local one under another name first, as nothing else makes it whole."""
        whole = self._path(path)
        with self._said("written"):
            self._files.makedirs(whole.rpartition("/")[0], exist_ok=True)
            if self._is_local:
                write_whole(Path(whole), pieces)
            else:
                with self._files.open(whole, "wb") as file:
                    file.writelines(pieces)
        if path.startswith(INDEX):
            self._read.append(whole)

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Say in a sentence what went wrong; each kind of address has errors of its own."""
        try:
            yield
        except Exception as error:
            text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            reason = text.strip().rstrip(".") or type(error).__name__
            msg = f"{self.name} cannot be {what}: {reason}."
            raise StoreError(msg) from error


def _protocols(files: Any) -> tuple[str, ...]:  # noqa: ANN401 - fsspec has no types
    protocol = files.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _without_password(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//", address)
