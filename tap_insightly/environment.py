"""Settings in the environment and in a file ``.env``, for tap, target and command line alike."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values, find_dotenv
from dotenv.parser import parse_stream
from singer_sdk import typing as th
from singer_sdk.configuration._dict_config import (
    parse_environment_config,  # the only reader of the SDK's variable names; pinned by a test
)
from singer_sdk.exceptions import ConfigValidationError

from tap_insightly.files import decoded
from tap_insightly.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.settings import Setting


def from_environment(
    prefix: str, schema: Mapping[str, Any], settings: Sequence[Setting] = SETTINGS
) -> dict[str, Any]:
    """Read settings from the environment, and from a file ``.env`` what is not in there.

    One at a time, so that one that cannot be read is named, where the SDK ends in a traceback.

    Args:
        prefix: What the names of the variables begin with, such as ``TAP_INSIGHTLY_``.
        schema: The JSON schema of the configuration.
        settings: The settings that there are.

    Returns:
        Values by setting name.

    Raises:
        ConfigValidationError: If a variable holds no value of its setting's type, or the file
            cannot be read.
    """
    load_variables(prefix)
    textual = {one.name for one in settings if one.is_numeric or one.from_text is not None}
    result: dict[str, Any] = {}
    errors = []
    for name, prop in schema["properties"].items():
        # Numbers are read as text, for `cleaned` to convert, and so are booleans, because the SDK
        # takes any word that it does not know for false.
        is_boolean = "boolean" in prop["type"]
        is_text = is_boolean or name in textual
        one = {"properties": {name: th.StringType.type_dict if is_text else prop}}
        try:
            found = parse_environment_config(one, prefix, os.devnull)  # `.env` was read
            if is_boolean and name in found:
                found[name] = _boolean(found[name])
        except ValueError as error:
            variable = prefix + name.upper()
            errors.append(f"Setting '{name}': the variable {variable} cannot be read: {error}.")
        else:
            result |= found
    if errors:
        summary = "Config validation failed"
        raise ConfigValidationError(summary, errors=errors, schema=dict(schema))
    return result


def _boolean(text: str) -> bool | str:
    word = text.strip().lower()
    if word in {"true", "1", "yes", "on"}:
        return True
    if word in {"false", "0", "no", "off"}:
        return False
    if not word:
        return ""  # a setting that was not made
    msg = f"got {text!r}; accepted is true or false"
    raise ValueError(msg)


def load_variables(prefix: str) -> None:
    """Take from a file ``.env``, in this folder or one above it, what is not in the environment.

    The SDK looks for one too, but from where it is installed, and takes it for more important.

    Args:
        prefix: What the names of the variables begin with, such as ``TAP_INSIGHTLY_``.

    Raises:
        ConfigValidationError: If the file cannot be read, or a line that is about such a variable.
    """
    try:
        path = find_dotenv(usecwd=True)
    except OSError:  # the folder is gone
        return
    if not path:
        return
    try:
        values = _values(path, prefix)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        problem = f"The file {path} cannot be read: {said}."
        summary = "Config validation failed"
        raise ConfigValidationError(summary, errors=[problem], schema={}) from None
    for name, value in values.items():
        os.environ.setdefault(name, value)


def _values(path: str, prefix: str) -> dict[str, str]:
    text = decoded(Path(path).read_bytes())
    if "\0" in text:
        msg = "it is no text"
        raise ValueError(msg)
    for binding in parse_stream(io.StringIO(text)):
        # What is not about our variables is for others to read.
        if binding.error and prefix in binding.original.string:
            msg = f"line {binding.original.line} is not of the form NAME=value"
            raise ValueError(msg)
    values = dotenv_values(stream=io.StringIO(text)).items()
    return {name: value for name, value in values if name.startswith(prefix) and value is not None}
