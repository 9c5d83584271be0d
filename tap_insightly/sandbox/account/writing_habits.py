"""What an account does to what is written into it, and how late its searches see that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.records import Record

Automation = Mapping[str, Any] | Callable[["Record"], Mapping[str, Any]]
"""What a workflow sets: values by name of the field, or what makes them of the record. Custom
fields have their FIELD_NAME, such as ``Hobby__c``."""


@dataclass
class WritingHabits:
    """The habits of an account that is written to. It has none by default."""

    automations: dict[str, Automation] = field(default_factory=dict)
    """What a workflow sets in records that were created or changed over HTTP, by path. It is
    there before the answer is made, and counts as an update. What is under ``*`` leaves out the
    fields that an object has not; a field of a path's own that there is not answers 500."""

    automation_delay: float = 0
    """How long after the write, in seconds by the sandbox's clock, workflows run. They do before
    the first request after that, so that the answer to the write does not show it yet."""

    trims_text: bool = False
    """Whether texts that are written lose their outer spaces, before they are checked."""

    sorts_options: bool = False
    """Whether the options of a multi-select are stored in alphabetical order."""

    nulls_are_false: bool = False
    """Whether a custom field of the type BIT that is written null is false from then on."""

    assigns_owner: int | None = None
    """The OWNER_USER_ID of every new record, whatever was sent."""

    requires_all: bool = False
    """Whether everything has to be there that the document of writing calls required, also what
    is given a default otherwise: see the module `defaults`."""

    record_limit: int | dict[str, int] | None = None
    """Answer 402 to a new record where an object has this many: all objects, or by path."""

    search_lag: float = 0
    """How long, in seconds by the sandbox's clock, a search does not see what was written while
    this is set, over HTTP or from Python. New records are not found, deleted ones still are, and
    changed ones are found by, and answered with, what they were. Lists and single records are
    as they are."""

    search_ignores_case: bool = False
    """Whether a search by a field finds texts that differ in case."""

    search_ignores_spaces: bool = False
    """Whether a search by a field finds texts that differ in outer spaces."""

    search_ignores_field: bool = False
    """Whether a search leaves field_name and field_value out of account, without a word."""

    @property
    def searches_oddly(self) -> bool:
        """Whether a search may answer otherwise than by what is in its list."""
        ignores = self.search_ignores_case or self.search_ignores_spaces
        return ignores or self.search_ignores_field or self.search_lag > 0
