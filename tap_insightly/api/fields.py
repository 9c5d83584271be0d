"""What the records of an object can hold, and whether something can be written to them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api.errors import InsightlyError
from tap_insightly.api.request import encode
from tap_insightly.openapi import COMPONENTS
from tap_insightly.values import EMPTY_DATES, converter, parse_moment, split_choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api.objects import InsightlyObject

CUSTOM_FIELDS = "CUSTOMFIELDS"
# Insightly sets these itself. Where its document does not say so (events, notes, teams), that is
# assumed.
_STAMPS = frozenset({"DATE_CREATED_UTC", "DATE_UPDATED_UTC", "CREATED_USER_ID"})
_ITEM = {"TAGS": "TAG_NAME", "EMAILDOMAINS": "EMAIL_DOMAIN"}  # lists that may be given as texts
# The kinds of custom field types; those up to AUTONUMBER were seen live, the others are assumed.
_KINDS = {
    "BIT": "boolean",
    "NUMERIC": "number",
    "PERCENT": "number",
    "CURRENCY": "number",
    "DATE": "date-time",
    "DATETIME": "date-time",
    "LOOKUP": "integer",
    "MULTISELECT": "choices",
}
_check = msgspec.json.Decoder(msgspec.Raw).decode
_CONVERT = {kind: converter({"type": kind}) for kind in ("string", "integer", "number", "boolean")}
_SAID = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date-time": "a date or a date and time, such as 2026-01-31 or 2026-01-31T08:00:00Z",
    "choices": "options, separated by semicolons",
    "array": "a list",
}


class InvalidFieldsError(InsightlyError):
    """Something cannot be written as it was given; nothing was sent."""

    def __init__(self, object_name: str, problems: Sequence[str]) -> None:
        """Say what is wrong.

        Args:
            object_name: The object that it was meant for, text.
            problems: What is wrong, a sentence each.
        """
        text = " ".join(problems)
        super().__init__(text if text.startswith(object_name) else f"{object_name}: {text}")
        self.problems = tuple(problems)
        """What is wrong, a sentence each."""


@dataclass(frozen=True)
class Field:
    """One field, standard or custom."""

    name: str
    kind: str
    """``string``, ``integer``, ``number``, ``boolean``, ``date-time``, ``choices`` or ``array``."""
    description: str = ""
    max_length: int | None = None
    is_read_only: bool = False
    is_required: bool = False
    is_set_once: bool = False
    """Whether it is read-only, but not in a record that is to be created."""
    elsewhere: str | None = None
    """If it is not written with the record: the end of the path, or nothing if there is none."""
    options: tuple[str, ...] = ()
    """What can be chosen; empty if that is free, or not known."""
    is_custom: bool = False
    label: str = ""
    dates_inside: frozenset[str] = frozenset()
    """Of a list: what its items call their dates."""

    @property
    def is_writable(self) -> bool:
        """Whether it is written with the record."""
        return not self.is_read_only and self.elsewhere is None

    def convert(self, value: Any) -> Any:  # noqa: ANN401 - anything that may be meant
        """Make of a value what the API takes.

        Args:
            value: A value of the field's type, or a text that stands for one.

        Returns:
            What to send.

        Raises:
            ValueError: If it is no such value; the text says what is wrong with it.
        """
        if value is None:
            return None
        try:
            found = self._converted(value)
            _check(encode(found))  # not all can be said in JSON: half a character, infinity
        except (ValueError, TypeError, ArithmeticError, RecursionError, msgspec.DecodeError):
            msg = f"got {_shown(value)}; accepted is {_SAID[self.kind]}"
            raise ValueError(msg) from None
        if found == "" and self.options:
            return None  # no option is nothing
        if isinstance(found, str) and self.max_length and len(found) > self.max_length:
            msg = f"{len(found):,} characters are too long; at most {self.max_length:,} fit"
            raise ValueError(msg)
        chosen = found.split(";") if self.kind == "choices" and found else [found]
        for one in chosen if self.options else ():
            if one not in {*self.options, None}:
                msg = f"{_shown(one)} is no option{_did_you_mean(str(one), self.options)}"
                raise ValueError(msg)
        return found

    def _converted(self, value: Any) -> Any:  # noqa: ANN401 - as above
        if isinstance(value, float):
            value = Decimal(repr(value))
        if isinstance(value, Decimal) and not value.is_finite():
            raise ValueError  # JSON has no such number
        if self.kind == "date-time":
            return _date_time(value)
        if self.kind == "choices":
            return ";".join(split_choices(value) or ()) or None
        if self.kind == "array":
            return _items(self.name, value, self.dates_inside)
        if value == "" and self.kind != "string":
            return None
        return _CONVERT[self.kind](value)


class Fields:
    """The fields of one object: the standard ones, and those that the account has added."""

    def __init__(self, of: InsightlyObject, definitions: Iterable[Mapping[str, Any]] = ()) -> None:
        """Take what is known.

        Args:
            of: The object.
            definitions: Its custom fields, as ``GET /CustomFields/{object}`` answers them.
        """
        self.of = of
        """The object."""
        own = [*_standard(of), *_custom(definitions)]
        self._by_name = {field.name: field for field in own}
        self._by_plain: dict[str, Field] = {}
        for field in own:
            self._by_plain.setdefault(field.name.casefold(), field)
        for field in own:
            if field.is_custom:
                self._by_plain.setdefault(field.name.casefold().removesuffix("__c"), field)

    def __iter__(self) -> Iterator[Field]:
        """Go through all fields, standard ones first."""
        return iter(self._by_name.values())

    def find(self, name: str) -> Field | None:
        """Find a field by its name: in any case, and without the end of a custom one.

        Args:
            name: Such as ``FIRST_NAME``, ``first_name``, ``Hobby__c`` or ``hobby``.

        Returns:
            The field; None if there is none.
        """
        return self._by_name.get(name) or self._by_plain.get(name.casefold())

    def unknown(self, name: str) -> str:
        """Say that there is no such field, and which may have been meant.

        Args:
            name: The name that was given, text.

        Returns:
            A sentence.
        """
        names = [field.name for field in self]
        near = _did_you_mean(name, names)
        return f"{self.of.name} has no field '{name}'{near}."

    def body(self, values: Mapping[str, Any], *, is_new: bool) -> dict[str, Any]:
        """Make of values by name what the API takes, once all of them are seen to be right.

        Args:
            values: Values by field name; None clears a field.
            is_new: Whether a record is to be created, which needs its required fields.

        Returns:
            What to send, without an id.

        Raises:
            InvalidFieldsError: If anything is wrong, with all that is.
        """
        problems: list[str] = []
        body: dict[str, Any] = {}
        custom: list[dict[str, Any]] = []
        given: set[str] = set()
        for name, value in _spread(values):
            field = self.find(name)
            problem = self._problem(field, value, is_new=is_new) if field else self.unknown(name)
            if field is not None and field.name in given:
                problem = f"{field.name} is given twice."
            given.add(field.name if field else name)
            if field is None or problem:
                problems.append(str(problem))
                continue
            converted = field.convert(value)
            if field.is_custom:
                custom.append({"FIELD_NAME": field.name, "FIELD_VALUE": converted})
            else:
                body[field.name] = converted
        if custom:
            body[CUSTOM_FIELDS] = custom
        if is_new:
            wrong = given - body.keys()
            missing = [
                name
                for name in self.of.required
                if name not in wrong and body.get(name) in (None, "")
            ]
            problems += [f"{name} is missing; a new {self.of.name} needs it." for name in missing]
        if problems:
            raise InvalidFieldsError(self.of.name, list(dict.fromkeys(problems)))
        return body

    def _problem(self, field: Field, value: object, *, is_new: bool) -> str | None:
        if field.name == CUSTOM_FIELDS:
            return f"{CUSTOM_FIELDS} has to be a list of FIELD_NAME and FIELD_VALUE."
        if field.is_read_only and not (is_new and field.is_set_once):
            return f"{field.name} is read-only: Insightly sets it itself."
        if field.elsewhere is not None:
            how = f"{self.of.path}/{{id}}/{field.elsewhere}" if field.elsewhere else "another way"
            return f"{field.name} is not written with the record, but by {how}."
        if field.is_required and value in (None, "") and not is_new:
            return f"{field.name} cannot be cleared: every {self.of.name} needs it."
        try:
            field.convert(value)
        except ValueError as error:
            return f"{field.name}: {error}."
        return None


def _standard(of: InsightlyObject) -> Iterator[Field]:
    for name, schema in COMPONENTS[of.component]["properties"].items():
        if schema.get("x-added-by-tap"):
            continue
        given = schema.get("type", "object")
        kinds = [kind for kind in ([given] if isinstance(given, str) else given) if kind != "null"]
        kind = "date-time" if schema.get("format") == "date-time" else kinds[0]
        inside = str(schema.get("items", {}).get("$ref")).rpartition("/")[2]
        parts = COMPONENTS.get(inside, {"properties": {}})["properties"]
        yield Field(
            name,
            kind,
            schema.get("description", ""),
            max_length=schema.get("maxLength"),
            is_read_only=bool(schema.get("readOnly")) or name == of.key or name in _STAMPS,
            dates_inside=frozenset(n for n in parts if parts[n].get("format") == "date-time"),
            is_required=name in of.required,
            is_set_once=name in of.set_once,
            elsewhere=of.elsewhere.get(name),
        )


def _custom(definitions: Iterable[Mapping[str, Any]]) -> Iterator[Field]:
    for one in definitions:
        name, label = str(one["FIELD_NAME"]), str(one.get("FIELD_LABEL") or "")
        kind = re.sub(r"[\s_-]", "", str(one.get("FIELD_TYPE"))).upper()
        options = [str(option["OPTION_VALUE"]) for option in one.get("CUSTOM_FIELD_OPTIONS") or ()]
        field = Field(name, _KINDS.get(kind, "string"), is_custom=True, label=label)
        yield replace(
            field,
            description=" ".join(filter(None, (label, str(one.get("FIELD_HELP_TEXT") or "")))),
            # That calculated ones cannot be written is assumed.
            is_read_only=one.get("EDITABLE") is False or kind in {"AUTONUMBER", "CALCULATED"},
            options=tuple(options) if kind in {"DROPDOWN", "MULTISELECT"} else (),
        )


def _spread(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Go through values, with the raw array of custom fields as the fields that are in it."""
    for given, value in values.items():
        name = str(given)
        items = value if name.upper() == CUSTOM_FIELDS and isinstance(value, list) else None
        if items is None or not all(isinstance(i, dict) and "FIELD_NAME" in i for i in items):
            yield name, value
            continue
        for item in items:
            yield str(item["FIELD_NAME"]), item.get("FIELD_VALUE")


def _date_time(value: object) -> str | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    if isinstance(value, str):
        if value.strip() in EMPTY_DATES:
            return None
        value = parse_moment(value)
    if not isinstance(value, datetime):
        raise TypeError
    moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(" ", "seconds")  # docs


def _items(name: str, value: Any, dates: frozenset[str]) -> list[Any]:  # noqa: ANN401 - as above
    key = _ITEM.get(name)
    if isinstance(value, str):
        is_json = value.lstrip().startswith("[")
        value = (
            msgspec.json.decode(value) if is_json else [part.strip() for part in value.split(";")]
        )
    if not isinstance(value, list):
        raise TypeError
    found = [{key: one} if key and isinstance(one, str) else one for one in value if one]
    if not all(isinstance(one, dict) for one in found):
        raise TypeError
    return [{n: _date_time(v) if n in dates and v else v for n, v in i.items()} for i in found]


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return "what is too large to be shown"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - as much as a line has room


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    by_plain = {one.casefold().removesuffix("__c"): one for one in names}
    near = get_close_matches(name.casefold().removesuffix("__c"), by_plain, n=3)
    hint = " or ".join(f"'{by_plain[one]}'" for one in near)
    return f" (did you mean {hint}?)" if hint else ""
