"""Host names: looked up in time, as long as it is not known that there is such a host."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class HostLookup:
    """Looks up the host names of one account, for any number of threads."""

    seconds = 4.0
    """How long it may take until a first name is found.

    Most systems wait far longer for a name server that does not answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing known; the clock has seconds that only grow."""
        self._clock = clock
        self._known: set[str] = set()
        self._until: list[float] = []  # one: when a first name must be found

    @property
    def has_found(self) -> bool:
        """Whether a name was ever found: then there is such a host, whatever happens later."""
        return bool(self._known)

    def is_over(self, wait: float) -> bool:
        """Tell whether no time is left to try again after so many seconds."""
        return not self.has_found and self._clock() + wait > self._end()

    def check(self, host: str, port: int | None) -> None:
        """Look up a host name that was never found, and do not wait for ever.

        Raises:
            socket.gaierror: If it is not found in time, or does not exist.
        """
        if host in self._known:
            return
        outcome: list[OSError | UnicodeError | None] = []

        def look_up() -> None:
            try:
                socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                outcome.append(error)
            else:
                outcome.append(None)

        left = self._end() - self._clock() if not self._known else self.seconds
        thread = threading.Thread(target=look_up, name="lookup", daemon=True)
        thread.start()
        thread.join(max(left, 0.0))
        error = outcome[0] if outcome else _unanswered(self.seconds)
        if isinstance(error, UnicodeError):  # what can be no name, so there is none
            error = socket.gaierror(socket.EAI_NONAME, str(error))
        if error is not None:
            raise error
        self._known.add(host)

    def _end(self) -> float:
        if not self._until:
            self._until.append(self._clock() + self.seconds)
        return self._until[0]


def _unanswered(seconds: float) -> socket.gaierror:
    return socket.gaierror(
        socket.EAI_AGAIN, f"no name server has answered within {seconds:g} seconds"
    )
