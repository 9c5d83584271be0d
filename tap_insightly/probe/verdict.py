"""What is assumed of the API, and what came of asking an account about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Assumption:
    """Something that this project takes for granted, and that no document promises."""

    id: str
    """What tests and reports call it, such as ``ids-ascend``."""

    text: str
    """What is assumed, a sentence."""

    said_in: tuple[str, ...] = ()
    """Where the code or the documentation says that it assumes this: a file, once for each place.

    A test compares that with all such places.
    """

    relied_on: tuple[str, ...] = ()
    """What relies on it without saying so each time: files."""

    why_not: str = ""
    """Why no account can be asked, a sentence; empty if one can."""


class Word(Enum):
    """What came of asking."""

    HOLDS = "holds"
    DOES_NOT = "does not"
    NOT_SEEN = "not seen"


@dataclass(frozen=True)
class Private:
    """A name out of an account, which is for its owner to read and for nobody else."""

    kind: str
    """What it is, text such as ``custom field``."""

    text: str
    """The name itself."""


Part = str | int | Private
"""A piece of a sentence: text and numbers that anybody may see, or a name that not."""


@dataclass(frozen=True)
class Verdict:
    """Whether an assumption holds, and what shows it."""

    word: Word
    evidence: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The evidence as a sentence, for the owner of the account."""
        return "".join(
            part.text if isinstance(part, Private) else _text(part) for part in self.evidence
        )


def holds(*evidence: Part) -> Verdict:
    """Say that an assumption holds."""
    return Verdict(Word.HOLDS, evidence)


def fails(*evidence: Part) -> Verdict:
    """Say that an assumption does not hold."""
    return Verdict(Word.DOES_NOT, evidence)


def unseen(*evidence: Part) -> Verdict:
    """Say that this account cannot tell."""
    return Verdict(Word.NOT_SEEN, evidence)


def judged(wrong: Iterable[Part], right: Iterable[Part], what: str) -> Verdict:
    """Say that an assumption holds unless something speaks against it."""
    against, before = tuple(wrong), tuple(right)
    if against:
        return fails(*listed(against), ".")
    return holds(*listed(before), ".") if before else unseen(f"There are {what}.")


MOST_LISTED = 30


def listed(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Put commas between pieces, and leave out what nobody would read to the end."""
    every = tuple(parts)
    shown: list[Part] = []
    for part in every[:MOST_LISTED]:
        shown += [part, ", "]
    more = len(every) - MOST_LISTED
    return (*shown[:-1], f" and {more} more") if more > 0 else tuple(shown[:-1])


def many(number: int, what: str) -> str:
    """Write a number of things."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _text(part: str | int) -> str:
    return f"{part:,}" if isinstance(part, int) else part
