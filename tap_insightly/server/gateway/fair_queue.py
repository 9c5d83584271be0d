"""Who is next, of several clients that wait: each gets its part, and nobody waits for ever.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): each client has a clock of its own, which
goes on by 1 / weight with each item it gets, and the one whose clock is furthest behind is next. A
client that was away sets its clock to that of the others, so it can save nothing up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")


@dataclass
class _Line(Generic[Item]):
    weight: float
    clock: float
    number: int
    items: deque[Item] = field(default_factory=deque)


class FairQueue(Generic[Item]):
    """A line for each client, in proportion to their weights."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._lines: dict[str, _Line[Item]] = {}
        self._now = 0.0
        self._number = 0
        self._size = 0

    def __len__(self) -> int:
        """Count all that wait."""
        return self._size

    def push(self, client: str, weight: float, item: Item) -> None:
        """Put an item at the end of a client's line."""
        line = self._lines.get(client)
        if line is None or (not line.items and line.clock <= self._now):
            self._number += 1
            line = self._lines[client] = _Line(weight, self._now, self._number)
        line.weight = weight
        line.items.append(item)
        self._size += 1

    def pop(self, *, among: Callable[[str], bool] = lambda _: True) -> Item | None:
        """Take the item that is next; None if there is none of the clients that are asked for."""
        ready = [
            (line.clock, line.number, client)
            for client, line in self._lines.items()
            if line.items and among(client)
        ]
        if not ready:
            return None
        clock, _, client = min(ready)
        self._now = max(self._now, clock)
        line = self._lines[client]
        line.clock = clock + 1 / line.weight
        self._size -= 1
        item = line.items.popleft()
        self._forget()
        return item

    def remove(self, client: str, item: Item) -> bool:
        """Take an item out of a client's line; tell whether it was there."""
        line = self._lines.get(client)
        if line is None or item not in line.items:
            return False
        line.items.remove(item)
        self._size -= 1
        return True

    def waiting(self, client: str) -> int:
        """Count what waits in a client's line."""
        line = self._lines.get(client)
        return len(line.items) if line else 0

    def part(self, client: str, weight: float) -> float:
        """Say which part a client gets while those wait that do now, from 0 to 1."""
        others = sum(
            line.weight for name, line in self._lines.items() if line.items and name != client
        )
        return weight / (weight + others)

    def _forget(self) -> None:
        """Drop lines of clients that are away, and as far as all others."""
        gone = [
            client
            for client, line in self._lines.items()
            if not line.items and line.clock <= self._now
        ]
        for client in gone:
            del self._lines[client]
