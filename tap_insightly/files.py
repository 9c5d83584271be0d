"""JSON files as people have them, in any Unicode encoding; and files that are written whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def decoded(content: bytes) -> str:
    """Decode UTF-8, or UTF-16 and UTF-32 as some shells of Windows write them."""
    # As in RFC 4627: by the mark, or by the zeros among the first four bytes.
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.upper().removesuffix("-SIG")
        msg = f"it is no text in {name} (byte {error.start})"
        raise ValueError(msg) from None


def parse_json(text: str) -> Any:  # noqa: ANN401 - anything that JSON can be
    """Parse JSON, or raise a ValueError whose text can be read."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"it is no JSON: {error}"
        raise ValueError(msg) from None
    except RecursionError:
        msg = "it is nested too deeply"
        raise ValueError(msg) from None


def read_settings(name: str) -> dict[str, Any]:
    """Read a file of settings; the text of a ValueError goes on after the name of the file."""
    try:
        content = parse_json(decoded(Path(name).read_bytes()))
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}."
        raise ValueError(msg) from None
    except ValueError as error:
        msg = f"cannot be read: {error}."
        raise ValueError(msg) from None
    if not isinstance(content, dict):
        msg = "does not hold a JSON object of settings."
        raise ValueError(msg)  # noqa: TRY004 - to the caller it is one failure
    return content


def kind_of(value: object) -> str:
    """Name the kind of a JSON value, to follow "found"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), type(value).__name__)


def write_whole(path: Path, pieces: Iterable[bytes], *, mode: int = 0o666) -> None:
    """Write a file that others see whole or not at all, whatever ends this.

    Args:
        path: Where, in a folder that is there.
        pieces: What, from its beginning to its end.
        mode: Who may read and write it, as far as the process lets new files be.

    Raises:
        OSError: If it cannot be written; what was there before is there still.
    """
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:  # noqa: PTH123 - with a mode
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
