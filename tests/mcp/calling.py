"""Calling tools in this process, as the server does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyClient
from tap_insightly.cli.commands.mcp import _undo
from tap_insightly.mcp.call import Desk
from tap_insightly.mcp.limits import Limits
from tap_insightly.mcp.pending import Pending
from tap_insightly.mcp.server import answered
from tap_insightly.mcp.tools import Toolbox
from tests.conftest import KEY, watch

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


class Assistant:
    """Calls tools, and looks at the size of each answer."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        undo_folder: Path | None = None,
        limits: Limits | None = None,
        **options: Any,
    ) -> None:
        self.client = InsightlyClient(
            KEY, api_url=sandbox.api_url, **{"requests_per_second": 100, **options}
        )
        self.client.search_lag_seconds = 0
        self.limits = limits or Limits()
        self.lines: list[str] = []
        self.now = 0.0
        self.desk = Desk(self.client, self.limits, log=self.lines.append)
        if undo_folder is not None:
            self.desk.pending = Pending(lambda: self.now)
            self.desk.undo_folder = undo_folder
            self.desk.undo = lambda path, is_dry: _undo(self.client, path, is_dry)
        self.toolbox = Toolbox(self.desk)

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that does what it is asked."""
        result = answered(self.toolbox, name, arguments)
        text = result.content[0].text  # type: ignore[union-attr]  # it is text
        watch(text)
        assert not result.is_error, text
        assert len(text) <= self.limits.answer_characters, len(text)
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    def refused(self, name: str, **arguments: Any) -> str:
        """Call a tool that does not do what it is asked, and read why."""
        result = answered(self.toolbox, name, arguments)
        text = result.content[0].text  # type: ignore[union-attr]  # it is text
        watch(text)
        assert result.is_error, text
        assert "Traceback" not in text
        assert len(text) <= 2000
        return str(text)

    def confirm(self, *changes: dict[str, Any]) -> dict[str, Any]:
        """Preview changes, and confirm them."""
        preview = self.call("preview_changes", changes=list(changes))
        return self.call("confirm_changes", token=preview["token"], changes=list(changes))
