"""Settings in the environment and in a file ``.env``, for tap, target and command line alike."""

from __future__ import annotations

import io
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values, find_dotenv
from dotenv.parser import parse_stream

from tap_insightly.files import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.config_schema import Setting


_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
    "": "",  # a setting that was not made
}

logger = logging.getLogger(__name__)


class VariablesError(ValueError):
    """Variables cannot be read, or the file that has them; `problems` has a sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the sentences."""
        super().__init__(" ".join(problems))
        self.problems = list(problems)


def from_environment(
    prefix: str, types: Mapping[str, Sequence[str]], settings: Sequence[Setting]
) -> dict[str, Any]:
    """Read settings from the environment, and from a file ``.env`` what is not in there.

    The SDK's own reader is not used: it lets ``.env`` override the environment, takes any word it
    does not know for false, and ends in a traceback where a value cannot be read.

    Args:
        prefix: What the names of the variables begin with, such as ``TAP_INSIGHTLY_``.
        types: The types of JSON that each setting may have.
        settings: The settings that there are.

    Returns:
        Values by setting name.

    Raises:
        VariablesError: If a variable holds no value of its setting's type, or the file cannot be
            read.
    """
    load_variables(prefix)
    # `cleaned` makes numbers of these, and what else they can be.
    textual = {one.name for one in settings if one.is_numeric or one.from_text is not None}
    result: dict[str, Any] = {}
    errors = []
    for name, kinds in types.items():
        variable = prefix + name.upper()
        text = os.environ.get(variable)
        if text is None:
            continue
        logger.debug("Setting '%s' comes from the variable %s.", name, variable)
        try:
            result[name] = text if name in textual else _read(text, kinds)
        except ValueError as error:
            errors.append(f"Setting '{name}': the variable {variable} cannot be read: {error}.")
    if errors:
        raise VariablesError(errors)
    return result


def _read(text: str, types: Sequence[str]) -> Any:  # noqa: ANN401 - whatever the setting is
    """Read a value of one of these types of JSON."""
    if "boolean" in types:
        word = text.strip().lower()
        if word not in _WORDS:
            msg = f"got {text!r}; accepted is true or false"
            raise ValueError(msg)
        return _WORDS[word]
    if "integer" in types and text:
        return int(text)
    if "object" in types and text:
        return json.loads(text)
    return text


def load_variables(prefix: str) -> None:
    """Take from a file ``.env``, in this folder or one above it, what is not in the environment.

    The SDK looks for one too, but from where it is installed, and takes it for more important.

    Args:
        prefix: What the names of the variables begin with, such as ``TAP_INSIGHTLY_``.

    Raises:
        VariablesError: If the file cannot be read, or a line that is about such a variable.
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
        raise VariablesError([f"The file {path} cannot be read: {said}."]) from None
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
