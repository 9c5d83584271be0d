"""Which field is meant by a name that is not quite its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.api.records.names import close_names
from tap_insightly.api.records.objects import spelling_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What names of fields have beside what they are about: EMAIL_ADDRESS, DATE_CREATED_UTC, STAGE_ID.
_AT_THE_END = ("UTC", "ID", "USER", "ADDRESS", "NAME")
_AT_THE_BEGINNING = ("DATE",)


class NearFields(NamedTuple):
    """The fields that a name may stand for."""

    names: list[str]
    is_near: bool = False
    """Whether the name is a part of theirs, and not only written nearly like them."""
    is_sure: bool = False
    """Whether it may be written to if it is the only one."""


def near_fields(name: str, labels: Mapping[str, str], object_name: str) -> NearFields:
    """Find the fields that may be meant by a name, by the first rule that finds any.

    Args:
        name: Such as ``first name``, ``email`` or ``mobile``.
        labels: What the fields of the object are called by people, by their names.
        object_name: The object: ``name`` of an Opportunity is its OPPORTUNITY_NAME.

    Returns:
        The fields, and how sure that is.
    """
    letters, words = _letters(name), _words(name)
    if not letters:
        return NearFields([])
    rules: list[tuple[Callable[[str], bool], bool]] = [
        (lambda field: letters in {_letters(field), _letters(labels[field])}, True),
        (lambda field: words == _core(field, object_name), True),
        (lambda field: _has(_words(field), words), False),
    ]
    for rule, is_sure in rules:
        if found := [field for field in labels if rule(field)]:
            return NearFields(found, is_near=True, is_sure=is_sure)
    near = set(close_names(letters, labels, _letters))
    return NearFields([one for one in labels if one in near])


def _words(name: str) -> list[str]:
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return [word for word in re.split(r"[^A-Z0-9]+", _plain(text).upper()) if word]


def _letters(name: str) -> str:
    return "".join(char for char in _plain(name).casefold() if char.isalnum())


def _plain(name: str) -> str:
    return re.sub(r"__c$", "", name.strip(), flags=re.IGNORECASE)


def _core(name: str, object_name: str) -> list[str]:
    """Take from the words of a name what says nothing of what it is about."""
    words = _words(name)
    is_own = spelling_key(words[0]) == spelling_key(object_name) if words else False
    if len(words) > 1 and (is_own or words[0] in _AT_THE_BEGINNING):
        words = words[1:]
    while len(words) > 1 and words[-1] in _AT_THE_END:
        words = words[:-1]
    return words


def _has(words: list[str], part: list[str]) -> bool:
    places = range(len(words) - len(part) + 1)
    return bool(part) and any(words[at : at + len(part)] == part for at in places)
