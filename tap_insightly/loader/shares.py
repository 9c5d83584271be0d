"""How many records may be refused or deleted: a number, or a percentage."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

ACCEPTED = "a whole number from 0, or a percentage such as 10 %"


@dataclass(frozen=True)
class Share:
    """A number of records, or a percentage of them."""

    number: int | None = None
    percent: Decimal | None = None

    @classmethod
    def of(cls, value: object) -> Share:
        """Read a whole number, or a text such as ``10 %``; a `ValueError` if it is neither."""
        text = str(value).strip()
        match = re.fullmatch(r"(\d{1,12})(?:\.0+)?|(\d{1,3}(?:\.\d{1,6})?)\s*%", text, re.ASCII)
        if match is None or isinstance(value, bool):
            raise ValueError(ACCEPTED)
        if match[1] is not None:
            return cls(number=int(match[1]))
        percent = Decimal(match[2])
        if percent > 100:  # noqa: PLR2004 - all of them
            raise ValueError(ACCEPTED)
        return cls(percent=percent)

    def limit(self, total: int, *, is_all: bool = True) -> int:
        """How many of a total that is at most.

        Rounded up, so that a few are never none; but down while more are to come (`is_all`), as
        nobody knows what share the others will be.
        """
        if self.number is not None:
            return self.number
        share = total * (self.percent or Decimal(0)) / 100
        return math.ceil(share) if is_all else math.floor(share)

    def __str__(self) -> str:
        """As it is set."""
        return str(self.number) if self.number is not None else f"{self.percent} %"


NO_LIMIT = Share(percent=Decimal(100))
