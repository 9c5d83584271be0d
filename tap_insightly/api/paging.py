"""From one address to all its records, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.api.session import Answer, InsightlySession

PAGE_SIZE = 500  # the most that the API hands out at once (docs, seen live)


def pages(
    session: InsightlySession,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    page_size: int = PAGE_SIZE,
) -> Iterator[Answer]:
    """Read a list or a search from its first record to its last.

    Args:
        session: Where to ask.
        path: The list's path, text such as ``/Contacts``.
        params: Query parameters besides ``top`` and ``skip``.
        page_size: How many records to ask for at once, a number up to 500.

    Yields:
        The answers, in ascending order of the records' ids (seen live).

    Raises:
        InsightlyError: As `InsightlySession.get` does.
    """
    skip = 0
    while True:
        answer = session.get(path, {**(params or {}), "top": str(page_size), "skip": str(skip)})
        yield answer
        if len(answer.records) < page_size:
            return
        skip += page_size
