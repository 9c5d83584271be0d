"""What a setting is, what may be given to it, and how a wrong one is reported."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator


def _is_integer(_checker: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(checker: object, value: object) -> bool:
    return _is_integer(checker, value) or (isinstance(value, float) and math.isfinite(value))


@cache
def _validator() -> type[Validator]:
    """Make the validator once it is needed: a page of help has settings, and checks none."""
    from jsonschema import Draft202012Validator, ValidationError, validators  # noqa: PLC0415

    def match_pattern(
        _validator: object, pattern: str, value: object, _schema: object
    ) -> Iterator[ValidationError]:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            yield ValidationError(pattern)  # `re.search` would let a line break at the end pass

    made: type[Validator] = validators.extend(  # type: ignore[no-untyped-call]  # jsonschema has it untyped
        Draft202012Validator,
        {"pattern": match_pattern},
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
            {"integer": _is_integer, "number": _is_number}
        ),
    )
    return made


@dataclass(frozen=True)
class Setting:
    """One setting, in all that is known of it."""

    name: str
    title: str
    description: str
    accepted: str
    schema: Mapping[str, Any]
    """Its JSON schema, with its ranges and choices, which tools see in ``--about``."""
    default: Any = None
    is_required: bool = False
    is_secret: bool = False
    check: Callable[[Any], bool] | None = None
    """What a JSON schema cannot say; asked of values that are as the schema says."""
    from_text: Callable[[str], Any] | None = None
    """Makes of a text, as the environment has it, what it says; for what may be of several types.

    It may raise ValueError; the text is then refused as it is."""
    instead: str = ""
    """A sentence that says what else will do, if it is missing."""

    @property
    def is_numeric(self) -> bool:
        """Whether the value is a number."""
        return set(self.schema["type"]) <= {"integer", "number"}

    @property
    def is_boolean(self) -> bool:
        """Whether the value is true or false."""
        return bool(self.schema["type"] == ["boolean"])

    def accepts(self, value: Any) -> bool:  # noqa: ANN401 - anything that may be given
        """Tell whether a value may be given to the setting."""
        is_as_written = _validator()(self.schema).is_valid(value)
        return is_as_written and (self.check is None or self.check(value))


TEXT: Mapping[str, Any] = {"type": ["string"]}
BOOLEAN: Mapping[str, Any] = {"type": ["boolean"]}


def number(minimum: float, maximum: float) -> Mapping[str, Any]:
    """Write the schema of a number from one to another."""
    return {"type": ["number"], "minimum": minimum, "maximum": maximum}


def integer(minimum: int, maximum: int) -> Mapping[str, Any]:
    """Write the schema of a whole number from one to another."""
    return {"type": ["integer"], "minimum": minimum, "maximum": maximum}


def choice(*words: str) -> Mapping[str, Any]:
    """Write the schema of one of several words."""
    return {"type": ["string"], "enum": list(words)}


def problems(
    config: Mapping[str, Any],
    settings: Sequence[Setting],
    where: Callable[[Setting], str] = lambda _: "",
) -> Iterator[str]:
    """Say of each wrong setting its name, what was given, and what is accepted: a sentence each.

    Of one that is missing, `where` says in a sentence where it can be made.
    """
    secret = config.get("api_key")
    for setting in settings:
        value = config.get(setting.name)
        if value is None:
            if setting.is_required:
                text = f"Setting '{setting.name}' is missing; accepted is {setting.accepted}."
                yield " ".join(filter(None, (text, where(setting), setting.instead)))
        elif not setting.accepts(value):
            given = "what was given is not shown here" if setting.is_secret else f"got {value!r}"
            if isinstance(secret, str) and secret:
                given = given.replace(secret, "***")  # a key pasted into the wrong place
            yield f"Setting '{setting.name}': {_hide_user(given)}; accepted is {setting.accepted}."


def cleaned(config: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """Bring a configuration into the shape that the checks expect.

    An empty text, or nothing at all, is a setting that was not made. Numbers may come as text, from
    the environment, or as decimals, from the SDK's reading of JSON.
    What should be a number and is none stays as it is, for `problems` to report.
    """
    result = {name: value for name, value in config.items() if value is not None and value != ""}
    for setting in settings:
        value = result.get(setting.name)
        if setting.is_numeric and isinstance(value, str | Decimal | float):
            try:
                figure = float(value)
            except ValueError:
                continue
            result[setting.name] = int(figure) if figure.is_integer() else figure
        elif setting.from_text is not None and isinstance(value, str):
            with suppress(ValueError):
                result[setting.name] = setting.from_text(value)
    return result


def _hide_user(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", text)
