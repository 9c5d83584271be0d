"""Reads Singer messages, and says in a sentence what is wrong with a line."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from singer_sdk.io_base import SingerReader
from singer_sdk.singerlib.exceptions import InvalidInputLine
from singer_sdk.singerlib.json import deserialize_json
from typing_extensions import override

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
MAX_SHOWN = 200  # characters of a line that cannot be read


def as_utf8(file: IO[str]) -> IO[str]:
    """Read a file as UTF-8, as Singer messages are, whatever this machine's encoding is.

    In another encoding, wrong characters would be read without an error, and written.
    """
    reconfigure = getattr(file, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="strict")
    return file


class MessageReader(SingerReader):
    """Reads messages; the SDK's own shows a traceback for a line that is no message."""

    @override
    def deserialize_json(self, line: str) -> dict[str, Any]:
        """Read a line, the first of which may begin with a byte order mark."""
        try:
            message = deserialize_json(line.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            message = None
        shown = f"{line.strip()[:MAX_SHOWN]!r}."
        if not isinstance(message, dict):
            msg = f"it is no JSON object: {shown}"
            raise InvalidInputLine(msg) from None
        if (problem := _problem(message)) is not None:
            msg = f"{problem}: {shown}"
            raise InvalidInputLine(msg)
        return message


def _problem(message: Mapping[str, Any]) -> str | None:
    """What is wrong with the parts of a message; the SDK says which are missing."""
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
