"""Counting requests, and what became of them."""

from __future__ import annotations

import threading


class RequestStats:
    """What was sent for one purpose, such as a stream; counted by any number of threads."""

    def __init__(self, whole: RequestStats | None = None) -> None:
        """Start at nothing.

        Args:
            whole: What this is a part of, and which counts it too.
        """
        self.requests = 0
        """Requests sent, repeated ones included."""
        self.retries = 0
        """Requests sent again because the try before had failed."""
        self.refused = 0
        """Requests refused because there were too many (429)."""
        self._whole = whole
        self._timings: list[tuple[float, int]] = []
        self._lock = threading.Lock()

    @property
    def figures(self) -> dict[str, int]:
        """The numbers by the names that logs, reports and metrics have for them."""
        return {
            "requests": self.requests,
            "retries": self.retries,
            "answered_429": self.refused,
        }

    def count(self, requests: int = 0, retries: int = 0, refused: int = 0) -> None:
        """Add to the numbers.

        Args:
            requests: Requests sent.
            retries: Requests sent again.
            refused: Requests answered 429.
        """
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.refused += refused
        if self._whole is not None:
            self._whole.count(requests, retries, refused)

    def time(self, seconds: float, status: int) -> None:
        """Note how long a response took; only a part keeps that, for `timings`.

        Args:
            seconds: From the request to the end of the response.
            status: Its HTTP status.
        """
        if self._whole is not None:
            with self._lock:
                self._timings.append((seconds, status))

    def timings(self) -> list[tuple[float, int]]:
        """Hand out what `time` was told since this was last called.

        Returns:
            Seconds and HTTP status of each response.
        """
        with self._lock:
            timings, self._timings = self._timings, []
        return timings
