"""Fetching contents: many at a time, at the session's pace, within a share of the day's quota."""

from __future__ import annotations

import hashlib
import os
import queue
import time
from collections import deque
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

from tap_insightly.api import (
    InsightlyError,
    NotAvailableError,
    RefusedError,
    Request,
    RetriesExhaustedError,
)
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.thread_pool import DaemonThreadPool
from tap_insightly.attachments.entries import Entry, Status, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from tap_insightly.api import InsightlySession
    from tap_insightly.attachments.entries import Attachment, Index
    from tap_insightly.attachments.store import ContentStore

LEAST_QUOTA = 1000
"""The smallest quota that an account has (docs): what a share is of, if none is told."""

FAILURES_IN_A_ROW = 5
"""After so many failures one after the other it is not the file that is wrong."""

_ENTRIES_AT_ONCE = 100  # that a cut can make us fetch again
_SECONDS_BETWEEN_NOTES = 10.0
_IN_MEMORY = 2**20  # bytes of a content that need no file
_PIECE = 2**20
_ANY = {"Accept": "*/*"}
_PAGES = frozenset({"text/html", "application/json"})
"""What comes from whatever is on the way to Insightly, in place of a file."""


@dataclass(frozen=True)
class _Fetched:
    """What came of one file."""

    sha256: str = ""
    size: int = 0
    path: str = ""
    is_new: bool = False
    """Whether its content was not there before."""
    problem: str | None = None
    """Why it was not stored: a sentence."""


@dataclass(frozen=True)
class FetchResult:
    """What a run has done."""

    stored: int = 0
    """Files that were fetched."""
    contents: int = 0
    """How many of their contents were not there before."""
    stored_bytes: int = 0
    """Their size in bytes, as fetched."""
    other_size: int = 0
    """Files that were stored with another size than Insightly tells."""
    gone: int = 0
    """Files that Insightly has no more."""
    failed: int = 0
    """Files that are tried again the next time."""
    left: int = 0
    """Files that were not asked for, as the share of the quota was used."""
    requests: int = 0
    """What it has cost."""


