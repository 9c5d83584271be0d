"""The tap, as a part of a program that is not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError
from typing_extensions import override

from tap_insightly.api import InsightlyError
from tap_insightly.discovery import discovered
from tap_insightly.tap import TapInsightly

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from singer_sdk import Stream

    from tap_insightly.streams import InsightlyStream


class EmbeddedTap(TapInsightly):
    """A tap that writes no messages, leaves signals alone, and reads what it is told to."""

    def __init__(
        self,
        config: Mapping[str, Any],
        catalog: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        *,
        wanted: Collection[str] = (),
    ) -> None:
        """Read the settings, and without a catalog ask the account for the fields of streams.

        Raises:
            InsightlyError: If a setting is wrong, or if the API cannot be asked.
        """
        self.chosen: set[str] = set()
        """The names of the streams that are to be read."""
        self._wanted = wanted
        try:
            super().__init__(
                config=dict(config),
                catalog=None if catalog is None else dict(catalog),
                state=None if state is None else dict(state),
            )
        except ConfigValidationError as error:
            raise InsightlyError(" ".join(error.errors) or str(error)) from None

    @override
    def discover_streams(self) -> Sequence[Stream]:
        if self.input_catalog is not None:
            return super().discover_streams()
        return list(discovered(self, self.run.session, self.run.account, self._wanted))

    @override
    def selected_streams(self) -> list[InsightlyStream]:
        return [stream for stream in super().selected_streams() if stream.name in self.chosen]

    @override
    def write_state(self) -> int:
        """Bring the state up to date, which nobody is sent."""
        if self._run is not None:
            self._run.update_state()
        return 0

    @override
    def check_that_somebody_reads(self) -> None:
        """Nobody reads standard output."""

    @override
    def _setup_signal_handlers(self) -> None:
        """Leave signals to the program. The SDK's method, which is private, would take them."""


def selected(catalog: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Take some streams of a catalog, all of them selected."""
    wanted = set(names)
    entries = [one for one in catalog["streams"] if one["tap_stream_id"] in wanted]
    for entry in entries:
        for one in entry["metadata"]:
            if not one["breadcrumb"]:
                one["metadata"]["selected"] = True
    return {"streams": entries}
