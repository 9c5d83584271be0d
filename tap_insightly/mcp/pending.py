"""Changes that were previewed and wait to be confirmed: each once, soon, and exactly as shown."""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_insightly.api.http.codec import encode_sorted
from tap_insightly.mcp.limits import CallError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Prepared = TypeVar("Prepared")

SECONDS = 600.0
"""How long a preview can be confirmed."""
_MOST = 50  # previews that wait


class Pending(Generic[Prepared]):
    """Previews by their tokens, for any number of threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without any; the clock tells seconds."""
        self._clock = clock
        self._waiting: dict[str, tuple[float, bytes, Prepared]] = {}
        self._lock = threading.Lock()

    def add(self, changes: Sequence[object], prepared: Prepared) -> str:
        """Keep what was prepared for some changes, and make a token for it."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._waiting[token] = (self._clock() + SECONDS, encode_sorted(changes), prepared)
            while len(self._waiting) > _MOST:
                del self._waiting[next(iter(self._waiting))]
        return token

    def take(self, token: str, changes: Sequence[object]) -> Prepared:
        """Hand out what was prepared, once, if the changes are those that were previewed."""
        with self._lock:
            until, content, prepared = self._waiting.get(token, (None, b"", None))
            if until is None or prepared is None or self._clock() >= until:
                self._waiting.pop(token, None)
                msg = (
                    "There is no preview of this token: it was confirmed already, or it is older "
                    f"than {SECONDS / 60:.0f} minutes, or the server was started anew. Nothing was "
                    "written now. Preview the changes again."
                )
                raise CallError(msg)
            if encode_sorted(changes) != content:
                msg = (
                    "These are not the changes that were previewed with this token. Nothing was "
                    "written. Give the same changes, or preview these first."
                )
                raise CallError(msg)
            del self._waiting[token]
            return prepared
