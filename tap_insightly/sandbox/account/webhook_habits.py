"""How an account sends webhooks, and what goes wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CustomFieldsShape = Literal["array", "columns", "none"]
"""Where custom fields are in the body of a webhook: in the array of the API, among the other
fields, or nowhere."""


@dataclass
class WebhookHabits:
    """The habits of an account that sends webhooks.

    An event goes by those that hold at the moment of the write. In what order events come is not
    known; here that of the writes, and one that is tried again holds up those after it.
    """

    webhook_objects: set[str] | None = None
    """The paths that have a workflow, such as ``/Tasks``; None for all whose records have an id
    and a date. Which objects can have one is not known."""

    webhook_fields: dict[str, set[str]] = field(default_factory=dict)
    """By path, the only fields that a workflow sends; it may leave the id out."""

    webhook_custom_fields: CustomFieldsShape = "array"
    """Where custom fields are in the body. How Insightly sends them is not known, nor other
    arrays: here they are as in the API, with dates as text in custom fields."""

    webhook_offset: str = "-0800"
    """What follows the milliseconds of a date; it only says how to show it (docs)."""

    webhook_timeout: float = 10
    """How many seconds a receiver may be silent. How long Insightly waits is not known."""

    webhook_pauses: tuple[float, ...] = (1, 5)
    """How many seconds later an event is tried again that was not answered 2xx. After two more
    attempts it is dropped (docs). How far apart Insightly tries is not known."""

    webhook_loss: float = 0
    """The share of events that are never sent, from 0 to 1."""

    webhook_lost_every: int | None = None
    """Never send every event of this number: with 3 the third, the sixth and so on."""

    webhook_repeats: float = 0
    """The share that are sent twice, though the first was answered 2xx."""

    webhook_delay: float = 0
    """How many seconds after the write an event is sent, by the sandbox's clock."""

    webhook_jitter: float = 0
    """Up to how many seconds more by chance, so that events come out of order."""
