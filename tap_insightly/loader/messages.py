"""Reading what comes in: lines of messages, of which a wrong one is told in a sentence."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from singer_sdk.io_base import SingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from singer_sdk.singerlib.json import deserialize_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import UnionType

_PARTS: Mapping[str, Mapping[str, type | UnionType]] = {
    "SCHEMA": {"stream": str, "schema": dict, "key_properties": list | None},
    "RECORD": {"stream": str, "record": dict},
    "STATE": {},
    "ACTIVATE_VERSION": {"stream": str},
    "BATCH": {"stream": str, "encoding": dict, "manifest": list},
}
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


class MessageReader(SingerReader):
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
        shown = f"{line.strip()[:MOST_SHOWN]!r}."
        if not isinstance(message, dict):
            msg = f"it is no JSON object: {shown}"
            raise InvalidInputLine(msg) from None
        if (problem := _problem(message)) is not None:
            msg = f"{problem}: {shown}"
            raise InvalidInputLine(msg)
        return message


def _problem(message: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a message that has what it needs; the SDK tells what is missing."""
    kind = message.get("type", "RECORD")
    if kind not in _PARTS:
        return f"{kind!r} is no type of message"
    for name, types in _PARTS[kind].items():
        if name in message and not isinstance(message[name], types):
            return f"{name} is not of the type that it has in a {kind} message"
    schema = message.get("schema")
    properties = schema.get("properties", {}) if kind == "SCHEMA" and schema else {}
    if not isinstance(properties, dict):
        return "the properties of its schema are no object"
    if not all(isinstance(one, dict | bool) for one in properties.values()):
        return "a property of its schema is described by no object"
    return None
