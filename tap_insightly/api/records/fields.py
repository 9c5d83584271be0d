"""The fields of an object, standard and custom, and what can be written to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api.http.codec import encode
from tap_insightly.api.http.errors import UsageError
from tap_insightly.api.records.conversions import (
    ACCEPTED,
    SCALARS,
    exact,
    is_pandas_null,
    no_option,
    option_of,
    shortened,
    to_items,
    what_would_fit,
)
from tap_insightly.api.records.names import did_you_mean
from tap_insightly.api.records.near_fields import NearFields, near_fields
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.field_types import MANY, value_schema
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.values import split_choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api.records.objects import InsightlyObject

# Insightly sets these itself. Where its document does not say so (events, notes, teams), that is
# assumed.
_STAMPS = frozenset({"DATE_CREATED_UTC", "DATE_UPDATED_UTC", "CREATED_USER_ID"})
_ITEM = {"TAGS": "TAG_NAME", "EMAILDOMAINS": "EMAIL_DOMAIN"}  # lists that may be given as texts
_MOST_NAMED = 5  # fields that may have been meant
_check = msgspec.json.Decoder(msgspec.Raw).decode
_WRONG = (ValueError, TypeError, ArithmeticError, RecursionError, msgspec.DecodeError)


class InvalidFieldsError(UsageError):
    """Something cannot be written as it was given; nothing was sent."""

    def __init__(self, object_name: str, problems: Sequence[str]) -> None:
        """Say what is wrong.

        Args:
            object_name: The object that it was meant for.
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
    """``string``, ``integer``, ``number``, ``boolean``, ``date``, ``date-time``, ``choices`` or
    ``array``."""
    description: str = ""
    max_length: int | None = None
    bits: int = 64
    """Of a whole number: how many bits it has, the sign among them."""
    is_read_only: bool = False
    is_required: bool = False
    """Whether a new record needs it (spec), though Insightly may have a default for it."""
    is_name: bool = False
    """Whether the record is called by it, for which there can be no default."""
    is_set_once: bool = False
    """Whether it is read-only, but not in a record that is to be created."""
    elsewhere: str | None = None
    """If it is not written with the record: the end of the path, or nothing if there is none."""
    options: tuple[str, ...] = ()
    """What can be chosen; empty if that is free, or not known."""
    is_custom: bool = False
    label: str = ""
    inside: tuple[Field, ...] = ()
    """Of a list: what its items hold."""

    @property
    def is_writable(self) -> bool:
        """Whether it is written with the record."""
        return not self.is_read_only and self.elsewhere is None

    def convert(self, value: Any) -> Any:  # noqa: ANN401 - anything that may be meant
        """Make of a value what the API takes.

        An option may be written in another case or with spaces around it, if only one can be
        meant: then that is sent as the account spells it.

        Args:
            value: A value of the field's kind, or a text that stands for one: numbers, dates
                (`date`, `datetime` or ISO 8601; without a zone, UTC), true or false in words.

        Returns:
            What to send: text, a number (`decimal.Decimal` if it has a fraction), true or false, or
            a list. Dates are ``2026-01-31 08:00:00`` in UTC, options are separated by semicolons.

        Raises:
            ValueError: If it is no such value, or does not fit; the text says what is wrong.
        """
        accepted: str | None = ACCEPTED[self.kind]
        try:
            found = self.normalize(value)
            _check(encode(found))  # not all can be said in JSON: half a character, infinity
            accepted = what_would_fit(found, self.kind, self.bits)
        except _WRONG:
            pass
        if accepted:
            null = ". This is how pandas writes nothing: write null"
            hint = null if is_pandas_null(value) else ""
            msg = f"got {shortened(value)}; accepted is {accepted}{hint}"
            raise ValueError(msg)
        if isinstance(found, str) and self.max_length and len(found) > self.max_length:
            msg = f"{len(found):,} characters are too long; at most {self.max_length:,} fit"
            raise ValueError(msg)
        chosen = found.split(";") if self.kind == "choices" and found else [found]
        for one in chosen if self.options else ():
            if one not in {*self.options, None}:
                raise ValueError(no_option(str(one), self.options))
        return found

    def normalize(self, value: Any) -> Any:  # noqa: ANN401 - as above
        """Spell a value in the one way, whether or not it fits into the field.

        Args:
            value: As `convert` takes it.

        Returns:
            The value as it would be sent.

        Raises:
            ValueError: If it is no value of the field's kind.
        """
        try:
            return None if value is None else self._normalize(value)
        except _WRONG:
            raise ValueError from None

    def _normalize(self, value: Any) -> Any:  # noqa: ANN401 - as above
        if self.kind == "array":
            key = _ITEM.get(self.name)
            return to_items(
                value, key, {one.name for one in self.inside if one.kind == "date-time"}
            )
        if self.kind == "choices":
            chosen = [option_of(one, self.options) or one for one in split_choices(value) or ()]
            return ";".join(dict.fromkeys(chosen)) or None
        value = exact(value)
        if self.kind != "string" and isinstance(value, str) and not value.strip():
            return None
        found = SCALARS[self.kind](value)
        if not self.options:
            return found
        # A number may be an option with the fraction that it was written with.
        spellings = (found, str(value))
        options = (option_of(one, self.options) for one in spellings)
        return next((one for one in options if one is not None), found.strip() or None)


