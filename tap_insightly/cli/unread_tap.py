"""A tap of which nothing is read but how much there is to read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.streams import STREAMS, CustomObjectStream
from tap_insightly.tap import TapInsightly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from singer_sdk import Stream


class UnreadTap(TapInsightly):
    """The tap, for commands that plan or compare."""

    takes_account = False  # the command has found it
    needs_custom_fields = False
    """Whether the account is asked for its custom fields."""

    @override
    def discover_streams(self) -> Sequence[Stream]:
        """Make the streams without custom fields, where these are not needed.

        They cost a request for each object to find out, and make no difference to what a sync
        reads.
        """
        if self.input_catalog is not None or self.needs_custom_fields:
            return super().discover_streams()
        standard = [stream(self) for stream in STREAMS]
        names = self.run.account.custom_object_names
        custom = [CustomObjectStream(self, name=one.lower(), object_name=one) for one in names]
        return [*standard, *custom]

    @property
    def discovery(self) -> int:
        """What a sync sends to find out what there is to read, once the streams are planned."""
        sent = self.run.session.stats
        account = self.run.account
        missing = len(account.objects_with_custom_fields()) if self.input_catalog is None else 0
        return sent.requests - sent.retries + missing

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End on a signal at once: there is no state to be written."""
        self.close()
        sys.exit(128 + signum)
