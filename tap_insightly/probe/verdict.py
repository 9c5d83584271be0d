"""Assumptions about the API, and what asking an account about them has shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Assumption:
    """Something that this project relies on and no document promises."""

    id: str
    """Its name in tests and reports, such as ``ids-ascend``."""

    text: str
    """What is assumed, a sentence."""

    said_in: tuple[str, ...] = ()
    """Files that say that they assume this, once for each place; a test compares them."""

    relied_on: tuple[str, ...] = ()
    """Files that rely on it without saying so."""

    why_not: str = ""
    """Why no account can be asked, a sentence; empty if one can."""


class Outcome(Enum):
    """What asking has shown."""

    HOLDS = "holds"
    DOES_NOT = "does not"
    NOT_SEEN = "not seen"


@dataclass(frozen=True)
class Private:
    """A name out of an account, which only its owner may read."""

    kind: str
    """What it is, text such as ``custom field``."""

    text: str
    """The name itself."""


Piece = str | int | Private
"""A piece of a sentence: text or a number for anybody, or a name for the owner alone."""


@dataclass(frozen=True)
class Verdict:
    """Whether an assumption holds, and what shows it."""

    outcome: Outcome
    evidence: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The evidence as a sentence, for the owner of the account."""
        return "".join(
            part.text if isinstance(part, Private) else _text(part) for part in self.evidence
        )


def holds(*evidence: Piece) -> Verdict:
    """Say that an assumption holds. What comes from the account must be a `Private`."""
    return Verdict(Outcome.HOLDS, evidence)


def fails(*evidence: Piece) -> Verdict:
    """Say that an assumption does not hold."""
    return Verdict(Outcome.DOES_NOT, evidence)


def unseen(*evidence: Piece) -> Verdict:
    """Say that this account cannot tell."""
    return Verdict(Outcome.NOT_SEEN, evidence)


def verdict_on(wrong: Iterable[Piece], right: Iterable[Piece], what: str) -> Verdict:
    """Decide by what speaks against an assumption and what speaks for it.

    If neither does, there is none of `what`, such as ``no dates``.
    """
    against, before = tuple(wrong), tuple(right)
    if against:
        return fails(*comma_list(against), ".")
    return holds(*comma_list(before), ".") if before else unseen(f"There are {what}.")


MOST_LISTED = 30


def comma_list(parts: Iterable[Piece]) -> tuple[Piece, ...]:
    """Put commas between pieces; of a long list, only count the rest."""
    every = tuple(parts)
    shown: list[Piece] = []
    for part in every[:MOST_LISTED]:
        shown += [part, ", "]
    more = len(every) - MOST_LISTED
    return (*shown[:-1], f" and {more} more") if more > 0 else tuple(shown[:-1])


def count_of(number: int, what: str) -> str:
    """Write a number of things: ``1 record``, ``2,000 records``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _text(part: str | int) -> str:
    return f"{part:,}" if isinstance(part, int) else part
