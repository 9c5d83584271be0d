"""Filling an account with made-up data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import account, children, old, people, sales, service, work
from tap_insightly.sandbox.data.maker import Maker

if TYPE_CHECKING:
    from random import Random

    from tap_insightly.sandbox.account.account import Account

SETTINGS = frozenset(
    {
        "/ActivitySets",
        "/Countries",
        "/Currencies",
        "/CustomObjects",
        "/FileCategories",
        "/ForumCategories",
        "/Instance",
        "/LeadSources",
        "/LeadStatuses",
        "/OpportunityCategories",
        "/OpportunityStateReasons",
        "/Permissions",
        "/PipelineStages",
        "/Pipelines",
        "/ProjectCategories",
        "/Relationships",
        "/TaskCategories",
        "/TeamMembers",
        "/Teams",
        "/Users",
    }
)
"""The lists that are there before anybody works with an account."""


def fill(filled: Account, records: int, rng: Random) -> None:
    """Fill an empty account."""
    maker = Maker(filled, records, rng)
    for fill_part in (account.fill, people.fill, sales.fill, work.fill, service.fill):
        fill_part(maker)
    account.fill_last(maker)


def fill_children(filled: Account, records: int, rng: Random) -> None:
    """Put something below the records of an account, such as comments."""
    children.fill(Maker(filled, records, rng))


def fill_old(filled: Account, records: int, rng: Random) -> None:
    """Let an account be older than its records: with custom fields made years ago."""
    old.fill(Maker(filled, records, rng))
