"""What the syncs of all streams share while a run lasts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tap_insightly.sync.progress import Progress

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

    from tap_insightly.api import InsightlySession, Prefetcher
    from tap_insightly.sync.webhook_events import WebhookEvents


class Output(Protocol):
    """Where messages go."""

    def write_message(self, message: Message, /) -> None:
        """Send a message."""

    def write_state(self) -> int:
        """Send the state, brought up to date. Returns how many bytes it has."""

    def check_that_somebody_reads(self) -> None:
        """Find out about a target that is gone, while there is nothing to be sent.

        Raises:
            BrokenPipeError: If it is gone.
        """


@dataclass
class RunContext:
    """The connection of a run, its output, what webhooks told, and who shows how far it is."""

    session: InsightlySession
    prefetcher: Prefetcher
    output: Output
    events: WebhookEvents
    progress: Progress = field(default_factory=Progress)
    in_tables: bool = False
    """Whether tables are handed on, and not rows."""