class Fields:
    """The fields of one object: the standard ones, and those that the account has added."""

    def __init__(self, obj: InsightlyObject, definitions: Iterable[Mapping[str, Any]] = ()) -> None:
        """Take what is known.

        Args:
            obj: The object.
            definitions: Its custom fields, as ``GET /CustomFields/{object}`` sends them.
        """
        self.obj = obj
        """The object."""
        own = [*_standard(obj), *_custom(definitions)]
        self._by_name = {field.name: field for field in own}
        self._by_folded_name: dict[str, Field] = {}
        for field in own:
            self._by_folded_name.setdefault(field.name.casefold(), field)
        for field in own:
            if field.is_custom:
                self._by_folded_name.setdefault(field.name.casefold().removesuffix("__c"), field)

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
        return self._by_name.get(name) or self._by_folded_name.get(name.casefold())

    def meant(self, name: str, *, is_written: bool = False) -> Field | None:
        """Find the field that is meant by a name which need not be its own.

        Args:
            name: As `find` takes it; also in another spelling (``first name``), a short form
                (``email`` for EMAIL_ADDRESS), or a part (``mobile``), if only one field can be
                meant.
            is_written: Whether something is to be written to it, so that a part does not do.

        Returns:
            The field; None if there is none, or several can be meant.
        """
        if (field := self.find(name)) is not None:
            return field
        near = self._near(name)
        is_found = len(near.names) == 1 and (near.is_sure or (near.is_near and not is_written))
        return self._by_name[near.names[0]] if is_found else None

    def _near(self, name: str) -> NearFields:
        return near_fields(name, {one.name: one.label for one in self}, self.obj.name)

    def unknown(self, name: str) -> str:
        """Say that there is no such field, and which may have been meant.

        Args:
            name: The name that was given.

        Returns:
            A sentence.
        """
        near = self._near(name).names
        hint = did_you_mean(near[:_MOST_NAMED], in_brackets=True)
        return f"{self.obj.name} has no field '{name}'{hint}."

    def body(self, values: Mapping[str, Any], *, is_new: bool) -> dict[str, Any]:
        """Make of values by name what the API takes, once all of them are seen to be right.

        Args:
            values: Values by field name; None clears a field.
            is_new: Whether a record is to be created, which needs a name. What else is required
                of it is for the API to say, which may have a default for it.

        Returns:
            What to send, without an id.

        Raises:
            InvalidFieldsError: If anything is wrong, with all that is.
        """
        problems: list[str] = []
        body: dict[str, Any] = {}
        custom: list[dict[str, Any]] = []
        given: set[str] = set()
        for name, value in spread_custom_fields(values):
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
                field.name
                for field in self
                if field.is_name and field.name not in wrong and body.get(field.name) in (None, "")
            ]
            problems += [f"{name} is missing; a new {self.obj.name} needs it." for name in missing]
        if problems:
            raise InvalidFieldsError(self.obj.name, list(dict.fromkeys(problems)))
        return body

    def _problem(self, field: Field, value: object, *, is_new: bool) -> str | None:
        if field.name == CUSTOM_FIELDS:
            return f"{CUSTOM_FIELDS} has to be a list of FIELD_NAME and FIELD_VALUE."
        if field.is_read_only and not (is_new and field.is_set_once):
            return f"{field.name} is read-only: Insightly sets it itself."
        if field.elsewhere is not None:
            how = f"{self.obj.path}/{{id}}/{field.elsewhere}" if field.elsewhere else "another way"
            return f"{field.name} is not written with the record, but by {how}."
        if field.is_name and value in (None, "") and not is_new:
            return f"{field.name} cannot be cleared: every {self.obj.name} needs it."
        try:
            field.convert(value)
        except ValueError as error:
            return f"{field.name}: {error}."
        return None