class Fetcher(Closeable):
    """Fetches what an index says is wanted. Use it as a context manager, or close it."""

    def __init__(
        self,
        session: InsightlySession,
        store: ContentStore,
        index: Index,
        *,
        quota_share: float,
        warn: Callable[[str], None],
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            session: The account.
            store: Where contents go.
            index: What is known of the files, and is brought up to date.
            quota_share: The most of the day's requests that this run uses, from 0 to 1.
            warn: Told in a sentence of each file that fails.
        """
        self._session, self._store, self._index = session, store, index
        self._share, self._warn = quota_share, warn
        self._pool = DaemonThreadPool(session.max_concurrency, "files")
        self._done: queue.SimpleQueue[tuple[Attachment, Future[_Fetched]]]
        self._done = queue.SimpleQueue()
        self._unwritten: list[Entry] = []
        self._due = time.monotonic() + _SECONDS_BETWEEN_NOTES
        self._in_a_row = 0
        self._used_before = session.stats.requests
        self._result = FetchResult()

    def want(self, attachments: Iterable[Attachment]) -> int:
        """Note which files there are, before any is fetched, so that a cut forgets none.

        Args:
            attachments: Files; those that are known already, with the same date, count for nothing.

        Returns:
            How many are new, or have changed.

        Raises:
            StoreError: If that cannot be written.
        """
        entries = [Entry.of(one, Status.WANTED) for one in attachments]
        wanted = [entry for entry in entries if self._index.add(entry)]
        self._unwritten += wanted
        self._note()
        return len(wanted)

    def run(self) -> FetchResult:
        """Fetch all that is wanted.

        Returns:
            What was done.

        Raises:
            InsightlyError: If the API ends the run, or the contents cannot be written. What was
                fetched before is kept, and the next run goes on from there.
        """
        waiting = deque(self._index.pending())
        under_way = 0
        try:
            while waiting or under_way:
                while waiting and self._may_ask(under_way):
                    self._start(waiting.popleft())
                    under_way += 1
                if not under_way:
                    break
                self._take_in(*self._done.get())
                under_way -= 1
                if len(self._unwritten) >= _ENTRIES_AT_ONCE or time.monotonic() >= self._due:
                    self._note()
        finally:
            self._note_the_rest()
        self._store.compact(self._index.lines())
        requests = self._session.stats.requests - self._used_before
        return replace(self._result, left=len(waiting), requests=requests)

    def close(self) -> None:
        """End the threads."""
        self._pool.close()

    def _may_ask(self, under_way: int) -> bool:
        """Tell whether another request is within the share, and has a thread to wait for it."""
        quota = self._session.quota.limit
        if quota is None and under_way:
            return False  # the first response tells
        allowed = int((quota or LEAST_QUOTA) * self._share)
        used = self._session.stats.requests - self._used_before
        # Those under way may not have been counted yet: better one too few.
        return used + under_way < allowed and under_way < self._session.max_concurrency

    def _start(self, attachment: Attachment) -> None:
        future = self._pool.submit(lambda: self._fetch(attachment))
        future.add_done_callback(lambda done: self._done.put((attachment, done)))

    def _take_in(self, attachment: Attachment, done: Future[_Fetched]) -> None:
        """Note how it went.

        Raises:
            InsightlyError: If the others cannot go better.
        """
        try:
            fetched = done.result()
        except NotAvailableError as error:
            if error.is_missing:
                self._count(Entry.of(attachment, Status.GONE), gone=1)
            else:
                self._fail(attachment, str(error))
            return
        except (RefusedError, RetriesExhaustedError) as error:
            self._in_a_row += 1
            self._fail(attachment, str(error))
            if self._in_a_row >= FAILURES_IN_A_ROW:
                raise
            return
        self._in_a_row = 0
        if fetched.problem is not None:
            self._fail(attachment, fetched.problem)
            return
        entry = Entry.of(
            attachment,
            Status.STORED,
            sha256=fetched.sha256,
            stored_size=fetched.size,
            path=fetched.path,
        )
        self._count(
            entry,
            stored=1,
            contents=int(fetched.is_new),
            stored_bytes=fetched.size,
            other_size=int(attachment.file_size not in {None, fetched.size}),
        )

    def _fail(self, attachment: Attachment, problem: str) -> None:
        self._warn(f"File {attachment.file_id} is not stored: {problem}")
        self._count(Entry.of(attachment, Status.FAILED, note=problem), failed=1)

    def _count(self, entry: Entry, **counts: int) -> None:
        self._index.add(entry)
        self._unwritten.append(entry)
        more = {name: getattr(self._result, name) + count for name, count in counts.items()}
        self._result = replace(self._result, **more)

    def _note(self) -> None:
        self._due = time.monotonic() + _SECONDS_BETWEEN_NOTES
        if self._unwritten:
            self._store.note(map(encode, self._unwritten))
            self._unwritten = []

    def _note_the_rest(self) -> None:
        """Note what came meanwhile, too, if the run ends before its time."""
        with suppress(queue.Empty):
            while True:
                attachment, done = self._done.get_nowait()
                with suppress(InsightlyError, CancelledError):
                    self._take_in(attachment, done)
        self._note()

    # In threads

    def _fetch(self, attachment: Attachment) -> _Fetched:
        """Fetch a content and store it, unless something else came in its place."""
        with SpooledTemporaryFile(_IN_MEMORY) as content:
            size, kind = self._download(attachment, content)
            sha256 = _checksum(content)
            told = attachment.file_size
            if told is not None and size != told:
                if _is_page(kind, attachment):
                    problem = f"a page came in its place ({kind}, {size:,} of {told:,} bytes)."
                    return _Fetched(problem=problem)
                # No length need come with a content, so a broken connection can look like its end.
                if size < told and (self._download(attachment, content), _checksum(content)) != (
                    (size, kind),
                    sha256,
                ):
                    problem = f"it was cut off: {size:,} of {told:,} bytes came."
                    return _Fetched(problem=problem)
            path, is_new = self._store.add(content, sha256)
        return _Fetched(sha256, size, path, is_new=is_new)

    def _download(self, attachment: Attachment, content: IO[bytes]) -> tuple[int, str]:
        """Read a content into a file; tell its size and its kind."""
        path = f"/FileAttachments/{attachment.file_id}"
        request = Request("GET", path, headers=_ANY, is_json=False, into=content)
        response = self._session.send(request)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return content.seek(0, os.SEEK_END), kind.strip().lower()


def _checksum(content: IO[bytes]) -> str:
    content.seek(0)
    found = hashlib.sha256()
    while piece := content.read(_PIECE):
        found.update(piece)
    return found.hexdigest()


def _is_page(kind: str, attachment: Attachment) -> bool:
    return kind in _PAGES and kind not in (attachment.content_type or "").lower()
