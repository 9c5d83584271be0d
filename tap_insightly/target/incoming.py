"""Reading what comes in: lines of messages, of which a wrong one is told in a sentence."""

from __future__ import annotations

from typing import IO, Any

from singer_sdk.io_base import SingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from singer_sdk.singerlib.json import deserialize_json

MOST_SHOWN = 200  # characters of a line that cannot be read


def as_utf8(file: IO[str]) -> IO[str]:
    """Have a file read as Singer messages are written: in UTF-8, whatever the place says.

    What is read otherwise is text all the same, and would be written as that.

    Args:
        file: A file of which nothing was read yet, or something else that has lines.

    Returns:
        The same.
    """
    reconfigure = getattr(file, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="strict")
    return file


class Reader(SingerReader):
    """Reads messages as the SDK does, which shows a traceback for a line that is none."""

    def deserialize_json(self, line: str) -> dict[str, Any]:
        """Read a line.

        Args:
            line: The line; the first may begin with a byte order mark.

        Returns:
            The message.

        Raises:
            InvalidInputLine: If it is none.
        """
        try:
            message = deserialize_json(line.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            msg = f"it is no JSON object: {line.strip()[:MOST_SHOWN]!r}."
            raise InvalidInputLine(msg) from None
        return message
