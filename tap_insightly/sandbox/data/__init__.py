"""Made-up data that a person would believe, and in which every id leads somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import account, children, old, people, sales, service, work
from tap_insightly.sandbox.data.maker import Maker

if TYPE_CHECKING:
    from random import Random

    from tap_insightly.sandbox.server import Sandbox

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


def fill_children(sandbox: Sandbox, records: int, rng: Random) -> None:
    """Put something below the records of an account, such as comments.

    Args:
        sandbox: The account, with all its records. They stay as they are.
        records: How many contacts it was made for.
        rng: The source of all chance.
    """
    children.fill(Maker(sandbox, records, rng))


def fill_old(sandbox: Sandbox, records: int, rng: Random) -> None:
    """Let an account be older than its records: with custom fields made years ago.

    Args:
        sandbox: The account, with all its records.
        records: How many contacts it was made for.
        rng: The source of all chance.
    """
    old.fill(Maker(sandbox, records, rng))
