"""All that is assumed of the API, by subject. Add what new code relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.probe.assumed import addresses, fields, lists, unasked, webhook_sending, writing

if TYPE_CHECKING:
    from tap_insightly.probe.verdict import Assumption

ASSUMPTIONS: tuple[Assumption, ...] = (
    *lists.ASSUMPTIONS,
    *addresses.ASSUMPTIONS,
    *fields.ASSUMPTIONS,
    *writing.ASSUMPTIONS,
    *unasked.ASSUMPTIONS,
    *webhook_sending.ASSUMPTIONS,
)
"""All assumptions, in the order of reports."""
