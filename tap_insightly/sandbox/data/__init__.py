"""Made-up data that a person would believe, and in which every id leads somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import account, people, sales, service, work
from tap_insightly.sandbox.data.maker import Maker

if TYPE_CHECKING:
    from random import Random

    from tap_insightly.sandbox.server import Sandbox


def fill(sandbox: Sandbox, records: int, rng: Random) -> None:
    """Fill an empty account.

    Args:
        sandbox: The account.
        records: How many contacts; other objects come in proportion.
        rng: The source of all chance.
    """
    maker = Maker(sandbox, records, rng)
    for fill_part in (account.fill, people.fill, sales.fill, work.fill, service.fill):
        fill_part(maker)
    account.fill_last(maker)
