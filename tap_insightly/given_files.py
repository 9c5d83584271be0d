"""Files that are given to a command as options, refused as wrong options if need be."""

from __future__ import annotations

import io
import json
from typing import Any, BinaryIO, TextIO

import click

from tap_insightly.catalogs import normalize_catalog
from tap_insightly.files import decoded, parse_json, read_settings
from tap_insightly.states import read_state


def settings_in(name: str) -> dict[str, Any]:
    """Read a configuration file, or refuse it as a wrong option."""
    try:
        return read_settings(name)
    except ValueError as error:
        msg = f"{name} {error}"
        raise click.BadParameter(msg, param_hint="--config") from None


def content_of(file: BinaryIO | None, kind: str) -> dict[str, Any] | None:
    """Read a catalog or a state in any accepted form, or refuse it as a wrong option."""
    if file is None:
        return None
    try:
        return _READERS[kind](decoded(file.read()))
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}."
    except ValueError as error:
        problem = f"does not hold a Singer {kind}: {error}."
    msg = f"{getattr(file, 'name', kind)} {problem}"
    raise click.BadParameter(msg, param_hint=f"--{kind}") from None


def checked(file: BinaryIO | None, kind: str) -> TextIO | None:
    """Bring a catalog or a state into the form that the SDK expects."""
    content = content_of(file, kind)
    return None if content is None else io.StringIO(json.dumps(content))


def _read_catalog(text: str) -> dict[str, Any]:
    return normalize_catalog(parse_json(text))


_READERS = {"catalog": _read_catalog, "state": read_state}
