"""How many records may be refused or deleted: a number, or a share of them."""

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
        """Read a share.

        Args:
            value: A whole number, or a text such as ``10 %``.

        Returns:
            The share.

        Raises:
            ValueError: If it is none.
        """
        text = str(value).strip()
        found = re.fullmatch(r"(\d{1,12})(?:\.0+)?|(\d{1,3}(?:\.\d{1,6})?)\s*%", text, re.ASCII)
        if found is None or isinstance(value, bool):
            raise ValueError(ACCEPTED)
        if found[1] is not None:
            return cls(number=int(found[1]))
        percent = Decimal(found[2])
        if percent > 100:  # noqa: PLR2004 - all of them
            raise ValueError(ACCEPTED)
        return cls(percent=percent)

    def most(self, total: int, *, is_all: bool = True) -> int:
        """Say how many that is.

        Args:
            total: How many there are, a number.
            is_all: Whether these are all; of some, nobody knows what share the others will be.

        Returns:
            A number. Of all, a part of a record counts as one, so that a few are never none.
        """
        if self.number is not None:
            return self.number
        share = total * (self.percent or Decimal(0)) / 100
        return math.ceil(share) if is_all else math.floor(share)

    def __str__(self) -> str:
        """Write it as it is set."""
        return str(self.number) if self.number is not None else f"{self.percent} %"


NO_LIMIT = Share(percent=Decimal(100))
"""All of them."""