def _standard(obj: InsightlyObject) -> Iterator[Field]:
    texts = [name for name in obj.required if _kind(_properties(obj.component)[name]) == "string"]
    for name, schema in _properties(obj.component).items():
        if schema.get("x-added-by-tap"):
            continue
        inside = str(schema.get("items", {}).get("$ref")).rpartition("/")[2]
        yield Field(
            name,
            _kind(schema),
            schema.get("description", ""),
            max_length=schema.get("maxLength"),
            bits=_bits(schema),
            is_read_only=bool(schema.get("readOnly")) or name == obj.key or name in _STAMPS,
            inside=tuple(
                Field(n, _kind(part), part.get("description", ""), bits=_bits(part))
                for n, part in _properties(inside).items()
            ),
            is_required=name in obj.required,
            # The first text that a record needs is what it is called; others are a state or a
            # colour, and what is no text can have a default.
            is_name=name in texts[:1],
            is_set_once=name in obj.set_once,
            elsewhere=obj.elsewhere.get(name),
        )


def _properties(component: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = COMPONENTS.get(component, {"properties": {}})["properties"]
    return found


def _kind(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "date" if schema.get("x-plain-date") else "date-time"
    given = schema.get("type", "object")
    return next(kind for kind in ([given] if isinstance(given, str) else given) if kind != "null")


def _bits(schema: Mapping[str, Any]) -> int:
    return 32 if schema.get("format") == "int32" else 64


def _custom(definitions: Iterable[Mapping[str, Any]]) -> Iterator[Field]:
    for one in definitions:
        name, label = str(one["FIELD_NAME"]), str(one.get("FIELD_LABEL") or "")
        value = value_schema(str(one.get("FIELD_TYPE")))
        options = [str(option["OPTION_VALUE"]) for option in one.get("CUSTOM_FIELD_OPTIONS") or ()]
        field = Field(name, _custom_kind(value), is_custom=True, label=label)
        yield replace(
            field,
            description=" ".join(filter(None, (label, str(one.get("FIELD_HELP_TEXT") or "")))),
            # That calculated ones cannot be written is assumed.
            is_read_only=one.get("EDITABLE") is False or bool(value.get("readOnly")),
            options=tuple(options) if "x-options" in value else (),
        )


def _custom_kind(value: Mapping[str, Any]) -> str:
    if value.get("x-options") == MANY:
        return "choices"
    return _kind(value) if value else "string"


def spread_custom_fields(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Go through values by field, with the items of the raw array of custom fields among them."""
    for given, value in values.items():
        name = str(given)
        items = value if name.upper() == CUSTOM_FIELDS and isinstance(value, list) else None
        if items is None or not all(isinstance(i, dict) and "FIELD_NAME" in i for i in items):
            yield name, value
            continue
        for item in items:
            yield str(item["FIELD_NAME"]), item.get("FIELD_VALUE")
